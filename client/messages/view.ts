/** What a person sees of a record. */
import type { Body } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import { excerptOf } from '#client/content/summary.ts';
import type { DeviceId, UserId } from '#signalling/ids.ts';
import { expiresAt } from './expiry.ts';
import { currentBody, type Reader } from './message.ts';
import type { GapRecord, MessageRecord, NoticeRecord, Sending, Version } from './records.ts';

export interface ReactionGroup {
  readonly emoji: string;
  /** Each once, the first first. */
  readonly users: readonly UserId[];
  /** The messages by which this person made it: all of them are to be taken back. */
  readonly mine: readonly MessageId[];
}

/** What a reply answers. */
export interface Quote {
  readonly id: MessageId;
  /** `unknown`: it was sent before this device joined, or has not come yet. */
  readonly state: 'shown' | 'deleted' | 'expired' | 'unknown';
  readonly sender?: UserId;
  readonly excerpt: string;
  /** It was changed since it was answered. */
  readonly changed: boolean;
}

export interface MessageItem {
  readonly kind: 'message';
  readonly id: MessageId;
  readonly sender: UserId;
  readonly device: DeviceId;
  readonly order?: number;
  /** ms since 1970. */
  readonly at: number;
  readonly state: 'shown' | 'deleted' | 'expired';
  /** Where it is shown. */
  readonly body?: Body;
  /** Its edits, the newest last; what it said first is `original`. */
  readonly versions: readonly Version[];
  readonly original?: Body;
  readonly reactions: readonly ReactionGroup[];
  readonly quote?: Quote;
  readonly mentionsMe: boolean;
  readonly sending?: Sending;
  /** ms since 1970. */
  readonly expiresAt?: number;
}

export type Item = MessageItem | GapRecord | NoticeRecord;

/** Finds the message of which an id is the name, or the name of a version. */
export type Lookup = (id: MessageId) => MessageRecord | undefined;

export function itemOf(message: MessageRecord, lookup: Lookup, reader: Reader): MessageItem {
  const { id, sender, device, order, at, ending, replyTo, sending, mentionsMe } = message;
  const shown = ending === undefined;
  const body = shown ? currentBody(message) : undefined;
  const until = expiresAt(message);
  return {
    kind: 'message',
    id,
    sender,
    device,
    ...(order !== undefined && { order }),
    at,
    state: ending?.kind ?? 'shown',
    ...(body !== undefined && { body }),
    versions: shown ? message.versions : [],
    ...(shown && message.versions.length > 0 && message.body !== undefined && { original: message.body }),
    reactions: shown ? reactionsOf(message, reader) : [],
    ...(shown && replyTo !== undefined && { quote: quoteOf(replyTo, lookup) }),
    mentionsMe,
    ...(sending !== undefined && { sending }),
    ...(until !== undefined && { expiresAt: until }),
  };
}

/** By emoji, the first one that came first. */
export function reactionsOf({ reactions }: MessageRecord, { self }: Reader): readonly ReactionGroup[] {
  const groups = new Map<string, { emoji: string; users: UserId[]; mine: MessageId[] }>();
  for (const { id, user, emojis, removed } of reactions) {
    if (removed !== undefined) continue;
    for (const emoji of emojis) {
      // Some devices ask for the picture of a sign (U+FE0F) and some do not; a person sees the same.
      const sign = emoji.replaceAll('\ufe0f', '');
      const group = groups.get(sign) ?? { emoji, users: [], mine: [] };
      if (!group.users.includes(user)) group.users.push(user);
      if (user === self) group.mine.push(id);
      groups.set(sign, group);
    }
  }
  return [...groups.values()];
}

export function quoteOf(id: MessageId, lookup: Lookup): Quote {
  const message = lookup(id);
  if (message === undefined) return { id, state: 'unknown', excerpt: '', changed: false };
  const { sender, ending, versions } = message;
  if (ending !== undefined) return { id, state: ending.kind, sender, excerpt: '', changed: false };
  const body = currentBody(message);
  const excerpt = body === undefined ? '' : excerptOf(body);
  return { id, state: 'shown', sender, excerpt, changed: id !== (versions.at(-1)?.id ?? message.id) };
}
