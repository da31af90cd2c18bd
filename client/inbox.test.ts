import { expect, it } from 'vitest';
import type { Entry } from '#signalling/queue.ts';
import { Inbox } from './inbox.ts';
import { MemoryVault } from './vault/memory.ts';

const entry = (position: number): Entry => ({ position, kind: 'message', at: 0, payload: '' });

it('takes nothing behind an entry that it could not take, until a connection begins anew', async () => {
  const taken: number[] = [];
  const troubles: unknown[] = [];
  let isAble = false;
  const inbox = await Inbox.open({
    vault: new MemoryVault(),
    take: async ({ position }) => {
      if (position === 2 && !isAble) throw new Error('not now');
      taken.push(position);
    },
    onTrouble: (error) => troubles.push(error),
  });
  await inbox.begin(async () => 'order');
  inbox.take([entry(1), entry(2), entry(3)], () => undefined);
  await inbox.idle();
  // Over the same connection, which goes on until it is made anew.
  inbox.take([entry(4)], () => undefined);
  await inbox.idle();
  expect([taken, troubles.length, inbox.position]).toEqual([[1], 1, 1]);
  isAble = true;
  await inbox.begin(async () => 'order');
  inbox.take([entry(2), entry(3), entry(4)], () => undefined);
  await inbox.idle();
  expect([taken, inbox.position]).toEqual([[1, 2, 3, 4], 4]);
});
