/** A member, or a stranger, who keeps to every rule of cryptography and to none of ours: for tests that attack. */
import {
  type CiphersuiteImpl,
  type ClientState,
  type Commit,
  contentTypes,
  createCommit,
  type MlsContext,
  type MlsPublicMessage,
  type Proposal,
  type PublicMessage,
  proposalOrRefTypes,
  protocolVersions,
  senderTypes,
  unsafeTestingAuthenticationService,
  wireformats,
} from 'ts-mls';
import { createContentCommitSignature } from 'ts-mls/internal/framedContent.js';
import { protectPublicMessage } from 'ts-mls/internal/messageProtectionPublic.js';
import { cipherSuite } from '../suite.ts';

export function publicly(publicMessage: PublicMessage): MlsPublicMessage {
  return { version: protocolVersions.mls10, wireformat: wireformats.mls_public_message, publicMessage };
}

/** The library without any of our checks. */
export async function unguarded(): Promise<MlsContext> {
  return { cipherSuite: await cipherSuite(), authService: unsafeTestingAuthenticationService };
}

export const byValue = (proposal: Proposal) => ({ proposalOrRefType: proposalOrRefTypes.proposal, proposal });

/** A commit with these contents, rightly signed and tagged by the member; its confirmation tag is that of no epoch. */
export async function signedCommit(state: ClientState, commit: Commit): Promise<MlsPublicMessage> {
  const sender = { senderType: senderTypes.member, leafIndex: state.privatePath.leafIndex } as const;
  return signed(state, commit, sender, state.signaturePrivateKey);
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

async function signed(
  state: ClientState,
  commit: Commit,
  sender: Parameters<typeof createContentCommitSignature>[3],
  key: Uint8Array,
): Promise<MlsPublicMessage> {
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
