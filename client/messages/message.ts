/** One message and what others say about it: edits, reactions, its end. Each is a step from one record to the next; pure. */
import type { Body } from '#client/content/content.ts';
import { mentionsOf, textOfBody } from '#client/content/mentions.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { MessageRecord, Order, Reaction, Version } from './records.ts';

/** Who looks at which conversation. */
export interface Reader {
  readonly self: UserId;
  readonly conversation: ConversationId;
}

/** Edits that are kept beside the first version: with texts of 32 kB, a record stays below 300 kB. */
export const MAX_VERSIONS = 8;
/** Reactions that one person makes to one message; those taken back count, so that a repetition cannot bring them back. */
export const MAX_REACTIONS_OF_ONE = 64;
/** Reactions to one message in all: some 120 bytes each, so that a record stays below 300 kB. */
export const MAX_REACTIONS = 2000;

/** Whether nothing can happen to it any more. A deletion that the hub has not accepted may still fail. */
export function isOver({ ending }: MessageRecord): boolean {
  return ending !== undefined && (ending.kind === 'expired' || ending.order !== undefined);
}

/** What it says now. */
export function currentBody({ body, versions }: MessageRecord): Body | undefined {
  return versions.at(-1)?.body ?? body;
}

/** With an edit, or the place that the hub gave to one. Only the newest are kept. */
export function withVersion(message: MessageRecord, version: Version, reader: Reader): MessageRecord {
  const all = upserted(message.versions, version);
  if (all === message.versions) return message;
  return withMention({ ...message, versions: all.slice(-MAX_VERSIONS) }, reader);
}

/** Without an edit that was refused. */
export function withoutVersion(message: MessageRecord, id: MessageId, reader: Reader): MessageRecord {
  return withMention({ ...message, versions: message.versions.filter((each) => each.id !== id) }, reader);
}

/** With a reaction, or the place that the hub gave to one. Where there are too many, the first ones stay. */
export function withReaction(message: MessageRecord, reaction: Reaction): MessageRecord {
  const known = message.reactions.find(({ id }) => id === reaction.id);
  const isGone = known?.removed?.order !== undefined;
  const all = upserted(message.reactions, isGone ? { ...reaction, emojis: [] } : reaction);
  if (all === message.reactions) return message;
  const own = all.filter(({ user }) => user === reaction.user);
  const extra = own[MAX_REACTIONS_OF_ONE] ?? (all.length > MAX_REACTIONS ? all.at(-1) : undefined);
  return { ...message, reactions: extra === undefined ? all : all.filter((each) => each !== extra) };
}

/** With a reaction taken back. What it was is kept until the hub accepted that, because it may not. */
export function withRemoval(
  message: MessageRecord,
  reaction: MessageId,
  by: { readonly id: MessageId; readonly order?: number },
): MessageRecord {
  const made = message.reactions.find(({ id }) => id === reaction);
  if (made === undefined || (made.removed !== undefined && !isEarlier(by.order, made.removed.order))) return message;
  const removed = { ...made, emojis: by.order === undefined ? made.emojis : [], removed: by };
  return { ...message, reactions: message.reactions.map((each) => (each === made ? removed : each)) };
}

/** Without a reaction, or with it again where taking it back was refused. */
export function withoutReaction(message: MessageRecord, id: MessageId): MessageRecord {
  const reactions = message.reactions
    .filter((each) => each.id !== id)
    .map((each) => {
      if (each.removed?.id !== id) return each;
      const { removed: _refused, ...rest } = each;
      return rest;
    });
  return { ...message, reactions };
}

/** Deleted for everyone: nothing of it is left once the hub accepted it. */
export function withDeletion(message: MessageRecord, by: { id: MessageId; order?: number; at: number }): MessageRecord {
  const { ending } = message;
  if (ending?.kind === 'deleted' && !isEarlier(by.order, ending.order)) return message;
  const deleted = { kind: 'deleted', ...by } as const;
  return by.order === undefined ? { ...message, ending: deleted } : { ...emptied(message), ending: deleted };
}

export function withoutDeletion(message: MessageRecord, id: MessageId): MessageRecord {
  if (message.ending?.kind !== 'deleted' || message.ending.id !== id) return message;
  const { ending: _refused, ...rest } = message;
  return rest;
}

/** @param at ms since 1970 */
export function withExpiry(message: MessageRecord, at: number): MessageRecord {
  return { ...emptied(message), ending: { kind: 'expired', at } };
}

export function withMention(message: MessageRecord, { self, conversation }: Reader): MessageRecord {
  const body = currentBody(message);
  const text = body === undefined ? undefined : textOfBody(body);
  const mentioned = text === undefined ? new Set() : mentionsOf(text);
  const mentionsMe = message.sender !== self && (mentioned.has(self) || mentioned.has(conversation));
  return mentionsMe === message.mentionsMe ? message : { ...message, mentionsMe };
}

function emptied(message: MessageRecord): MessageRecord {
  const { body: _body, replyTo: _replyTo, expires: _expires, readAt: _readAt, ...rest } = message;
  return { ...rest, versions: [], reactions: [], mentionsMe: false };
}

/** Whether `a` is an earlier place in the hub's order; no place yet is later than all. */
export function isEarlier(a: Order, b: Order): boolean {
  return (a ?? Number.POSITIVE_INFINITY) < (b ?? Number.POSITIVE_INFINITY);
}

interface Placed {
  readonly id: MessageId;
  readonly order?: number;
  readonly at: number;
}

/** By the hub's order; what has no place yet by the time at which it was written. */
export function inOrder(a: Placed, b: Placed): number {
  if (a.order !== b.order) return isEarlier(a.order, b.order) ? -1 : 1;
  if (a.order === undefined && a.at !== b.at) return a.at - b.at;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Each once, in order; of one that came twice, the earlier place counts. */
function upserted<T extends Placed>(known: readonly T[], fresh: T): readonly T[] {
  const same = known.find(({ id }) => id === fresh.id);
  if (same !== undefined && !isEarlier(fresh.order, same.order)) return known;
  return [...known.filter((each) => each !== same), same === undefined ? fresh : { ...same, ...fresh }].sort(inOrder);
}
