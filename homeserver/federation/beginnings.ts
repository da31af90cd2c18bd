/**
 * A device of this domain makes the group of a conversation of another hub. Nobody lets it in with an entry, so that it reads what goes to
 * the group from before the hub is asked on.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DeviceId, domainOf, type GroupId, type RoomId } from '#signalling/ids.ts';
import type { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';

export interface BeginningsOptions {
  readonly store: Pick<Store, 'transaction'>;
  readonly queues: Pick<Queues, 'subscribe' | 'unsubscribe' | 'readers' | 'mayForget'>;
}

/** How to take it back. */
export type Undo = () => Promise<void>;

/** @throws HawserError HOME_BAD_REQUEST, HOME_GROUP_EXISTS: nobody comes to read what others say by naming their group */
export async function beginReading(
  { store, queues }: BeginningsOptions,
  device: DeviceId,
  conversation: RoomId,
  group: GroupId,
): Promise<Undo> {
  if (domainOf(group) !== domainOf(conversation))
    throw new HawserError('HOME_BAD_REQUEST', 'a group of another domain');
  const isNew = await store.transaction(async (tx) => {
    const readers = (await queues.readers(tx, [group])).get(group);
    // It asked before, and does not know what became of that.
    if (readers?.has(device)) return false;
    const of = await tx.selectFrom('conversations').select('id').where('group_id', '=', group).executeTakeFirst();
    if (of || (readers && readers.size > 0)) throw new HawserError('HOME_GROUP_EXISTS');
    await queues.subscribe(tx, device, group, 0);
    return true;
  });
  return async () => {
    if (!isNew) return;
    await store.transaction(async (tx) => {
      const begun = tx.selectFrom('subscriptions').select('since').where('device_id', '=', device);
      const open = begun.where('audience', '=', group).where('since', '=', 0).where('until', 'is', null);
      // Meanwhile an entry may have let it in.
      if (await open.executeTakeFirst()) await queues.unsubscribe(tx, device, group, 0);
    });
    queues.mayForget([group]);
  };
}
