/** What the hub itself proposes, as the external sender that every group here names (RFC 9420, sections 12.1.8 and 12.1.8.1): who goes, and who comes in. */
import {
  bytesToBase64,
  defaultProposalTypes,
  type KeyPackage,
  type Proposal,
  protocolVersions,
  senderTypes,
  wireformats,
} from 'ts-mls';
import { makeProposalRef } from 'ts-mls/internal/authenticatedContent.js';
import { verifyFramedContentSignature } from 'ts-mls/internal/framedContent.js';
import { protectExternalProposalPublic } from 'ts-mls/internal/messageProtectionPublic.js';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import type { Identity } from './identity.ts';
import { withLibrary } from './library.ts';
import { checkDevicesOnce, identityOf, membersOf } from './members.ts';
import { checkParticipantsOnce, participantOf, participantsIn } from './participant.ts';
import { type HubEnvironment, type PublicGroup, pendingIn } from './public-group.ts';
import { checkHubProposal } from './rules.ts';
import { leafAt, messageBytes, parseKeyPackage } from './wire.ts';

/** The hub's key, wherever it is kept. */
export interface HubSigner {
  /** Ed25519, by the key whose public half is `Hub.signatureKey`. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface Proposed {
  readonly state: PublicGroup;
  /** MLSMessages, one a proposal, for every member. */
  readonly messages: readonly Uint8Array[];
}

export interface Owner extends Identity {
  /** By which name SFTs know it, in the group of a call. */
  readonly participant: ParticipantId | undefined;
}

/** The first and only external sender: `checkGroup` lets no group pass that has others. */
const SENDER = { senderType: senderTypes.external, senderIndex: 0 } as const;

/**
 * Proposes to remove these members. Until a member commits it, nobody sends anything; and the one who commits is none of them, so that a
 * group in which all are proposed has to be given up. What is proposed already in this epoch is not proposed again.
 * @throws {HawserError} MLS_UNKNOWN_DEVICE where a leaf is blank; MLS_REFUSED where the signer is not this group's hub
 */
export function proposeRemoval(
  state: PublicGroup,
  leafIndexes: readonly number[],
  signer: HubSigner,
  environment: HubEnvironment,
): Promise<Proposed> {
  const already = new Set(pendingIn(state).map(({ leafIndex }) => leafIndex));
  const removals = [...new Set(leafIndexes)].flatMap((removed): Proposal[] => {
    if (leafAt(state.hashed.tree, removed) === undefined) throw new HawserError('MLS_UNKNOWN_DEVICE');
    return already.has(removed) ? [] : [{ proposalType: defaultProposalTypes.remove, remove: { removed } }];
  });
  return propose(state, removals, signer, environment);
}

/**
 * Proposes to let these devices in, so that many who come at once come by one commit. What is proposed already in this epoch is not
 * proposed again.
 * @param keyPackages MLSMessages, made for this group
 * @throws {HawserError} MLS_MALFORMED, MLS_UNSUPPORTED, MLS_REFUSED, MLS_NOT_ADMITTED, MLS_KEY_PACKAGE_REFUSED, and what
 * `Credentials.identify` throws
 */
export async function proposeAddition(
  state: PublicGroup,
  keyPackages: readonly Uint8Array[],
  signer: HubSigner,
  environment: HubEnvironment,
): Promise<Proposed> {
  const already = new Set(addedIn(state).map(({ device }) => device));
  const fresh = additionsIn(state).map(({ leafNode }) => leafNode);
  const additions: Proposal[] = [];
  for (const bytes of keyPackages) {
    const keyPackage = parseKeyPackage(bytes);
    const proposal: Proposal = { proposalType: defaultProposalTypes.add, add: { keyPackage } };
    await checkHubProposal(proposal, state.hashed.tree, environment);
    const { device } = identityOf(keyPackage.leafNode);
    checkDevicesOnce([...membersOf(state.hashed.tree).map(({ identity }) => identity.device), device]);
    if (already.has(device)) continue;
    // Two by one name would make a commit that nobody takes.
    checkParticipantsOnce(participantsIn(state.hashed.tree).values(), [...fresh, keyPackage.leafNode]);
    already.add(device);
    fresh.push(keyPackage.leafNode);
    additions.push(proposal);
  }
  return propose(state, additions, signer, environment);
}

/** Whose key package it is, as it says itself; `proposeAddition` judges it. @throws {HawserError} MLS_MALFORMED, MLS_UNSUPPORTED */
export function ownerOf(keyPackage: Uint8Array): Owner {
  const { leafNode } = parseKeyPackage(keyPackage);
  return { ...identityOf(leafNode), participant: participantOf(leafNode) };
}

/** Whom the hub proposed to let in, in this epoch. */
export function addedIn(state: PublicGroup): readonly Identity[] {
  return additionsIn(state).map(({ leafNode }) => identityOf(leafNode));
}

function additionsIn({ pending }: PublicGroup): readonly KeyPackage[] {
  return Object.values(pending).flatMap(({ proposal }) => ('add' in proposal ? [proposal.add.keyPackage] : []));
}

function propose(
  state: PublicGroup,
  proposals: readonly Proposal[],
  signer: HubSigner,
  environment: HubEnvironment,
): Promise<Proposed> {
  const { context } = state;
  return withLibrary(environment, 'MLS_REFUSED', async ({ cipherSuite }) => {
    const { signature: base, hash } = cipherSuite;
    const signature = { ...base, sign: async (_key: Uint8Array, message: Uint8Array) => signer.sign(message) };
    const messages: Uint8Array[] = [];
    // Not by the library, which copies all of them for each: of thousands that takes longer than to sign them.
    const pending = { ...state.pending };
    for (const proposal of proposals) {
      const none = new Uint8Array();
      const { publicMessage } = await protectExternalProposalPublic(
        ...([none, context, none, proposal, SENDER, { ...cipherSuite, signature }] as const),
      );
      const { content, auth } = publicMessage;
      const wireformat = wireformats.mls_public_message;
      // A wrong key would be found out by the members one by one, each of whom would be left behind by the commit. One key signs all of
      // them, and to verify takes several times as long as to sign.
      const key = environment.hub.signatureKey;
      const isFirst = messages.length === 0;
      if (isFirst && !(await verifyFramedContentSignature(key, wireformat, content, auth, context, base))) {
        throw new HawserError('MLS_REFUSED', 'the signer is not the hub of the group');
      }
      const reference = await makeProposalRef({ wireformat, content, auth }, hash);
      pending[bytesToBase64(reference)] = { proposal, senderLeafIndex: undefined };
      messages.push(messageBytes({ version: protocolVersions.mls10, wireformat, publicMessage }));
    }
    return { state: { ...state, pending }, messages };
  });
}
