/** Client to its own homeserver: what waits for a device, in the order in which it was accepted. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Base64Url, fromBase64Url, toBase64Url } from './base64.ts';
import { Closed, Word } from './contract.ts';
import { HawserError } from './errors.ts';
import { ConversationId, DeviceId, GroupId } from './ids.ts';

/** Bytes of an application message: a text of 20,000 characters with everything around it. Files are assets. */
export const MAX_MESSAGE_BYTES = 128 * 1024;
/** Bytes of anything that waits: a Welcome for fifty devices. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** Entries in one delivery. */
export const MAX_DELIVERED = 200;

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });
/** The place in the one order of a homeserver; 0 is before everything. Gaps mean nothing. */
export const Position = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/**
 * `message`, `commit`, `proposal`: an MLSMessage of the group (RFC 9420, section 6). `welcome`: an MLSMessage with a Welcome
 * for this device. `notice`: what the hub tells about the conversation (notice.ts). `overflow`: more waited than is kept, and the oldest
 * messages were dropped, never commits; no payload. `sent`, `refused`: what became of a message of this device, under its number, that
 * waited for the homeserver of another domain; the payload is an `Outcome`. Either may come before the answer to the request, and twice.
 */
export const EntryKind = Word('message', 'commit', 'proposal', 'welcome', 'notice', 'overflow', 'sent', 'refused');
export type EntryKind = Static<typeof EntryKind>;

export const Entry = Closed({
  position: Position,
  kind: EntryKind,
  group: Type.Optional(GroupId),
  /** When the hub accepted it. */
  at: Time,
  /** The device that sent it, where the homeserver knows. */
  sender: Type.Optional(DeviceId),
  /** Under which its sender knows it: the id of a commit's request, the number of a message. */
  id: Type.Optional(Type.String({ maxLength: 64 })),
  payload: Base64Url(MAX_PAYLOAD_BYTES),
});
export type Entry = Static<typeof Entry>;

/** Several entries, of increasing position. `GET queue?after=…` answers the same where there is no WebSocket. */
export const Delivery = Closed({ entries: Type.Array(Entry, { maxItems: MAX_DELIVERED }) });
export type Delivery = Static<typeof Delivery>;

/** Everything up to this position is on the device, and may be forgotten here. */
export const Acknowledgement = Closed({ position: Position });
export type Acknowledgement = Static<typeof Acknowledgement>;

const MessageNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** It has a place in the order of the conversation: `position`, which is that of its entry for the other devices. */
export const SentOutcome = Closed({ conversation: ConversationId, position: Position });
/**
 * The hub will never take it under this number, or it waited for too long. Those behind it up to the number `last` were given back with
 * it, because nothing overtakes: they were not judged, and are to be handed in again under new numbers.
 */
export const RefusedOutcome = Closed({
  conversation: ConversationId,
  code: Type.String({ maxLength: 60 }),
  last: MessageNumber,
});
export type SentOutcome = Static<typeof SentOutcome>;
export type RefusedOutcome = Static<typeof RefusedOutcome>;

const outcomes = { sent: Compile(SentOutcome), refused: Compile(RefusedOutcome) };

/** The payload of an entry that tells what became of a message. */
export function outcomePayload(outcome: SentOutcome | RefusedOutcome): string {
  return toBase64Url(new TextEncoder().encode(JSON.stringify(outcome)));
}

/** @throws HawserError SIG_SCHEMA */
export function parseSent(payload: string): SentOutcome {
  const value = read(payload);
  if (!outcomes.sent.Check(value)) throw new HawserError('SIG_SCHEMA', 'sent');
  return value;
}

/** @throws HawserError SIG_SCHEMA */
export function parseRefused(payload: string): RefusedOutcome {
  const value = read(payload);
  if (!outcomes.refused.Check(value)) throw new HawserError('SIG_SCHEMA', 'refused');
  return value;
}

function read(payload: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64Url(payload)));
  } catch {
    return undefined;
  }
}
