/** A member, or a stranger, who keeps to every rule of cryptography and to none of ours: for tests that attack. */
import {
  type Capabilities,
  type CiphersuiteImpl,
  type ClientState,
  type Commit,
  contentTypes,
  createCommit,
  createGroupInfoWithExternalPub,
  defaultKeyRetentionConfig,
  defaultLifetimeConfig,
  defaultPaddingConfig,
  type GroupInfo,
  generateKeyPackageWithKey,
  joinGroupExternal,
  type MlsContext,
  type MlsPublicMessage,
  type Proposal,
  type PublicMessage,
  proposalOrRefTypes,
  protocolVersions,
  type Sender,
  senderTypes,
  unsafeTestingAuthenticationService,
  wireformats,
} from 'ts-mls';
import { createContentCommitSignature } from 'ts-mls/internal/framedContent.js';
import { protectPublicMessage } from 'ts-mls/internal/messageProtectionPublic.js';
import type { DeviceId } from '#signalling/ids.ts';
import { identityOf } from '../members.ts';
import { stateFrom } from '../read-records.ts';
import { CAPABILITIES, cipherSuite } from '../suite.ts';
import { messageBytes, parseGroupInfo, parseTree } from '../wire.ts';
import { DAY } from './authority.ts';
import type { TestDevice } from './world.ts';

export function publicly(publicMessage: PublicMessage): MlsPublicMessage {
  return { version: protocolVersions.mls10, wireformat: wireformats.mls_public_message, publicMessage };
}

/** The library without any of our checks. */
export async function unguarded(): Promise<MlsContext> {
  return { cipherSuite: await cipherSuite(), authService: unsafeTestingAuthenticationService };
}

export const byValue = (proposal: Proposal) => ({ proposalOrRefType: proposalOrRefTypes.proposal, proposal });

/**
 * A commit with these contents, rightly signed and tagged; its confirmation tag is that of no epoch.
 * @param sender and key: the member himself, where they are not given
 */
export async function signedCommit(
  state: ClientState,
  commit: Commit,
  sender: Sender = { senderType: senderTypes.member, leafIndex: state.privatePath.leafIndex },
  key: Uint8Array = state.signaturePrivateKey,
): Promise<MlsPublicMessage> {
  return signed(state, commit, sender, key);
}

/** The external commit of a joiner with one more proposal in it, signed by him again. */
export async function withProposal(
  state: ClientState,
  { content }: PublicMessage,
  proposal: Proposal,
  signatureKey: Uint8Array,
): Promise<MlsPublicMessage> {
  if (content.contentType !== contentTypes.commit) throw new Error('no commit');
  const commit = { ...content.commit, proposals: [byValue(proposal), ...content.commit.proposals] };
  return signed(state, commit, content.sender, signatureKey);
}

async function signed(state: ClientState, commit: Commit, sender: Sender, key: Uint8Array): Promise<MlsPublicMessage> {
  const cs = await cipherSuite();
  const none = new Uint8Array();
  const { groupContext, keySchedule } = state;
  const { framedContent, signature } = await createContentCommitSignature(
    ...([groupContext, 'mls_public_message', commit, sender, none, key, cs.signature] as const),
  );
  const auth = { contentType: contentTypes.commit, signature, confirmationTag: new Uint8Array(32) } as const;
  const content = { wireformat: wireformats.mls_public_message, content: framedContent, auth };
  return publicly(await protectPublicMessage(keySchedule.membershipKey, groupContext, content, cs));
}

/** The library, with a certain key for the leaf of the next path that it makes. */
export async function withLeafKey(key: Uint8Array): Promise<MlsContext> {
  const context = await unguarded();
  const { hpke } = context.cipherSuite;
  let leaf: unknown;
  return {
    ...context,
    cipherSuite: {
      ...context.cipherSuite,
      hpke: {
        ...hpke,
        async deriveKeyPair(secret) {
          const pair = await hpke.deriveKeyPair(secret);
          leaf ??= pair.publicKey;
          return pair;
        },
        exportPublicKey: async (exported) => (exported === leaf ? key : hpke.exportPublicKey(exported)),
      },
    },
  };
}

