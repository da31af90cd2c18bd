/**
 * What a device keeps of a conversation: records, each written when it changed and no other. Who stores them encrypts them; they
 * hold what was said, and keys of files.
 *
 * | key | value |
 * | --- | --- |
 * | `message/<id>` | a message with its versions and reactions, or what is left of one |
 * | `ref/<id>` | what an edit or a reaction was about, so that others can refer to it |
 * | `receipts/<id>` | who got and read an own message |
 * | `gap/<order>` | a message that cannot be read, and why |
 * | `notice/<order>` | who came, went or decides, as the hub told |
 * | `waiting/<target>/<id>` | what came before the message that it is about |
 * | `outgoing/<id>` | what this device wrote and the hub has not accepted yet |
 * | `mark` | up to where it was read |
 * | `settings` | archived, muted |
 */
import { decode, encode } from 'cborg';
import type { Body, Content, EditableBody, Expiry, Settings } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DeviceId, DomainName, UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';

/** A place in the hub's order; undefined until the hub accepted it, which counts as later than all. */
export type Order = number | undefined;

export interface Version {
  readonly id: MessageId;
  readonly order?: number;
  /** ms since 1970. */
  readonly at: number;
  readonly body: EditableBody;
}

export interface Reaction {
  readonly id: MessageId;
  readonly user: UserId;
  readonly order?: number;
  readonly at: number;
  readonly emojis: readonly string[];
  /** The message that took it back. */
  readonly removed?: { readonly id: MessageId; readonly order?: number };
}

export type Ending =
  | { readonly kind: 'deleted'; readonly id: MessageId; readonly order?: number; readonly at: number }
  | { readonly kind: 'expired'; readonly at: number };

/** The homeserver of the organisation that orders the conversation cannot be reached; the own one keeps what is to be handed in. */
export interface AtHome {
  readonly state: 'waiting';
  readonly domain: DomainName;
  /** ms since 1970 */
  readonly since: number;
}

export type Sending = { readonly state: 'queued' } | AtHome | { readonly state: 'failed'; readonly code: ErrorCode };

export interface MessageRecord {
  readonly kind: 'message';
  readonly id: MessageId;
  readonly sender: UserId;
  readonly device: DeviceId;
  readonly order?: number;
  /** ms since 1970: when the hub accepted it; until then, when it was written. */
  readonly at: number;
  /** As it was said first. Absent once it ended. */
  readonly body?: Body;
  readonly replyTo?: MessageId;
  readonly expires?: Expiry;
  /** Edits, the oldest first. */
  readonly versions: readonly Version[];
  readonly reactions: readonly Reaction[];
  readonly ending?: Ending;
  /** ms since 1970: when it was read on any device of this person; only kept where something follows from it. */
  readonly readAt?: number;
  readonly mentionsMe: boolean;
  /** Only on the device that wrote it. */
  readonly sending?: Sending;
}

export interface RefRecord {
  readonly kind: 'ref';
  readonly id: MessageId;
  readonly as: 'version' | 'reaction';
  readonly message: MessageId;
}

export interface Receipt {
  readonly user: UserId;
  /** ms since 1970. */
  readonly delivered?: number;
  readonly read?: number;
  readonly failed?: number;
}

export interface ReceiptsRecord {
  readonly kind: 'receipts';
  readonly message: MessageId;
  readonly receipts: readonly Receipt[];
}

/** Why a message cannot be read: it is older than this device, its keys are gone, or what was inside is not a message. */
export type GapReason = 'before-joining' | 'keys-gone' | 'damaged' | 'not-understood';

export interface GapRecord {
  readonly kind: 'gap';
  readonly order: number;
  readonly at: number;
  readonly reason: GapReason;
  readonly code?: ErrorCode;
  readonly sender?: UserId;
  readonly device?: DeviceId;
}

/** What became another one in the conversation itself, told by the hub at its place. */
export interface NoticeRecord {
  readonly kind: 'notice';
  readonly order: number;
  readonly at: number;
  readonly change: NoticeChange;
}

/** Something said, with where it came from. */
export interface Said {
  readonly id: MessageId;
  readonly sender: UserId;
  readonly device: DeviceId;
  readonly order?: number;
  readonly at: number;
  readonly content: Content;
}

export interface WaitingRecord {
  readonly kind: 'waiting';
  readonly target: MessageId;
  readonly said: Said;
}

export interface OutgoingRecord {
  readonly kind: 'outgoing';
  readonly said: Said;
  readonly sending: Sending;
}

export interface MarkRecord {
  readonly kind: 'mark';
  /** All messages up to this place were read. */
  readonly order: number;
}

export interface SettingsRecord {
  readonly kind: 'settings';
  readonly archived?: { readonly value: NonNullable<Settings['archived']>; readonly order: number };
  readonly muted?: { readonly value: NonNullable<Settings['muted']>; readonly order: number };
}

export type TimelineRecord =
  | MessageRecord
  | RefRecord
  | ReceiptsRecord
  | GapRecord
  | NoticeRecord
  | WaitingRecord
  | OutgoingRecord
  | MarkRecord
  | SettingsRecord;

/** One record as it is now; `undefined` where it is gone. */
export interface Change {
  readonly key: string;
  readonly record: TimelineRecord | undefined;
}

export const keys = {
  message: (id: MessageId) => `message/${id}`,
  ref: (id: MessageId) => `ref/${id}`,
  receipts: (id: MessageId) => `receipts/${id}`,
  gap: (order: number) => `gap/${order}`,
  notice: (order: number) => `notice/${order}`,
  waiting: (target: MessageId, id: MessageId) => `waiting/${target}/${id}`,
  outgoing: (id: MessageId) => `outgoing/${id}`,
  mark: 'mark',
  settings: 'settings',
} as const;

export function keyOf(record: TimelineRecord): string {
  switch (record.kind) {
    case 'message':
    case 'ref':
      return keys[record.kind](record.id);
    case 'receipts':
      return keys.receipts(record.message);
    case 'gap':
    case 'notice':
      return keys[record.kind](record.order);
    case 'waiting':
      return keys.waiting(record.target, record.said.id);
    case 'outgoing':
      return keys.outgoing(record.said.id);
    case 'mark':
    case 'settings':
      return keys[record.kind];
  }
}

/** Raised when a record is read in another way; older ones are brought forward in `recordFrom`. */
const VERSION = 1;

export function recordBytes(record: TimelineRecord): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode([VERSION, record]));
}

/** The record that `recordBytes` wrote; undefined where the bytes are none, or of a later version of this software. */
export function recordFrom(bytes: Uint8Array): TimelineRecord | undefined {
  try {
    const item: unknown = decode(bytes);
    return Array.isArray(item) && item[0] === VERSION && isRecord(item[1]) ? item[1] : undefined;
  } catch {
    return undefined;
  }
}

const KINDS: ReadonlySet<unknown> = new Set<TimelineRecord['kind']>([
  'message',
  'ref',
  'receipts',
  'gap',
  'notice',
  'waiting',
  'outgoing',
  'mark',
  'settings',
]);

/** By its kind alone: nobody but this device writes records, and whoever stores them would notice a changed bit. */
function isRecord(item: unknown): item is TimelineRecord {
  return typeof item === 'object' && item !== null && 'kind' in item && KINDS.has(item.kind);
}
