import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeviceId, GroupId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import type { Store } from '../store/store.ts';
import { Writer } from '../store/writer.ts';
import { openTestStore, type TestWorld, testWorld, until } from '../testing/world.ts';
import { WINDOW } from './flow.ts';
import type { NewEntry } from './queue-table.ts';
import { type Connection, Queues } from './queues.ts';

const group = 'mimi://alpha.example/g/AAAAAAAAAAAAAAAA' as GroupId;
const other = 'mimi://alpha.example/g/BBBBBBBBBBBBBBBB' as GroupId;
const laptop = 'mimi://alpha.example/u/alice/d/laptop' as DeviceId;
const phone = 'mimi://alpha.example/u/alice/d/phone' as DeviceId;
const desk = 'mimi://alpha.example/u/bob/d/desk' as DeviceId;
const bounds = { messages: 40, bytes: 1_000_000 };

let store: Store;
let world: TestWorld;
let writer: Writer;
let queues: Queues;

const open = () => Queues.open({ store, writer, world, bounds, onFault: (error) => expect.fail(`a fault: ${error}`) });

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  writer = new Writer(store);
  queues = await open();
  await writer.run(async (tx) => {
    for (const device of [laptop, phone, desk]) {
      await queues.create(tx, device);
      await queues.subscribe(tx, device, group, 0);
    }
  });
});
afterEach(async () => {
  await queues.close();
  await writer.idle();
  await store.close();
});

/** A device that notes what it gets. */
class Device {
  readonly entries: Entry[] = [];
  readonly id: DeviceId;
  connection: Connection | undefined;
  acknowledging = true;

  constructor(id: DeviceId) {
    this.id = id;
  }

  get texts(): string[] {
    return this.entries.map(({ payload }) => payload);
  }

  async connect(after = this.entries.at(-1)?.position ?? 0): Promise<this> {
    this.connection = await queues.connect(this.id, after, {
      deliver: (entries, text) => {
        expect(JSON.parse(text)).toEqual(entries);
        this.entries.push(...entries);
        const position = entries.at(-1)?.position ?? 0;
        if (this.acknowledging) queueMicrotask(() => expect(this.connection?.acknowledge(position)).toBe(true));
      },
    });
    return this;
  }
}

const say = (payload: string, entry: Partial<NewEntry> = {}) =>
  writer.run((tx) => queues.append(tx, { audience: group, kind: 'message', payload, at: world.now(), ...entry }));

const kept = async () =>
  (await store.db.selectFrom('entries').select('payload').orderBy('position').execute()).map((row) => row.payload);

