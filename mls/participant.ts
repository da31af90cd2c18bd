/**
 * Under which name SFTs know a device that is in the group of a call: an extension of its leaf (RFC 9420, section 7.2). So nobody but the
 * device says whose media is whose, and whoever comes in knows it of all who are there.
 */
import { type LeafNode, makeCustomExtension, type RatchetTree } from 'ts-mls';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, ParticipantId } from '#signalling/ids.ts';
import { identityOf } from './members.ts';
import { leavesOf } from './wire.ts';

/** In the range for private use (RFC 9420, section 17.3). */
export const PARTICIPANT = 0xf001;
const BYTES = 16;

export function participantExtension(participant: ParticipantId): LeafNode['extensions'][number] {
  const bytes = fromBase64Url(participant);
  if (bytes?.length !== BYTES) throw new HawserError('MLS_REFUSED', 'a participant of another length');
  return makeCustomExtension({ extensionType: PARTICIPANT, extensionData: bytes });
}

/** Leaves are immutable and shared from epoch to epoch: each is read once. */
const read = new WeakMap<LeafNode, { readonly participant: ParticipantId | undefined }>();

/** Undefined of a device that is in no call. */
export function participantOf(leaf: LeafNode): ParticipantId | undefined {
  const before = read.get(leaf);
  if (before !== undefined) return before.participant;
  const found = leaf.extensions.find(({ extensionType }) => extensionType === PARTICIPANT);
  const participant = found && (toBase64Url(found.extensionData as Uint8Array) as ParticipantId);
  read.set(leaf, { participant });
  return participant;
}

/** By leaf. */
export function participantsIn(tree: RatchetTree): Map<number, ParticipantId> {
  const known = leavesOf(tree).map(({ leafIndex, leaf }) => [leafIndex, participantOf(leaf)] as const);
  return new Map(known.flatMap(([leafIndex, participant]) => (participant ? [[leafIndex, participant]] : [])));
}

/** The devices that go by some of these names. */
export function devicesNamed(tree: RatchetTree, participants: ReadonlySet<ParticipantId>): DeviceId[] {
  return leavesOf(tree).flatMap(({ leaf }) => {
    const participant = participantOf(leaf);
    return participant !== undefined && participants.has(participant) ? [identityOf(leaf).device] : [];
  });
}

/** @throws {HawserError} MLS_REFUSED where a leaf has other extensions than this one, or this one is of another form */
export function checkParticipant({ extensions }: LeafNode): void {
  const isRight = extensions.every(
    ({ extensionType, extensionData }) =>
      extensionType === PARTICIPANT && extensionData instanceof Uint8Array && extensionData.length === BYTES,
  );
  if (extensions.length > 1 || !isRight) throw new HawserError('MLS_REFUSED', 'a leaf has other extensions');
}

/** @throws {HawserError} MLS_REFUSED where two devices go by one name: the media of one would be shown as the other's */
export function checkParticipantsOnce(staying: Iterable<ParticipantId>, fresh: readonly LeafNode[]): void {
  const known = new Set(staying);
  for (const leaf of fresh) {
    const participant = participantOf(leaf);
    if (participant === undefined) continue;
    if (known.has(participant)) throw new HawserError('MLS_REFUSED', 'a participant is in the group twice');
    known.add(participant);
  }
}
