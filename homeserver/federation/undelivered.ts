/** Tells a group what a domain does not get of it, at its place among what is said there: whoever wrote it would not know otherwise. */
import { toBase64Url } from '#signalling/base64.ts';
import { conversationIn, type DomainName, domainOf } from '#signalling/ids.ts';
import type { Notice } from '#signalling/notice.ts';
import type { NewEntry } from '../qs/queue-table.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db } from '../store/store.ts';
import type { DroppedMessage } from './feed-overflow.ts';

/**
 * In the transaction in which they are dropped. The domain itself gets the notice when it is back.
 * @param at ms since 1970
 */
export async function tellUndelivered(
  tx: Db,
  queues: Pick<Queues, 'appendAll'>,
  domain: DomainName,
  messages: readonly DroppedMessage[],
  at: number,
): Promise<void> {
  // What it said itself its people know.
  const others = messages.filter(({ device }) => domainOf(device) !== domain);
  const entries = [...Map.groupBy(others, ({ group }) => group)].flatMap(([group, dropped]): NewEntry[] => {
    const [first] = dropped;
    if (!first) return [];
    const conversation = conversationIn(first.conversation);
    const notice: Notice = { conversation, change: { type: 'undelivered', domain, count: dropped.length } };
    const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(notice)));
    return [{ audience: group, kind: 'notice', payload, at }];
  });
  await queues.appendAll(tx, entries);
}
