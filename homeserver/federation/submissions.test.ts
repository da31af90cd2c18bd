/** What waits for the hub of another domain: taken there exactly once and in order, or given back, whatever is lost on the way. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ErrorCode } from '#signalling/errors.ts';
import type { Submission, SubmissionsAnswer } from '#signalling/federation-feed.ts';
import { isWaiting, type SentMessage } from '#signalling/groups.ts';
import type { ConversationId, DeviceId, GroupId, UserId } from '#signalling/ids.ts';
import { parseRefused, parseSent } from '#signalling/queue.ts';
import { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';
import { Writer } from '../store/writer.ts';
import { domain, openTestStore, type TestWorld, testWorld, until } from '../testing/world.ts';
import { Unreachable } from './errors.ts';
import { SUBMISSION_BOUNDS, type SubmissionBounds } from './submission-bounds.ts';
import { Submissions } from './submissions.ts';

const beta = domain('beta.example');
const user = 'mimi://alpha.example/u/alice' as UserId;
const laptop = `${user}/d/laptop` as DeviceId;
const phone = `${user}/d/phone` as DeviceId;
const conversation = `mimi://beta.example/r/${'a'.repeat(22)}` as ConversationId;
const group = `mimi://beta.example/g/${'a'.repeat(22)}` as GroupId;

/** Takes and refuses as a hub does, and loses requests and answers as a network does. */
class FakeHub {
  readonly taken: Submission[] = [];
  readonly requests: number[] = [];
  isDown = false;
  isLosing: () => 'request' | 'answer' | undefined = () => undefined;
  refuses: (message: Submission) => ErrorCode | undefined = () => undefined;
  readonly #last = new Map<string, number>();

