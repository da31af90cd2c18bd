/** A hub with its key, for tests: what it knows of a group, and what it says to what it is given. */
import { nodeEngine } from '#mls/node-engine.ts';
import type { DomainName } from '#signalling/ids.ts';
import { Credentials } from '../credentials.ts';
import {
  type AppliedCommit,
  applyCommit,
  beginPublicGroup,
  type CommitParts,
  type GroupParts,
  type HubEnvironment,
  type PublicGroup,
} from '../public-group.ts';
import { type HubSigner, proposeRemoval } from '../public-proposal.ts';
import { cipherSuite } from '../suite.ts';
import { type TestDevice, World } from './world.ts';

export class TestHub {
  readonly world: World;
  readonly environment: HubEnvironment;
  readonly signer: HubSigner;
  #state: PublicGroup | undefined;

  private constructor(world: World, environment: HubEnvironment, signer: HubSigner) {
    this.world = world;
    this.environment = environment;
    this.signer = signer;
  }

  /** A world whose groups have this hub. @param real the key of a homeserver, in whose place it stands; a new one when left out */
  static async make(real?: HubSigner & { readonly publicKey: Uint8Array }): Promise<TestHub> {
    const { publicKey, ...signer } = real ?? (await newSigner());
    const hub = { domain: 'alpha.example' as DomainName, signatureKey: publicKey };
    const world = await World.make(hub);
    const credentials = new Credentials((domain) => world.domains.get(domain)?.authority, nodeEngine);
    const environment = { ...world.environment, credentials, hub, engine: nodeEngine };
    return new TestHub(world, environment, signer);
  }

  get state(): PublicGroup {
    if (this.#state === undefined) throw new Error('the hub has no group');
    return this.#state;
  }

  async begin(parts: GroupParts): Promise<PublicGroup> {
    this.#state = await beginPublicGroup(parts, this.environment);
    return this.#state;
  }

  /** From the state of a member. */
  async follow({ group }: TestDevice): Promise<void> {
    await this.begin({ groupInfo: await group.groupInfo(), tree: group.tree() });
  }

  /** What it would make of a commit, without taking it. */
  try(parts: CommitParts): Promise<AppliedCommit> {
    return applyCommit(this.state, parts, this.environment);
  }

  async take(parts: CommitParts): Promise<AppliedCommit['plan']> {
    const { state, plan } = await this.try(parts);
    this.#state = state;
    return plan;
  }

  adopt(state: PublicGroup): void {
    this.#state = state;
  }

  async propose(...leafIndexes: number[]): Promise<readonly Uint8Array[]> {
    const { state, messages } = await proposeRemoval(this.state, leafIndexes, this.signer, this.environment);
    this.#state = state;
    return messages;
  }
}

async function newSigner() {
  const { signature } = await cipherSuite();
  const { publicKey, signKey } = await signature.keygen();
  return { publicKey, sign: (message: Uint8Array) => signature.sign(signKey, message) };
}