/** A commit in which the lowest parent of the path has another key than its secret gives; everything else is right. */
export async function commitWithWrongKey(state: ClientState): Promise<MlsPublicMessage> {
  const context = await unguarded();
  const { hpke } = context.cipherSuite;
  let calls = 0;
  const cipherSuite_: CiphersuiteImpl = {
    ...context.cipherSuite,
    hpke: {
      ...hpke,
      async deriveKeyPair(secret) {
        const pair = await hpke.deriveKeyPair(secret);
        // The first is the leaf's, the second the lowest parent's.
        return ++calls === 2 ? { ...pair, publicKey: (await hpke.generateKeyPair()).publicKey } : pair;
      },
    },
  };
  const { commit } = await createCommit({
    context: { ...context, cipherSuite: cipherSuite_ },
    state,
    wireAsPublicMessage: true,
  });
  if (commit.wireformat !== wireformats.mls_public_message) throw new Error('no public message');
  return commit;
}

/** A key package of a device with other promises than it would make itself. @param now ms since 1970 */
export async function keyPackageOf(
  { keys }: Pick<TestDevice, 'keys'>,
  now: number,
  notAfter: number = now + 30 * DAY,
  capabilities: Capabilities = CAPABILITIES,
) {
  return generateKeyPackageWithKey({
    credential: { credentialType: 2, certificates: [...keys.certificates] },
    capabilities,
    lifetime: { notBefore: seconds(now - 3 * DAY), notAfter: seconds(notAfter) },
    extensions: [],
    signatureKeyPair: { signKey: keys.signatureKey, publicKey: keys.signaturePublicKey },
    cipherSuite: await cipherSuite(),
  });
}

const seconds = (ms: number) => BigInt(Math.floor(ms / 1000));

/** An external commit of a device that takes whom it likes for its former self, and the GroupInfo that belongs to it. */
export async function joinInPlaceOf(
  device: TestDevice,
  { groupInfo, tree }: { groupInfo: Uint8Array; tree: Uint8Array },
  victim?: DeviceId,
  capabilities?: Capabilities,
  base?: MlsContext,
): Promise<{ commit: Uint8Array; groupInfo: Uint8Array }> {
  const context: MlsContext = {
    ...(base ?? (await unguarded())),
    clientConfig: {
      keyRetentionConfig: defaultKeyRetentionConfig,
      lifetimeConfig: defaultLifetimeConfig,
      paddingConfig: defaultPaddingConfig,
      keyPackageEqualityConfig: {
        compareKeyPackages: () => false,
        compareKeyPackageToLeafNode: (_, leaf) => identityOf(leaf).device === victim,
      },
    },
  };
  const { publicPackage, privatePackage } = await keyPackageOf(device, device.world.now, undefined, capabilities);
  const { publicMessage, newState } = await joinGroupExternal({
    context,
    groupInfo: parseGroupInfo(groupInfo),
    tree: parseTree(tree),
    keyPackage: publicPackage,
    privateKeys: privatePackage,
    resync: victim !== undefined,
  });
  return { commit: messageBytes(publicly(publicMessage)), groupInfo: await groupInfoOf(newState) };
}

/** The GroupInfo of a state, as an MLSMessage; of one that never was too. */
export async function groupInfoOf(state: ClientState): Promise<Uint8Array> {
  return groupInfoMessage(await createGroupInfoWithExternalPub(state, [], await cipherSuite()));
}

export function groupInfoMessage(groupInfo: GroupInfo): Uint8Array {
  return messageBytes({ version: protocolVersions.mls10, wireformat: wireformats.mls_group_info, groupInfo });
}

/** The library's state of a member, as he could take it out of his own store. */
export function secretsOf(device: TestDevice): ClientState {
  const { current } = stateFrom(device.store.copy());
  if (current === undefined) throw new Error('no member');
  return current;
}
