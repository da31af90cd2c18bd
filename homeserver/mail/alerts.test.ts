import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DeviceId } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import { createAccount } from '../as/accounts.ts';
import { Sessions } from '../as/sessions.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, until, user } from '../testing/world.ts';
import { SignInAlerts } from './alerts.ts';
import { Postman } from './postman.ts';
import type { Envelope } from './queue.ts';

const alpha = domain('alpha.example');
const password = 'correct horse battery';
const MINUTE = 60_000;
let store: Store;
let world: TestWorld;
let sessions: Sessions;
let mail: Postman;
let alerts: SignInAlerts;
let sent: Envelope[];

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  sent = [];
  sessions = new Sessions(store, alpha, world, () => undefined);
  mail = new Postman({
    db: store.db,
    key: Buffer.alloc(32, 1),
    sender: { domain: alpha, url: 'https://alpha.example' },
    transport: { send: async (envelope) => void sent.push(envelope), close: () => undefined },
    world,
    onFailed: () => expect.fail('not taken'),
    onFault: (error) => expect.fail(`${error}`),
  });
  alerts = new SignInAlerts({ store, world, sessions, mail });
  for (const handle of ['alice', 'bob']) {
    const email = `${handle}@mail.example` as EmailAddress;
    await createAccount(store.db, alpha, { handle, name: handle, password, email }, world);
  }
});
afterEach(async () => {
  await mail.close();
  await store.close();
});

const signIn = async (handle: string) => {
  const { access } = await sessions.signIn({ handle, password, address: '192.0.2.1' });
  return (await sessions.authenticate(access)).session;
};

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    world.advance(MINUTE);
    await alerts.sweep();
  }
}

test('whoever signs in and makes no device is told of to the owner of the account, once an hour', async () => {
  await signIn('alice');
  const laptop = await signIn('bob');
  await store.db
    .updateTable('sessions')
    .set({ device_id: `${user('@bob@alpha.example')}/d/laptop` as DeviceId })
    .where('id', '=', laptop)
    .execute();
  await minutes(9);
  expect(sent).toEqual([]);
  await minutes(3);
  await until(() => sent.length === 1, 'word of it');
  expect(sent[0]).toMatchObject({ to: 'alice@mail.example', subject: 'Somebody signed in at alpha.example' });
  await signIn('alice');
  await minutes(50);
  expect(sent).toHaveLength(1);
  await signIn('alice');
  await minutes(30);
  await until(() => sent.length === 2, 'word of the next one');
});
