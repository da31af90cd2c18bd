/**
 * What a hub delivers to another domain, and what that domain hands in. A far domain is one more reader of the hub's queue: it
 * has a position up to which it has everything, and gets what is behind it, in order. What was delivered twice is known by that
 * position, and what was handed in twice by its number.
 */
import Type, { type Static } from 'typebox';
import { Base64Url } from './base64.ts';
import { Closed, Word } from './contract.ts';
import { Statement } from './federation.ts';
import { ConversationId, DeviceId, GroupId, RoomId } from './ids.ts';
import { MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES, Position } from './queue.ts';

/** Entries of one feed request, and messages of one submission. */
export const MAX_FED = 256;
/** Characters of payloads in one request, unless it is a single one. */
export const MAX_FEED_LENGTH = 1024 * 1024;

/** ms since 1970, by the clock of the hub. */
const Time = Type.Integer({ minimum: 0 });
const Devices = Type.Array(DeviceId, { maxItems: 10_000 });

export const FeedEntry = Closed({
  /** In the one order of the hub. Those between are for others. */
  position: Position,
  /** Or the call in one. */
  conversation: RoomId,
  group: GroupId,
  kind: Word('message', 'commit', 'proposal', 'notice'),
  at: Time,
  /** As in `Entry` of queue.ts. */
  sender: Type.Optional(DeviceId),
  id: Type.Optional(Type.String({ maxLength: 64 })),
  payload: Base64Url(MAX_PAYLOAD_BYTES),
  /** Nobody is to be woken for it: a receipt, a reaction. */
  quiet: Type.Optional(Type.Boolean()),
  /** Devices of the asked domain that are in the group from here on: by the Welcome, or by this very commit of their own. */
  joined: Type.Optional(Devices),
  /** For those who joined by it. */
  welcome: Type.Optional(Base64Url(MAX_PAYLOAD_BYTES)),
  /** Of the asked domain: for them this entry is the last one. */
  left: Type.Optional(Devices),
});
export type FeedEntry = Static<typeof FeedEntry>;

export const Feed = Closed({
  /** Of the hub's order of positions; another one after it was restored from a backup. */
  order: Type.String({ minLength: 1, maxLength: 40 }),
  /** Everything of this feed up to here is on the other side, as far as the hub knows. */
  after: Position,
  /** Newest states of conversations that the entries are about and that are new to the other side. Taken over first. */
  statements: Type.Array(Statement, { maxItems: MAX_FED }),
  entries: Type.Array(FeedEntry, { maxItems: MAX_FED }),
});
export type Feed = Static<typeof Feed>;

/** Up to where the follower has everything: less than `after` where it was restored, and wants the rest once more. */
export const FeedAnswer = Closed({ received: Position });
export type FeedAnswer = Static<typeof FeedAnswer>;

export const Submission = Closed({
  conversation: ConversationId,
  /** Of the asking domain. */
  device: DeviceId,
  /** As in `NewMessage` of groups.ts. */
  number: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  message: Base64Url(MAX_MESSAGE_BYTES),
  quiet: Type.Optional(Type.Boolean()),
});
export type Submission = Static<typeof Submission>;

/** In the order in which they were handed in. */
export const Submissions = Closed({ messages: Type.Array(Submission, { minItems: 1, maxItems: MAX_FED }) });
export type Submissions = Static<typeof Submissions>;

/**
 * One for each message. `taken`: it is on the hub's disk and comes back by the feed, also to the domain that handed it in. Behind a
 * message that was refused no later one of that device to that conversation is taken: they are answered with the same code.
 */
export const SubmissionsAnswer = Closed({
  results: Type.Array(
    Type.Union([Closed({ taken: Type.Literal(true) }), Closed({ code: Type.String({ maxLength: 60 }) })]),
    { maxItems: MAX_FED },
  ),
});
export type SubmissionsAnswer = Static<typeof SubmissionsAnswer>;
