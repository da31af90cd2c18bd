/**
 * Large groups, quickly: members of whom nothing exists but their leaves and their keys. One of them is a real one and can commit; for the
 * hub, which cannot check what takes a member's secrets, the others are as real.
 */
import {
  type CiphersuiteImpl,
  type ClientState,
  createCommit,
  createGroup,
  defaultProposalTypes,
  type LeafNode,
  nodeTypes,
  type Proposal,
  processMessage,
  type RatchetTree,
} from 'ts-mls';
import { addLeafNodeMutable } from 'ts-mls/internal/ratchetTree.js';
import { toLeafIndex } from 'ts-mls/internal/treemath.js';
import { createUpdatePath } from 'ts-mls/internal/updatePath.js';
import { hubExtensions } from '../library.ts';
import type { CommitParts, GroupParts } from '../public-group.ts';
import { cipherSuite } from '../suite.ts';
import { hashTree, rootHash } from '../tree-hash.ts';
import { groupIdBytes, messageBytes, parseFramed, treeBytes } from '../wire.ts';
import { groupInfoOf, keyPackageOf, unguarded } from './attacker.ts';
import type { TestHub } from './hub.ts';
import { GROUP, type TestDevice } from './world.ts';

export class Crowd {
  readonly hub: TestHub;
  readonly devices: readonly TestDevice[];
  #state: ClientState;
  #newcomers = 0;

  private constructor(hub: TestHub, devices: readonly TestDevice[], state: ClientState) {
    this.hub = hub;
    this.devices = devices;
    this.#state = state;
  }

  /**
   * @param renewed how many of the members have renewed their keys since all were added: each populates the parents above him
   * @param isForeign which of them are of the other domain; every second one when left out
   */
  static async gather(
    hub: TestHub,
    size: number,
    renewed: number,
    isForeign = (index: number) => index % 2 !== 0,
  ): Promise<Crowd> {
    const suite = await cipherSuite(hub.environment.engine);
    const devices: TestDevice[] = [];
    const leaves: LeafNode[] = [];
    for (let index = 0; index < size; index++) {
      const device = await hub.world.device(`member${index}${isForeign(index) ? '@beta' : ''}/one`);
      devices.push(device);
    }
    const [first] = devices;
    if (first === undefined) throw new Error('nobody');
    const { publicPackage, privatePackage } = await keyPackageOf(first, hub.world.now);
    const created = await createGroup({
      context: await unguarded(),
      groupId: groupIdBytes(GROUP),
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      extensions: hubExtensions(hub.environment.hub),
    });
    for (const device of devices.slice(1)) {
      leaves.push((await keyPackageOf(device, hub.world.now)).publicPackage.leafNode);
    }
    let tree: RatchetTree = created.ratchetTree.slice();
    for (const leaf of leaves) addLeafNodeMutable(tree, leaf);
    for (let count = 0; count < renewed; count++) {
      tree = await renew(tree, Math.floor((count * size) / renewed), devices, created, suite);
    }
    const treeHash = rootHash(await hashTree(tree, suite.hash));
    const groupContext = { ...created.groupContext, epoch: 100n, treeHash };
    return new Crowd(hub, devices, { ...created, ratchetTree: tree, groupContext });
  }

  async parts(): Promise<GroupParts> {
    return { groupInfo: await groupInfoOf(this.#state), tree: treeBytes(this.#state.ratchetTree) };
  }

  /** A commit of the first member: new keys for himself, one newcomer, and one who goes. */
  async change(): Promise<CommitParts> {
    const newcomer = await this.hub.world.device(`newcomer${++this.#newcomers}/one`);
    const { publicPackage: keyPackage } = await keyPackageOf(newcomer, this.hub.world.now);
    const extraProposals: Proposal[] = [
      // Spread over the tree; the newcomer takes the place that becomes free.
      {
        proposalType: defaultProposalTypes.remove,
        remove: { removed: 1 + ((this.#newcomers * 7) % (this.devices.length - 1)) },
      },
      { proposalType: defaultProposalTypes.add, add: { keyPackage } },
    ];
    const context = { ...(await unguarded()), cipherSuite: await cipherSuite(this.hub.environment.engine) };
    const state = this.#state;
    const made = await createCommit({ context, state, extraProposals, wireAsPublicMessage: true });
    this.#state = made.newState;
    const welcome = made.welcome && messageBytes(made.welcome);
    return { commit: messageBytes(made.commit), groupInfo: await groupInfoOf(made.newState), welcome };
  }

  /** A commit of the first member: what the hub proposed. */
  async obey(): Promise<CommitParts> {
    const context = { ...(await unguarded()), cipherSuite: await cipherSuite(this.hub.environment.engine) };
    const made = await createCommit({ context, state: this.#state, wireAsPublicMessage: true });
    this.#state = made.newState;
    return { commit: messageBytes(made.commit), groupInfo: await groupInfoOf(made.newState) };
  }

  /** A commit of somebody who is as real, or a proposal of the hub. */
  async take(bytes: Uint8Array): Promise<void> {
    const { message } = parseFramed(bytes);
    if (!('publicMessage' in message)) throw new Error('neither');
    const context = { ...(await unguarded()), cipherSuite: await cipherSuite(this.hub.environment.engine) };
    this.#state = (await processMessage({ context, state: this.#state, message })).newState;
  }
}

async function renew(
  tree: RatchetTree,
  leafIndex: number,
  devices: readonly TestDevice[],
  { groupContext }: ClientState,
  suite: CiphersuiteImpl,
): Promise<RatchetTree> {
  const key = devices[leafIndex]?.keys.signatureKey;
  if (key === undefined || tree[leafIndex * 2]?.nodeType !== nodeTypes.leaf) throw new Error('no such member');
  const [renewed] = await createUpdatePath(tree, tree.slice(), toLeafIndex(leafIndex), groupContext, key, suite);
  return renewed;
}
