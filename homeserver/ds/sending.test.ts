/** Messages that other domains hand in: one number is one message, and nothing goes on behind one that was refused. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, DeviceId, GroupId } from '#signalling/ids.ts';
import { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';
import { Writer } from '../store/writer.ts';
import { openTestStore, testWorld } from '../testing/world.ts';
import { type Chain, digestOf, Sending } from './sending.ts';

const conversation = `mimi://alpha.example/r/${'a'.repeat(22)}` as ConversationId;
const group = `mimi://alpha.example/g/${'a'.repeat(22)}` as GroupId;
const device = 'mimi://beta.example/u/bob/d/desk' as DeviceId;

let store: Store;
let writer: Writer;
let queues: Queues;
let sending: Sending;

beforeEach(async () => {
  store = await openTestStore();
  writer = new Writer(store);
  const world = testWorld();
  queues = await Queues.open({ store, writer, world, onFault: (error) => expect.fail(`a fault: ${error}`) });
  sending = new Sending({ writer, queues, world });
  const row = { id: conversation, title: '', seq: 1, group_id: group, created_at: 0 };
  await store.db.insertInto('conversations').values(row).execute();
});
afterEach(async () => {
  await queues.close();
  await writer.idle();
  await store.close();
});

const send = (
  number: number,
  message: string,
  more: { chain?: Chain; permit?: () => Promise<void>; onNew?: () => void } = {},
) =>
  sending.send({
    ...{ conversation, group, device, number, message, isQuiet: false, digest: digestOf(message) },
    permit: async () => undefined,
    ...more,
  });
const said = async () =>
  (await store.db.selectFrom('entries').select('payload').orderBy('position').execute()).map(({ payload }) => payload);

test('the same message again is taken without effect, another one under its number is refused', async () => {
  const first = await send(1, 'one');
  expect(await send(1, 'one')).toEqual(first);
  await expect(send(1, 'other')).rejects.toMatchObject({ code: 'FED_EQUIVOCATED' });
  // Also in a process that did not take it.
  sending = new Sending({ writer, queues, world: testWorld() });
  expect(await send(1, 'one')).toEqual(first);
  await expect(send(1, 'other')).rejects.toMatchObject({ code: 'FED_EQUIVOCATED' });
  await expect(sending.taken(store.db, { device, conversation, number: 1, digest: digestOf('x') })).rejects.toThrow();
  expect(await said()).toEqual(['one']);
});

test('is new once, however often it is handed in, and not where it is refused', async () => {
  const onNew = vi.fn();
  await Promise.all([send(1, 'one', { onNew }), send(1, 'one', { onNew })]);
  await send(1, 'one', { onNew });
  const refuse = () => Promise.reject(new HawserError('HOME_FORBIDDEN'));
  await expect(send(2, 'two', { onNew, permit: refuse })).rejects.toThrow();
  expect(onNew).toHaveBeenCalledTimes(1);
});

test('both at once are the same', async () => {
  const [one, other] = await Promise.allSettled([send(1, 'one'), send(1, 'other')]);
  expect([one.status, other.status, await said()]).toEqual(['fulfilled', 'rejected', ['one']]);
});

test('behind one that is refused nothing of its chain is taken, and others are', async () => {
  const chain: Chain = {};
  const refuse = () => Promise.reject(new HawserError('HOME_FORBIDDEN'));
  const results = await Promise.allSettled([
    send(1, 'one', { chain }),
    send(2, 'two', { chain, permit: refuse }),
    send(3, 'three', { chain }),
    sending.send({
      ...{ conversation, group, number: 1, message: 'of another', isQuiet: true, permit: async () => undefined },
      device: `${device}2` as DeviceId,
    }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(await said()).toEqual(['one', 'of another']);
});