describe('a device', () => {
  test('gets what was accepted while it was away, and then what comes', async () => {
    await say('one');
    await say('two');
    const device = await new Device(desk).connect();
    await until(() => device.entries.length === 2, 'what waited');
    await say('three');
    expect(device.texts).toEqual(['one', 'two', 'three']);
    expect(device.entries.map(({ position }) => position)).toEqual([1, 2, 3]);
  });

  test('gets nothing of groups that it is not in, and not its own messages', async () => {
    const [mine, his] = [await new Device(laptop).connect(), await new Device(desk).connect()];
    await say('own', { sender: laptop });
    await say('elsewhere', { audience: other });
    await say('for the desk', { audience: desk, kind: 'welcome' });
    await say('commit', { kind: 'commit', sender: laptop, id: 'request' });
    await until(() => mine.entries.length === 1 && his.entries.length === 3, 'all');
    expect(mine.entries).toMatchObject([{ kind: 'commit', sender: laptop, id: 'request', group }]);
    expect(his.texts).toEqual(['own', 'for the desk', 'commit']);
  });

  test('gets the same again from the last position that it has, after a connection or the server broke', async () => {
    const device = await new Device(desk).connect();
    device.acknowledging = false;
    for (const text of ['a', 'b', 'c']) await say(text);
    await until(() => device.entries.length === 3, 'all three');
    device.connection?.acknowledge(device.entries[0]?.position ?? 0);
    await queues.close();
    queues = await open();
    const again = await new Device(desk).connect(device.entries[1]?.position);
    await until(() => again.entries.length === 1, 'the rest');
    expect(again.texts).toEqual(['c']);
    const lost = await new Device(phone).connect(0);
    await until(() => lost.entries.length === 3, 'all');
  });

  test('that joins a group gets what comes behind that point, and one that leaves what comes up to it', async () => {
    const device = await new Device(desk).connect();
    await say('before', { audience: other });
    await writer.run(async (tx) => {
      const { position } = await queues.append(tx, { audience: other, kind: 'commit', payload: 'joined', at: 1 });
      await queues.subscribe(tx, desk, other, position);
    });
    await say('inside', { audience: other });
    await writer.run(async (tx) => {
      const { position } = await queues.append(tx, { audience: other, kind: 'commit', payload: 'removed', at: 1 });
      await queues.unsubscribe(tx, desk, other, position);
    });
    await say('after', { audience: other });
    await until(() => device.entries.length === 2, 'what is for it');
    expect(device.texts).toEqual(['inside', 'removed']);
    const again = await new Device(desk).connect(0);
    await until(() => again.entries.length === 2, 'the same from the database');
    expect(again.texts).toEqual(['inside', 'removed']);
  });

  test('that is taken out and back gets the rest of both times, and nothing of between', async () => {
    const [first, second] = await writer.run(async (tx) => {
      await queues.subscribe(tx, desk, other, 0);
      const out = await queues.append(tx, { audience: other, kind: 'notice', payload: 'out', at: 1 });
      await queues.unsubscribe(tx, desk, other, out.position);
      const between = await queues.append(tx, { audience: other, kind: 'message', payload: 'between', at: 1 });
      await queues.subscribe(tx, desk, other, between.position);
      return [out, between];
    });
    expect(first.position).toBeLessThan(second.position);
    await say('back', { audience: other });
    // Nothing of it is forgotten meanwhile.
    await queues.sweep();
    const device = await new Device(desk).connect();
    await until(() => device.entries.length === 2, 'both');
    expect(device.texts).toEqual(['out', 'back']);
    await queues.sweep();
    await say('later', { audience: other });
    await until(() => device.entries.length === 3, 'what comes later');
  });

  test('that takes its own place once more gets the commit by which it does so once', async () => {
    await writer.run(async (tx) => {
      await queues.subscribe(tx, desk, other, 0);
      await queues.append(tx, { audience: other, kind: 'message', payload: 'before', at: 1 });
      const { position } = await queues.append(tx, { audience: other, kind: 'commit', payload: 'anew', at: 1 });
      await queues.unsubscribe(tx, desk, other, position);
      await queues.subscribe(tx, desk, other, position - 1);
    });
    await say('behind', { audience: other });
    const device = await new Device(desk).connect();
    await until(() => device.texts.includes('behind'), 'all');
    expect(device.texts).toEqual(['before', 'anew', 'behind']);
  });

  test('has one connection: the newest', async () => {
    const [first, second] = [await new Device(desk).connect(), await new Device(desk).connect()];
    await say('for the second');
    await until(() => second.entries.length === 1, 'the second has it');
    expect(first.entries).toEqual([]);
    first.connection?.end();
    await say('still');
    await until(() => second.entries.length === 2, 'the second has the next');
    expect(second.texts).toEqual(['for the second', 'still']);
  });

  test('that acknowledges nothing gets no more than the window, and the rest when it does', async () => {
    const device = await new Device(desk).connect();
    device.acknowledging = false;
    const count = WINDOW.entries + 250;
    await writer.run(async (tx) => {
      for (let i = 0; i < count; i++) {
        await queues.append(tx, { audience: group, kind: 'message', payload: `${i}`, at: 1 });
      }
    });
    expect(device.entries.length).toBe(WINDOW.entries);
    device.connection?.acknowledge(device.entries.at(-1)?.position ?? 0);
    await until(() => device.entries.length === count, 'the rest');
    await say('live again');
    expect(device.texts).toEqual([...Array.from({ length: count }, (_, i) => `${i}`), 'live again']);
  });

  test('cannot acknowledge what it was not sent', async () => {
    const device = await new Device(desk).connect();
    expect(device.connection?.acknowledge(7)).toBe(false);
  });
});

