/** Which conversation something in the queue is about: only its group is named there. */
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';

export interface Known {
  /** In the list of conversations. */
  readonly find: (group: GroupId) => ConversationId | undefined;
  /** Fetches the list. */
  readonly refresh: () => Promise<void>;
  /** Of a group that this device is in, though the person is out by now. */
  readonly inVault: (group: GroupId) => Promise<ConversationId | undefined>;
  /** What waits behind a position. */
  readonly entries: (after: number) => Promise<readonly Entry[]>;
  readonly own: DomainName;
  /** How often it was asked about this entry before. */
  readonly asked: number;
}

/**
 * The state of a conversation comes with or before its first entry: after so many times, two seconds apart, the person is out of it, or the
 * other hub says what is not so. Nothing behind the entry may wait for it for good.
 */
export const MAX_ASKED = 30;

/**
 * What is said in a conversation may come before the list has it, or when the person is out again: then it is told further behind, and what
 * was said until there is his. Of a group of the own hub the list is never behind; of another hub's nobody knows.
 * @param after where the entry stands
 * @returns undefined where there is nobody to tell any more
 * @throws HawserError FED_UNREACHABLE where it has to come again, because the list will have it
 */
export async function whoseGroup(group: GroupId, after: number, known: Known): Promise<ConversationId | undefined> {
  const there = known.find(group) ?? (await known.inVault(group));
  if (there !== undefined) return there;
  await known.refresh();
  const fetched = known.find(group);
  if (fetched !== undefined) return fetched;
  const told = await toldBehind(group, after, known);
  if (told === undefined && domainOf(group) !== known.own && known.asked < MAX_ASKED)
    throw new HawserError('FED_UNREACHABLE', 'the conversation is not known yet');
  return told;
}

/** A notice names both: it is the last one of whoever is out. */
async function toldBehind(group: GroupId, after: number, known: Known): Promise<ConversationId | undefined> {
  for (let from = after; ; ) {
    const entries = await known.entries(from);
    for (const { kind, group: about, payload } of entries) {
      const told = kind === 'notice' && about === group ? conversationIn(payload, group) : undefined;
      if (told !== undefined) return told;
    }
    const last = entries.at(-1);
    if (!last) return undefined;
    from = last.position;
  }
}

/**
 * The conversation that a notice is about. Undefined where it cannot be read, or comes from a hub that has no say there: it says nothing
 * then.
 * @param group whose hub it came from
 */
export function conversationIn(payload: string, group: GroupId | undefined): ConversationId | undefined {
  try {
    const { conversation } = parseNotice(payload);
    return group === undefined || domainOf(conversation) === domainOf(group) ? conversation : undefined;
  } catch (error) {
    if (error instanceof HawserError) return undefined;
    throw error;
  }
}
