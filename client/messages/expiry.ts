/** Messages that delete themselves: some at a time, some a while after they were read. */
import { isOver, withExpiry } from './message.ts';
import type { MessageRecord } from './records.ts';

/** When it vanishes (ms since 1970); undefined where it does not, or its time has not begun. */
export function expiresAt(message: MessageRecord): number | undefined {
  const { expires, readAt } = message;
  if (expires === undefined || isOver(message)) return undefined;
  if ('at' in expires) return expires.at * 1000;
  return readAt === undefined ? undefined : readAt + expires.after * 1000;
}

export interface Expired {
  /** Messages whose time is over, as they are then: nothing is left of what they said. */
  readonly messages: readonly MessageRecord[];
  /** When the next one vanishes, ms since 1970. */
  readonly next: number | undefined;
}

export function expire(messages: Iterable<MessageRecord>, now: number): Expired {
  const over: MessageRecord[] = [];
  let next: number | undefined;
  for (const message of messages) {
    const at = expiresAt(message);
    if (at === undefined) continue;
    // The time at which it was due, not at which somebody looked: devices agree on the first.
    if (at <= now) over.push(withExpiry(message, at));
    else next = Math.min(next ?? at, at);
  }
  return { messages: over, next };
}
