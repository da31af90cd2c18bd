/**
 * Our side: the library as it is patched, set up and called in this folder, with the border for bytes and the checks of trees. Not a
 * `Group`, because that takes nobody without our certificates, which core-crypto cannot show.
 */
import {
  bytesToBase64,
  type ClientState,
  contentTypes,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  defaultCredentialTypes,
  defaultKeyPackageEqualityConfig,
  defaultLifetimeConfig,
  defaultPaddingConfig,
  defaultProposalTypes,
  generateKeyPackageWithKey,
  joinGroup,
  joinGroupExternal,
  type KeyPackage,
  type LeafNode,
  type MlsContext,
  mlsExporter,
  type PrivateKeyPackage,
  type Proposal,
  type PublicMessage,
  processPrivateMessage,
  processPublicMessage,
  proposalOrRefTypes,
  protocolVersions,
  unsafeTestingAuthenticationService,
  wireformats,
} from 'ts-mls';
import { verifyLeafNodeSignature } from 'ts-mls/internal/leafNode.js';
import { unprotectPublicMessage } from 'ts-mls/internal/messageProtectionPublic.js';
import { fromBase64Url } from '#signalling/base64.ts';
import type { DomainName, ParticipantId } from '#signalling/ids.ts';
import { sameBytes, textOf, utf8 } from '../../bytes.ts';
import { readCertificate } from '../../certificate.ts';
import { type DeviceKeys, KEY_PACKAGE_LIFE, keyPackageMessage } from '../../key-package.ts';
import { checkLeafNode } from '../../leaf.ts';
import { hubExtensions } from '../../library.ts';
import { PARTICIPANT, participantExtension } from '../../participant.ts';
import { endEpoch, type Past } from '../../past.ts';
import { NO_HISTORY } from '../../state.ts';
import { CAPABILITIES, cipherSuite, RETENTION } from '../../suite.ts';
import { checkParentHashes, checkShape, KeySet } from '../../tree-check.ts';
import { hashTree, rootHash } from '../../tree-hash.ts';
import { leavesOf, messageBytes, parseFramed, parseGroupInfo, parseKeyPackage, parseWelcome } from '../../wire.ts';
import { SubjectAlternativeNameExtension } from '../../x509.ts';
import { toHex } from '../hex.ts';
import { GROUP_ID, type Heard, type Made, type Member, type Shown, type Wishes } from './member.ts';

/** What both sides know of the hub is its key. */
const HUB = 'alpha.example' as DomainName;
/** Readable by the hub, as what a client of ours sends. */
const AUTHENTICATED = utf8('{"kind":"message"}');

export interface OurOptions {
  readonly name: string;
  /** DER: what it shows in the place of its name. */
  readonly device?: DeviceKeys;
  /** Under which name SFTs know it: an extension of its leaf that nobody else knows. */
  readonly participant?: ParticipantId;
}

interface SignatureKeys {
  readonly signKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

interface KeyPackagePair {
  readonly keyPackage: KeyPackage;
  readonly secrets: PrivateKeyPackage;
}

export class Ours implements Member {
  readonly #options: OurOptions;
  readonly #context: MlsContext;
  readonly #keys: SignatureKeys;
  #offered: KeyPackagePair | undefined;
  #state: ClientState | undefined;
  #past: Past = new Map();

  private constructor(options: OurOptions, context: MlsContext, keys: SignatureKeys) {
    this.#options = options;
    this.#context = context;
    this.#keys = keys;
  }

  static async make(options: OurOptions): Promise<Ours> {
    const { device } = options;
    const suite = await cipherSuite();
    const context: MlsContext = {
      cipherSuite: suite,
      authService: unsafeTestingAuthenticationService,
      clientConfig: {
        keyRetentionConfig: RETENTION,
        lifetimeConfig: defaultLifetimeConfig,
        // By the signature key, which is half of what `library.ts` goes by: the other half are certificates.
        keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
        paddingConfig: defaultPaddingConfig,
      },
    };
    const keys =
      device === undefined
        ? await suite.signature.keygen()
        : { signKey: device.signatureKey, publicKey: device.signaturePublicKey };
    return new Ours(options, context, keys);
  }

  async create(hubKey?: Uint8Array): Promise<void> {
    const { keyPackage, secrets } = await this.#makeKeyPackage();
    const extensions = hubExtensions(hubKey && { domain: HUB, signatureKey: hubKey });
    await this.#enter(
      createGroup({
        ...{ context: this.#context, groupId: utf8(GROUP_ID), extensions },
        ...{ keyPackage, privateKeyPackage: secrets },
      }),
    );
  }

