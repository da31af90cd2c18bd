/** What somebody has not seen yet. */
import type { Reader } from './message.ts';
import type { MessageRecord } from './records.ts';

export interface Unread {
  readonly messages: number;
  /** Of these, how many name this person, or everyone. */
  readonly mentions: number;
}

/** @param after the messages after the read mark */
export function unreadOf(after: Iterable<MessageRecord>, { self }: Reader): Unread {
  let [messages, mentions] = [0, 0];
  for (const { sender, ending, mentionsMe } of after) {
    if (sender === self || ending !== undefined) continue;
    messages += 1;
    if (mentionsMe) mentions += 1;
  }
  return { messages, mentions };
}