  submit(messages: readonly Submission[]): SubmissionsAnswer['results'] {
    const loses = this.isLosing();
    if (this.isDown || loses === 'request') throw new Unreachable([beta]);
    this.requests.push(messages.length);
    const refused = new Map<DeviceId, ErrorCode>();
    const results = messages.map((message): SubmissionsAnswer['results'][number] => {
      const { device, number } = message;
      if (number <= (this.#last.get(device) ?? 0)) return { taken: true };
      const code = refused.get(device) ?? this.refuses(message);
      if (code !== undefined) {
        refused.set(device, code);
        return { code };
      }
      this.#last.set(device, number);
      this.taken.push(message);
      return { taken: true };
    });
    if (loses === 'answer') throw new Unreachable([beta]);
    return results;
  }
}

let store: Store;
let world: TestWorld;
let writer: Writer;
let queues: Queues;
let hub: FakeHub;
let submissions: Submissions;
/** How many of what the hub took came back by the feed. */
let fed: number;

const onFault = (error: unknown) => expect.fail(`a fault: ${error}`);

/** How often the hub was caught with two messages under one number. */
let equivocated = 0;
/** What the hub delivers in place of a message. */
let altered: ReadonlyMap<number, string> = new Map();

async function start(bounds: SubmissionBounds = SUBMISSION_BOUNDS): Promise<Submissions> {
  const made = new Submissions({
    // Nothing of this is about time: nobody is told to wait because the machine is slow.
    ...{ store, writer, queues, world, onFault, bounds, patienceMs: 60_000 },
    isAllowed: () => true,
    submit: async (_, messages) => hub.submit(messages),
    onEquivocated: () => {
      equivocated += 1;
    },
  });
  await made.start();
  return made;
}

beforeEach(async () => {
  [store, world, hub, fed] = [await openTestStore(), testWorld(), new FakeHub(), 0];
  [equivocated, altered] = [0, new Map()];
  writer = new Writer(store);
  queues = await Queues.open({ store, writer, world, onFault });
  await writer.run(async (tx) => {
    for (const device of [laptop, phone]) await queues.create(tx, device);
    const row = { id: conversation, title: '', seq: 1, group_id: group, created_at: 0 };
    await tx.insertInto('conversations').values(row).execute();
    const member = { conversation_id: conversation, user_id: user, name: 'Alice', role: 'admin' as never, position: 0 };
    await tx.insertInto('members').values(member).execute();
  });
  submissions = await start();
});
afterEach(async () => {
  await submissions.close();
  await queues.close();
  await writer.idle();
  await store.close();
});

const send = (number: number, device = laptop, text = `m${number}`): Promise<SentMessage> =>
  submissions.send({ user, device }, { conversation, number, message: text });

/** What the feed brings of what the hub took. */
async function feed(): Promise<void> {
  const arrived = hub.taken.slice(fed).map((each) => ({ ...each, message: altered.get(each.number) ?? each.message }));
  if (arrived.length === 0) return;
  await writer.run(async (tx) => {
    const entries = arrived.map(({ device, number, message: payload }) => ({
      ...{ audience: group, kind: 'message' as const, sender: device, id: `${number}`, payload, at: 5 },
    }));
    const places = await queues.appendAll(tx, entries);
    const arrivals = arrived.map(({ device, number, message: payload }, index) => ({
      ...{ device, conversation, group, number, payload, at: 5, position: places[index]?.position ?? 0 },
    }));
    await submissions.ownMessagesArrived(tx, arrivals);
  });
  fed += arrived.length;
}

const rows = async () => (await store.db.selectFrom('submissions').selectAll().execute()).length;
const entriesOf = (device: DeviceId) =>
  store.db
    .selectFrom('entries')
    .select(['position', 'kind', 'id', 'payload'])
    .where('audience', '=', device)
    .orderBy('position')
    .execute();
/** What the queue of a device tells of its messages. */
async function told(device = laptop): Promise<string[]> {
  const entries = await entriesOf(device);
  return entries.map(({ kind, id, payload }) =>
    kind === 'refused' ? `${id} ${parseRefused(payload).code} to ${parseRefused(payload).last}` : `${id} ${kind}`,
  );
}

test('answers with the place where it comes back soon, and takes the same number without effect', async () => {
  const first = send(1);
  await until(() => hub.taken.length === 1, 'the hub has it');
  await feed();
  const sent = await first;
  expect(isWaiting(sent) || sent.at).toBe(5);
  expect(await send(1)).toEqual(sent);
  expect([await rows(), await told(), hub.taken.length]).toEqual([0, [], 1]);
});

test('what is written at once goes in a few requests, in order, and each is answered', async () => {
  const all = Array.from({ length: 600 }, (_, index) => send(index + 1));
  await until(() => hub.taken.length === 600, 'the hub has all');
  await feed();
  expect((await Promise.all(all)).some(isWaiting)).toBe(false);
  expect(hub.taken.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  expect(hub.requests.length).toBeLessThan(20);
});

test('while the hub is away it waits, and its device is told later what became of it', async () => {
  hub.isDown = true;
  const since = world.now();
  expect(await send(1)).toEqual({ waiting: beta, since });
  world.advance(1_000);
  expect(await send(1)).toEqual({ waiting: beta, since });
  expect(await send(2)).toMatchObject({ waiting: beta });
  hub.isDown = false;
  submissions.retryNow(beta);
  await until(() => hub.taken.length === 2, 'the hub has both');
  await feed();
  expect([await told(), await rows()]).toEqual([['1 sent', '2 sent'], 0]);
  const [entry] = await queues.waiting(laptop, 0);
  expect(parseSent(entry?.payload ?? '').position).toBeGreaterThan(0);
});

test('each that waited has its own place, also where its device hands it in again before it heard of that', async () => {
  hub.isDown = true;
  for (const number of [1, 2, 3]) await send(number);
  hub.isDown = false;
  submissions.retryNow(beta);
  await until(() => hub.taken.length === 3, 'the hub has all');
  await feed();
  const places = (await queues.waiting(laptop, 0)).map(({ payload }) => parseSent(payload).position);
  expect(new Set(places).size).toBe(3);
  const again = await Promise.all([1, 2, 3].map((number) => send(number)));
  expect(again).toEqual(places.map((position) => ({ position, at: 5 })));
});

test('behind one that is refused nothing of that device goes on; others do', async () => {
  hub.isDown = true;
  for (const number of [1, 2, 3]) await send(number);
  await send(1, phone);
  hub.isDown = false;
  hub.refuses = ({ device, number }) => (device === laptop && number === 2 ? 'MLS_EPOCH_PAST' : undefined);
  submissions.retryNow(beta);
  await until(async () => (await told()).length === 2, 'it is told');
  expect(await told()).toEqual(['2 MLS_EPOCH_PAST to 3', '3 MLS_EPOCH_PAST to 3']);
  expect(hub.taken.map(({ device, number }) => `${device === phone ? 'phone' : 'laptop'} ${number}`)).toEqual([
    'laptop 1',
    'phone 1',
  ]);
  await expect(send(2)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
});

test('a number that never came is not told as sent: its device is to send it under a new one', async () => {
  const [fifth, seventh] = [send(5), send(7)];
  await until(() => hub.taken.length === 2, 'the hub has both');
  await feed();
  expect([isWaiting(await fifth), isWaiting(await seventh)]).toEqual([false, false]);
  await expect(send(6)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
  expect(await send(5)).toMatchObject({ at: 5 });
  expect(await send(7)).toEqual(await seventh);
});

test('one that was given back is not told as sent later either', async () => {
  hub.refuses = ({ number }) => (number === 1 ? 'MLS_EPOCH_PAST' : undefined);
  await expect(send(1)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
  await queues.acknowledge(laptop, Number.MAX_SAFE_INTEGER);
  const next = send(2);
  await until(() => hub.taken.length === 1, 'the hub has the next one');
  await feed();
  await next;
  // What its device has taken is forgotten.
  await store.db.deleteFrom('entries').where('kind', '=', 'refused').execute();
  await expect(send(1)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
});

test('what its device wrote before it knows that one before was refused does not overtake', async () => {
  hub.refuses = () => 'MLS_EPOCH_PAST';
  await expect(send(1)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
  hub.refuses = () => undefined;
  await expect(send(2)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
  expect(await told()).toEqual(['1 MLS_EPOCH_PAST to 1']);
  const other = send(1, phone);
  await queues.acknowledge(laptop, Number.MAX_SAFE_INTEGER);
  const again = send(3);
  await until(() => hub.taken.length === 2, 'both go on');
  await feed();
  expect([isWaiting(await other), isWaiting(await again)]).toEqual([false, false]);
});

test('what comes back as another message was not sent: it is given back with what waits behind it', async () => {
  const first = send(1);
  const refused = expect(first).rejects.toMatchObject({ code: 'FED_EQUIVOCATED' });
  await until(() => hub.taken.length === 1, 'the hub has one');
  const second = send(2);
  await until(() => hub.taken.length === 2, 'the hub has two');
  hub.isDown = true;
  const third = send(3);
  altered = new Map([[1, 'another']]);
  await feed();
  await refused;
  // What was sent as it was is told as that, in front: a device takes all in its line for given back with the other one.
  expect([isWaiting(await second), isWaiting(await third)]).toEqual([false, true]);
  expect(await told()).toEqual(['1 FED_EQUIVOCATED to 3', '3 FED_EQUIVOCATED to 3']);
  expect([equivocated, await rows()]).toEqual([1, 0]);
  await expect(send(1)).rejects.toMatchObject({ code: 'FED_EQUIVOCATED' });
});

test('where nobody waits for it any more its device finds in its queue what was sent, then what was not', async () => {
  hub.isDown = true;
  for (const number of [1, 2]) await send(number);
  hub.isDown = false;
  submissions.retryNow(beta);
  await until(() => hub.taken.length === 2, 'the hub has both');
  altered = new Map([[1, 'another']]);
  await feed();
  expect(await told()).toEqual(['2 sent', '1 FED_EQUIVOCATED to 1']);
  expect([equivocated, await rows()]).toEqual([1, 0]);
});

test('what was taken and does not come back is handed in once more', async () => {
  const first = send(1);
  await until(() => hub.requests.length === 1, 'the hub has it');
  await submissions.sweep();
  world.advance(31_000);
  await submissions.sweep();
  await until(() => hub.requests.length === 2, 'once more');
  await feed();
  expect([isWaiting(await first), hub.taken.length]).toEqual([false, 1]);
});

test('what waits for seven days is given back, and all of it where the hub is blocked', async () => {
  hub.isDown = true;
  await send(1);
  world.advance(7 * 24 * 3_600_000 + 1);
  await send(2);
  await submissions.sweep();
  expect(await told()).toEqual(['1 FED_UNREACHABLE to 1']);
  await submissions.forget(beta);
  expect([await told(), await rows(), submissions.depths().size]).toEqual([
    ['1 FED_UNREACHABLE to 1', '2 FED_NOT_ALLOWED to 2'],
    0,
    0,
  ]);
});

test('only so much may wait', async () => {
  await submissions.close();
  submissions = await start({ ...SUBMISSION_BOUNDS, device: { rows: 2, length: 1_000 } });
  hub.isDown = true;
  for (const number of [1, 2]) await send(number);
  await expect(send(3)).rejects.toMatchObject({ code: 'FED_WAITING_FULL' });
  expect(await send(1, phone)).toMatchObject({ waiting: beta });
  await submissions.forget(beta);
  await queues.acknowledge(laptop, Number.MAX_SAFE_INTEGER);
  expect(await send(3)).toMatchObject({ waiting: beta });
});

test('whoever is no member sends nothing', async () => {
  const stranger = 'mimi://alpha.example/u/mallory' as UserId;
  const asker = { user: stranger, device: `${stranger}/d/laptop` as DeviceId };
  await expect(submissions.send(asker, { conversation, number: 1, message: 'm' })).rejects.toMatchObject({
    code: 'HOME_NOT_FOUND',
  });
});

type Step = 'send' | 'lose request' | 'lose answer' | 'refuse' | 'feed' | 'restart' | 'wait' | 'hear';
const step = fc.constantFrom<Step>(
  'send',
  'send',
  'send',
  'lose request',
  'lose answer',
  'refuse',
  'feed',
  'restart',
  'wait',
  'hear',
);

test('each is taken once and in order, or given back, whatever is lost and whenever the process ends', async () => {
  let base = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const before = hub.taken.length;
      let heard = (await entriesOf(laptop)).at(-1)?.position ?? 0;
      const from = heard;
      await queues.acknowledge(laptop, heard);
      /** What the device knew when it wrote each, and those that were refused at once. */
      const heardBy = new Map<number, number>();
      const refused = new Set<number>();
      const first = base + 1;
      const answers: Promise<unknown>[] = [];
      const answered = new Set<number>();
      const losses: ('request' | 'answer')[] = [];
      const refusing = new Set<number>();
      hub.isLosing = () => losses.shift();
      hub.refuses = ({ number }) => (refusing.has(number) ? 'MLS_EPOCH_PAST' : undefined);
      for (const each of steps) {
        if (each === 'send') {
          const number = ++base;
          heardBy.set(number, heard);
          answers.push(
            send(number).then(
              () => answered.add(number),
              () => answered.add(number) && refused.add(number),
            ),
          );
        }
        if (each === 'hear') {
          heard = (await entriesOf(laptop)).at(-1)?.position ?? heard;
          await queues.acknowledge(laptop, heard);
        }
        if (each === 'refuse') refusing.add(base + 1);
        if (each === 'lose request') losses.push('request');
        if (each === 'lose answer') losses.push('answer');
        if (each === 'feed') await feed();
        if (each === 'wait') submissions.retryNow(beta);
        if (each === 'restart') {
          await submissions.close();
          await Promise.all(answers);
          submissions = await start();
        }
      }
      losses.length = 0;
      await until(async () => {
        submissions.retryNow(beta);
        await feed();
        return answered.size === answers.length && (await rows()) === 0;
      }, 'nothing waits');
      const taken = hub.taken.slice(before).map(({ number }) => number);
      expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
      const back = new Map(
        (await entriesOf(laptop)).flatMap(({ kind, id, position }) =>
          kind === 'refused' && position > from ? [[Number(id), position]] : [],
        ),
      );
      expect(taken.filter((number) => back.has(number) || refused.has(number))).toEqual([]);
      expect([...new Set([...taken, ...back.keys(), ...refused])].sort((a, b) => a - b)).toEqual(
        Array.from({ length: base - first + 1 }, (_, index) => first + index),
      );
      const overtaking = taken.filter((number) =>
        [...back].some(([other, position]) => other < number && position > (heardBy.get(number) ?? 0)),
      );
      expect(overtaking).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);