  async keyPackage(): Promise<Uint8Array> {
    this.#offered = await this.#makeKeyPackage();
    return keyPackageMessage(this.#offered.keyPackage);
  }

  async commit({ add = [], remove = [] }: Wishes): Promise<Made> {
    const state = this.#current;
    const proposals = [
      ...remove.map((name): Proposal => {
        const member = leavesOf(state.ratchetTree).find(({ leaf }) => nameIn(leaf) === name);
        if (member === undefined) throw new Error(`${name} is no member`);
        return { proposalType: defaultProposalTypes.remove, remove: { removed: member.leafIndex } };
      }),
      ...add.map((bytes): Proposal => {
        const keyPackage = parseKeyPackage(bytes);
        checkLeafNode(keyPackage.leafNode);
        return { proposalType: defaultProposalTypes.add, add: { keyPackage } };
      }),
    ];
    const { newState, commit, welcome } = await createCommit({
      ...{ context: this.#context, state, wireAsPublicMessage: true, extraProposals: proposals },
      // Devices of ours get the tree from the hub; core-crypto takes it from the Welcome only.
      ratchetTreeExtension: true,
    });
    await this.#enter(newState);
    return {
      commit: messageBytes(commit),
      welcome: welcome && messageBytes(welcome),
      groupInfo: await this.#groupInfo(),
    };
  }

  async join(welcome: Uint8Array): Promise<void> {
    if (this.#offered === undefined) throw new Error('no key package was made');
    const { keyPackage, secrets } = this.#offered;
    const parsed = parseWelcome(welcome);
    await this.#enter(joinGroup({ context: this.#context, welcome: parsed, keyPackage, privateKeys: secrets }));
  }

  async joinExternally(bytes: Uint8Array): Promise<Made> {
    const { keyPackage, secrets } = await this.#makeKeyPackage();
    const { publicMessage, newState } = await joinGroupExternal({
      ...{ context: this.#context, groupInfo: parseGroupInfo(bytes), keyPackage, privateKeys: secrets },
      resync: this.#state !== undefined,
    });
    await this.#enter(newState);
    const commit = messageBytes({
      version: protocolVersions.mls10,
      wireformat: wireformats.mls_public_message,
      publicMessage,
    });
    return { commit, welcome: undefined, groupInfo: await this.#groupInfo() };
  }

  async receive(bytes: Uint8Array): Promise<Heard> {
    const { message, epoch } = parseFramed(bytes);
    const state = this.#current;
    if ('publicMessage' in message) {
      const { publicMessage } = message;
      if (await this.#isRemovedBy(publicMessage)) {
        this.#state = undefined;
        return { kind: 'removed' };
      }
      const { newState, actionTaken } = await processPublicMessage({ context: this.#context, state, publicMessage });
      if (actionTaken !== 'accept') throw new Error('the library did not take it');
      if (newState.groupContext.epoch === epoch) {
        this.#state = newState;
        return { kind: 'proposal' };
      }
      await this.#enter(newState);
      return { kind: 'epoch' };
    }
    const ended = this.#past.get(epoch);
    const { newState, ...result } = await processPrivateMessage({
      context: this.#context,
      state: { ...state, historicalReceiverData: ended === undefined ? NO_HISTORY : new Map([[epoch, ended.data]]) },
      privateMessage: message.privateMessage,
    });
    if (result.kind !== 'applicationMessage') throw new Error('a handshake in a message');
    if (ended === undefined) this.#state = newState;
    const tree = ended?.data.ratchetTree ?? state.ratchetTree;
    const leaf = leavesOf(tree).find(({ leafIndex }) => leafIndex === result.senderLeafIndex)?.leaf;
    if (leaf === undefined) throw new Error('the sender was not a member');
    return { kind: 'message', content: result.message, sender: nameIn(leaf) };
  }

  async send(content: Uint8Array): Promise<Uint8Array> {
    const { newState, message } = await createApplicationMessage({
      ...{ context: this.#context, state: this.#current, message: content, authenticatedData: AUTHENTICATED },
    });
    this.#state = newState;
    return messageBytes(message);
  }

  async show(): Promise<Shown> {
    const { groupContext, ratchetTree, keySchedule } = this.#current;
    const { cipherSuite: suite } = this.#context;
    return {
      epoch: Number(groupContext.epoch),
      members: leavesOf(ratchetTree)
        .map(({ leaf }) => nameIn(leaf))
        .sort(),
      exported: await mlsExporter(keySchedule.exporterSecret, 'exporter', new Uint8Array(), 32, suite),
    };
  }

  get #current(): ClientState {
    if (this.#state === undefined) throw new Error(`${this.#options.name} is in no group`);
    return this.#state;
  }

  /** As `handshake.ts` has it: such a commit is checked, and cannot be followed. */
  async #isRemovedBy(publicMessage: PublicMessage): Promise<boolean> {
    const { content } = publicMessage;
    if (content.contentType !== contentTypes.commit) return false;
    const { privatePath, unappliedProposals, keySchedule, groupContext, ratchetTree } = this.#current;
    const proposals = content.commit.proposals.map((each) =>
      each.proposalOrRefType === proposalOrRefTypes.proposal
        ? each.proposal
        : unappliedProposals[bytesToBase64(each.reference)]?.proposal,
    );
    const isRemoved = proposals.some(
      (each) => each !== undefined && 'remove' in each && each.remove.removed === privatePath.leafIndex,
    );
    if (!isRemoved) return false;
    await unprotectPublicMessage(
      ...([keySchedule.membershipKey, groupContext, ratchetTree, publicMessage, this.#context.cipherSuite] as const),
    );
    return true;
  }

  async #enter(entering: ClientState | Promise<ClientState>): Promise<void> {
    const next = { ...(await entering), historicalReceiverData: NO_HISTORY };
    await checkTree(next, this.#context);
    if (this.#state !== undefined) this.#past = endEpoch(this.#past, this.#state, Date.now());
    this.#state = next;
  }

  async #groupInfo(): Promise<Uint8Array> {
    const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(this.#current, [], this.#context.cipherSuite);
    return messageBytes({ version: protocolVersions.mls10, wireformat: wireformats.mls_group_info, groupInfo });
  }

  async #makeKeyPackage(): Promise<KeyPackagePair> {
    const { name, device, participant } = this.#options;
    const { basic, x509 } = defaultCredentialTypes;
    const now = Math.floor(Date.now() / 1000);
    const { publicPackage, privatePackage } = await generateKeyPackageWithKey({
      credential:
        device === undefined
          ? { credentialType: basic, identity: utf8(name) }
          : { credentialType: x509, certificates: [...device.certificates] },
      capabilities: {
        ...CAPABILITIES,
        // A group of core-crypto requires both of every member.
        credentials: [basic, x509],
        extensions: participant === undefined ? [] : [PARTICIPANT],
      },
      ...(participant !== undefined && { leafNodeExtensions: [participantExtension(participant)] }),
      lifetime: { notBefore: BigInt(now - 3600), notAfter: BigInt(now + KEY_PACKAGE_LIFE / 1000) },
      extensions: [],
      signatureKeyPair: this.#keys,
      cipherSuite: this.#context.cipherSuite,
    });
    return { keyPackage: publicPackage, secrets: privatePackage };
  }
}

/** Of a certificate, what core-crypto reads in it: `wireapp://user!device@domain`, the user in base64url. */
export function nameIn({ credential }: LeafNode): string {
  if ('identity' in credential) return textOf(credential.identity) ?? 'no text';
  const [leaf] = 'certificates' in credential ? credential.certificates : [];
  if (leaf === undefined) return 'another credential';
  const names = readCertificate(leaf).getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const [, user = '', rest] =
    names.map(({ value }) => /^wireapp:\/\/(.+)!(.+)$/.exec(value) ?? []).find(([all]) => all) ?? [];
  const digits = toHex(fromBase64Url(user) ?? new Uint8Array());
  return `${digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}:${rest}`;
}

/** What the hub asks of a tree, whoever has made it: `public-group.ts`. */
async function checkTree({ ratchetTree: tree, groupContext }: ClientState, { cipherSuite: suite }: MlsContext) {
  checkShape(tree);
  new KeySet().addAll(tree);
  const hashed = await hashTree(tree, suite.hash);
  if (!sameBytes(rootHash(hashed), groupContext.treeHash)) throw new Error('another tree hash');
  await checkParentHashes(hashed, suite);
  for (const { leaf, leafIndex } of leavesOf(tree)) {
    checkLeafNode(leaf);
    const isSigned = await verifyLeafNodeSignature(leaf, groupContext.groupId, leafIndex, suite.signature);
    if (!isSigned) throw new Error('the signature of a leaf is wrong');
  }
}