describe('what everybody has', () => {
  test('is forgotten, and nothing before', async () => {
    const devices = [await new Device(laptop).connect(), await new Device(desk).connect()];
    await say('one', { sender: laptop });
    await say('two', { sender: desk });
    await until(() => devices.every(({ entries }) => entries.length === 1), 'both');
    await queues.sweep();
    expect(await kept()).toEqual(['one', 'two']); // the phone is away
    const last = await new Device(phone).connect();
    await until(() => last.entries.length === 2, 'the phone');
    await queues.sweep();
    expect(await kept()).toEqual([]);
  });

  test('is what it says over HTTP too: once for all, and never what is still to come', async () => {
    const devices = [await new Device(laptop).connect(), await new Device(phone).connect()];
    for (const text of ['one', 'two']) await say(text);
    await until(() => devices.every(({ entries }) => entries.length === 2), 'the others');
    const [one, two] = await queues.waiting(desk, 0);
    await queues.acknowledge(desk, one?.position ?? 0);
    await queues.sweep();
    expect(await queues.waiting(desk, 0)).toEqual([two]);
    await queues.acknowledge(desk, Number.MAX_SAFE_INTEGER);
    await queues.acknowledge(desk, 0);
    await queues.sweep();
    expect(await kept()).toEqual([]);
    await say('three');
    await until(() => devices.every(({ entries }) => entries.length === 3), 'the others');
    await queues.sweep();
    expect((await queues.waiting(desk, 0)).map(({ payload }) => payload)).toEqual(['three']);
  });

  test('is forgotten after a restart too', async () => {
    const devices = [laptop, phone, desk].map((id) => new Device(id));
    for (const device of devices) await device.connect();
    await say('one');
    await until(() => devices.every(({ entries }) => entries.length === 1), 'all');
    await queues.close();
    queues = await open();
    await queues.sweep();
    expect(await kept()).toEqual([]);
  });

  test('does not wait for a device that is gone', async () => {
    const devices = [await new Device(laptop).connect(), await new Device(desk).connect()];
    await say('one');
    await until(() => devices.every(({ entries }) => entries.length === 1), 'both');
    await queues.remove(phone);
    await queues.sweep();
    expect(await kept()).toEqual([]);
  });

  test('waits for a device that is out no longer than for what came before it went', async () => {
    const devices = [await new Device(laptop).connect(), await new Device(desk).connect()];
    await say('for all', { kind: 'commit' });
    await say('for all too');
    await writer.run(async (tx) => {
      const { position } = await queues.append(tx, { audience: group, kind: 'commit', payload: 'last', at: 1 });
      await queues.unsubscribe(tx, phone, group, position);
    });
    await say('for who stays');
    await say('and this', { kind: 'commit' });
    await until(() => devices.every(({ entries }) => entries.length === 5), 'who stays');
    await queues.sweep();
    expect(await kept()).toEqual(['for all', 'for all too', 'last']);
    const late = await new Device(phone).connect();
    await until(() => late.entries.length === 3, 'who went');
    expect(late.texts).toEqual(['for all', 'for all too', 'last']);
    await queues.sweep();
    expect(await kept()).toEqual([]);
  });
});

describe('a queue that grows too long', () => {
  test('loses its oldest messages, no commit, and the device is told', async () => {
    const [mine, his] = [await new Device(laptop).connect(), await new Device(phone).connect()];
    await say('first commit', { kind: 'commit' });
    for (let i = 1; i <= bounds.messages + 1; i++) await say(`${i}`, { sender: laptop });
    await until(() => his.entries.length === bounds.messages + 2 && mine.entries.length === 1, 'the connected ones');
    await queues.sweep();
    await queues.sweep();
    expect((await kept()).includes('1')).toBe(false);
    const late = await new Device(desk).connect();
    await until(() => late.entries.at(-1)?.kind === 'overflow', 'the notice');
    expect(late.texts[0]).toBe('first commit');
    expect(late.texts[1]).toBe('12');
    expect(late.entries.length).toBe(1 + 30 + 1);
  });

  test('keeps everything up to its bound', async () => {
    for (let i = 0; i < bounds.messages; i++) await say(`${i}`);
    await queues.sweep();
    const late = await new Device(desk).connect();
    await until(() => late.entries.length === bounds.messages, 'all');
  });
});

test('of works that are written together, one that throws leaves nothing and hurts nobody', async () => {
  const device = await new Device(desk).connect();
  const results = await Promise.allSettled([
    say('a'),
    writer.run(async (tx) => {
      await queues.append(tx, { audience: group, kind: 'message', payload: 'undone', at: 1 });
      throw new Error('refused');
    }),
    say('b'),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await kept()).toEqual(['a', 'b']);
  await until(() => device.entries.length >= 2, 'what was written');
  expect(device.texts).toEqual(['a', 'b']);
});
