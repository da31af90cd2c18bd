import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../store/store.ts';
import { email } from '../testing/people.ts';
import { domain, openTestStore, type TestWorld, testWorld, until } from '../testing/world.ts';
import { type MailFailure, Postman } from './postman.ts';
import { countMails, type Envelope, MAX_WAITING } from './queue.ts';
import { MailError } from './transport.ts';

const alice = email('alice@mail.example');
const letter = { subject: 'Rope', text: 'A hawser is a rope.\n' };
const key = Buffer.alloc(32, 1);
let store: Store;
let world: TestWorld;
let postman: Postman;
let sent: Envelope[];
let failures: MailFailure[];
let send: (envelope: Envelope) => Promise<void>;

const make = (withKey = key) =>
  new Postman({
    db: store.db,
    key: withKey,
    sender: { domain: domain('alpha.example'), url: 'https://alpha.example' },
    world,
    transport: {
      send: async (envelope) => {
        await send(envelope);
        sent.push(envelope);
      },
      close: () => undefined,
    },
    onFailed: (failure) => failures.push(failure),
    onFault: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  [sent, failures, send] = [[], [], async () => undefined];
  postman = make();
});
afterEach(async () => {
  await postman.close();
  await store.close();
});

const put = (to = alice, lifeMs?: number) =>
  postman.enqueue(store.db, { to, letter, owner: undefined, ...(lifeMs !== undefined && { lifeMs }) });
const isEmpty = () => until(async () => (await countMails(store.db)) === 0, 'nothing waits');

test('sends what waits, and forgets it then', async () => {
  await put();
  postman.wake();
  await isEmpty();
  expect(sent).toEqual([{ to: alice, ...letter }]);
});

test('goes on where an earlier process stopped', async () => {
  await put();
  await postman.close();
  postman = make();
  postman.wake();
  await isEmpty();
  expect(sent).toHaveLength(1);
});

test('two processes send an e-mail once', async () => {
  const other = make();
  for (let i = 0; i < 20; i++) await put();
  postman.wake();
  other.wake();
  await isEmpty();
  await other.close();
  expect(sent).toHaveLength(20);
});

test('a mail server that is down is tried again, with longer and longer pauses, and its answer is told without the address', async () => {
  send = async () => {
    throw new MailError('ECONNECTION', undefined);
  };
  await put();
  const pauses: number[] = [];
  for (let i = 1; i <= 6; i++) {
    postman.wake();
    await until(() => failures.length === i, `failure ${i}`);
    const row = await until(async () => {
      const found = await store.db.selectFrom('mail_queue').selectAll().executeTakeFirst();
      return found && found.next_at - world.now() < 100_000 && found;
    }, 'the next attempt is set');
    pauses.push(row.next_at - world.now());
    world.advance(row.next_at - world.now());
  }
  pauses.forEach((pause, i) => {
    expect(pause).toBeGreaterThanOrEqual(500 * 2 ** i);
    expect(pause).toBeLessThanOrEqual(1_000 * 2 ** i);
  });
  expect(failures[0]).toEqual({ code: 'ECONNECTION', reply: undefined, isGivenUp: false });
  expect(JSON.stringify(failures)).not.toContain('alice');
  send = async () => undefined;
  postman.wake();
  await isEmpty();
  expect(sent).toHaveLength(1);
});

test('an address that the mail server refuses for good is given up; a wrong password of ours is not', async () => {
  send = async () => {
    throw new MailError('EAUTH', 535);
  };
  await put();
  postman.wake();
  await until(() => failures.length === 1, 'the first failure');
  expect(failures[0]?.isGivenUp).toBe(false);
  expect(await countMails(store.db)).toBe(1);
  send = async () => {
    throw new MailError('EENVELOPE', 550);
  };
  world.advance(120_000);
  postman.wake();
  await isEmpty();
  expect(failures[1]).toEqual({ code: 'EENVELOPE', reply: 550, isGivenUp: true });
});

test('why there was no connection is told beside the code', async () => {
  send = async () => {
    throw new MailError('ESOCKET', undefined, 'CERT_HAS_EXPIRED');
  };
  await put();
  postman.wake();
  await until(() => failures.length === 1, 'it fails');
  expect(failures).toEqual([{ code: 'ESOCKET', reply: undefined, reason: 'CERT_HAS_EXPIRED', isGivenUp: false }]);
});

test('what is of no use any more is not sent', async () => {
  await put(alice, 600_000);
  world.advance(600_000);
  postman.wake();
  await isEmpty();
  expect([sent, failures]).toEqual([[], [{ code: 'EXPIRED', reply: undefined, isGivenUp: true }]]);
});

test('an e-mail to nobody is written and read, and sent to nobody', async () => {
  await postman.enqueue(store.db, { to: undefined, letter, owner: undefined });
  expect(await countMails(store.db)).toBe(1);
  postman.wake();
  await isEmpty();
  expect([sent, failures]).toEqual([[], []]);
});

test('in the database stands neither who is written to nor what; another key opens it not, and it is given up', async () => {
  await put();
  const text = JSON.stringify(await store.db.selectFrom('mail_queue').selectAll().execute());
  expect(text).not.toMatch(/alice|hawser|Rope/);
  const stranger = make(Buffer.alloc(32, 2));
  stranger.wake();
  await isEmpty();
  await stranger.close();
  expect(failures).toEqual([{ code: 'UNREADABLE', reply: undefined, isGivenUp: true }]);
});

test('whoever enqueues waits for no mail server', async () => {
  const hanging = Promise.withResolvers<void>();
  send = () => hanging.promise;
  await put();
  postman.wake();
  await put();
  postman.wake();
  expect(await countMails(store.db)).toBe(2);
  hanging.resolve();
  await isEmpty();
});

test('the queue is bounded, and whoever comes then is told', async () => {
  const row = { sealed: '', attempts: 0, next_at: world.now() + 1e9, created_at: 0, expires_at: 0 };
  for (let i = 0; i < MAX_WAITING; i += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, j) => ({ ...row, id: `${i + j}` }));
    await store.db.insertInto('mail_queue').values(rows).execute();
  }
  expect(await put()).toBe(false);
  await store.db.deleteFrom('mail_queue').where('id', '=', '0').execute();
  expect(await put()).toBe(true);
});
