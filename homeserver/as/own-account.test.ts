import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countMails } from '../mail/queue.ts';
import { codeIn, email, median, otherCode, type TestPeople, testPeople } from '../testing/people.ts';
import { until, user } from '../testing/world.ts';

const password = 'correct horse battery';
const fresh = 'another horse battery';
const alice = user('@alice@alpha.example');
const address = email('alice@mail.example');
const IP = '192.0.2.1';
let people: TestPeople;
let hooked: string[];

beforeEach(async () => {
  hooked = [];
  people = await testPeople({
    hooks: {
      onPasswordChanged: async (who, keep) => void hooked.push(`${who} ${keep ?? 'all'}`),
      onRemoved: async (who) => void hooked.push(`${who} removed`),
    },
  });
  await people.administration.add({ handle: 'alice', name: 'Alice', password, email: address });
});
afterEach(() => people.close());

const signIn = (given = password, handle = 'alice', ip = IP) =>
  people.sessions.signIn({ handle, password: given, address: ip });
const session = async (given = password) => {
  const tokens = await signIn(given);
  return { ...tokens, ...(await people.sessions.authenticate(tokens.access)) };
};
const isIn = (access: string) =>
  people.sessions.authenticate(access).then(
    () => true,
    () => false,
  );

describe('a new password', () => {
  test('needs the current one, ends every other session, and is told by e-mail and to who keeps devices', async () => {
    const [here, there] = [await session(), await session()];
    await people.ownAccount.changePassword(here, password, fresh);
    expect(await isIn(here.access)).toBe(true);
    expect(await isIn(there.access)).toBe(false);
    expect(people.ended).toEqual([there.session]);
    expect(hooked).toEqual([`${alice} ${here.session}`]);
    expect((await people.mailTo(address)).subject).toContain('was changed');
    await expect(signIn()).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
    await signIn(fresh);
  });

  test('is not set with a wrong current one, and guessing is slowed down', async () => {
    const here = await session();
    for (let i = 0; i < 5; i++) {
      const change = people.ownAccount.changePassword(here, 'wrong password', fresh);
      await expect(change).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
    }
    const right = people.ownAccount.changePassword(here, password, fresh);
    await expect(right).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
    expect(hooked).toEqual([]);
    await signIn();
  });

  test('leaves everything as it was where the devices could not be told', async () => {
    const broken = await testPeople({
      hooks: {
        onPasswordChanged: async () => {
          throw new Error('no');
        },
      },
    });
    await broken.administration.add({ handle: 'alice', name: 'Alice', password });
    const tokens = await broken.sessions.signIn({ handle: 'alice', password, address: IP });
    const self = await broken.sessions.authenticate(tokens.access);
    await expect(broken.ownAccount.changePassword(self, password, fresh)).rejects.toThrow('no');
    await broken.sessions.signIn({ handle: 'alice', password, address: IP });
    expect(broken.ended).toEqual([]);
    await broken.close();
  });

  test('keeps out whoever was signing in with the old one in this very moment', async () => {
    const here = await session();
    await Promise.allSettled([
      signIn(password, 'alice', '192.0.2.2'),
      people.ownAccount.replacePassword(alice, '!', here.session),
    ]);
    // Refused, or let in and put out again; whichever came first.
    const left = await people.store.db.selectFrom('sessions').select('id').execute();
    expect(left).toEqual([{ id: here.session }]);
  });
});

describe('a forgotten password', () => {
  const ask = (to = address, ip = IP) => people.passwordResets.begin(to, ip);
  const reset = (id: string, code: string, ip = IP) => people.passwordResets.confirm(id, code, fresh, ip);

  test('is replaced with the code that comes by e-mail, and every session ends', async () => {
    const here = await session();
    const { id } = await ask();
    await reset(id, codeIn(await people.mailTo(address)));
    expect(await isIn(here.access)).toBe(false);
    expect(hooked).toEqual([`${alice} all`]);
    await signIn(fresh);
    await expect(reset(id, '000000')).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
    expect((await people.mailTo(address, 2)).subject).toContain('was changed');
  });

  test('of an unknown address gets the same answer, and nobody is written to', async () => {
    const known = await ask();
    const unknown = await ask(email('nobody@mail.example'));
    expect({ ...unknown, id: '' }).toEqual({ ...known, id: '' });
    await people.mailTo(address);
    expect(people.sent.map(({ to }) => to)).toEqual([address]);
    await expect(reset(unknown.id, '123456')).rejects.toMatchObject({ code: 'HOME_CODE_WRONG' });
    await until(async () => (await countMails(people.store.db)) === 0, 'nothing waits');
    expect(people.sent).toHaveLength(1);
  });

  test('takes the same time whether the address is known or not', { retry: 3 }, async () => {
    const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
    for (let i = 0; i < 200; i++) {
      for (const which of i % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)) {
        people.world.advance(1_200_000);
        const start = performance.now();
        await ask(which === 'known' ? address : email('nobody@mail.example'), `192.0.2.${i}`);
        times[which].push(performance.now() - start);
      }
    }
    // 1.0; without the e-mail to nobody it would be 0.64.
    expect(median(times.unknown) / median(times.known)).toBeGreaterThan(0.8);
    expect(median(times.unknown) / median(times.known)).toBeLessThan(1.25);
  });

  test('a code is good for five tries and ten minutes, and of several the first one used makes all others void', async () => {
    const one = await ask();
    const first = codeIn(await people.mailTo(address));
    for (let i = 0; i < 5; i++) {
      await expect(reset(one.id, otherCode(first))).rejects.toMatchObject({ code: 'HOME_CODE_WRONG' });
    }
    await expect(reset(one.id, first)).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
    const two = await ask();
    const second = codeIn(await people.mailTo(address, 2));
    const three = await ask();
    const third = codeIn(await people.mailTo(address, 3));
    await reset(three.id, third);
    await expect(reset(two.id, second)).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
    people.world.advance(1_200_000);
    const four = await ask();
    const fourth = codeIn(await people.mailTo(address, 5));
    people.world.advance(600_000);
    await expect(reset(four.id, fourth)).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
  });

  test('fills nobody’s letter box: three e-mails, then one in twenty minutes', async () => {
    for (let i = 0; i < 3; i++) await ask(address, `192.0.2.${i}`);
    await expect(ask(address, '192.0.2.9')).rejects.toMatchObject({ code: 'HOME_MAIL_LIMIT' });
    for (let i = 0; i < 3; i++) await ask(email('nobody@mail.example'), `192.0.2.${i}`);
    await expect(ask(email('nobody@mail.example'))).rejects.toMatchObject({ code: 'HOME_MAIL_LIMIT' });
  });
});

test('a new name is shown from then on', async () => {
  await people.ownAccount.rename(alice, 'Alice Smith');
  expect((await signIn()).account.name).toBe('Alice Smith');
});

describe('an account that is deleted', () => {
  test('needs the password, ends its sessions, and leaves nothing behind but its handle, which nobody gets again', async () => {
    const here = await session();
    await people.ownAccount.remove(alice, 'wrong password').catch((error) => {
      expect(error).toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
    });
    expect(await isIn(here.access)).toBe(true);
    await people.passwordResets.begin(address, IP);
    await people.ownAccount.remove(alice, password);
    expect(await isIn(here.access)).toBe(false);
    expect(people.ended).toEqual([here.session]);
    expect(hooked).toEqual([`${alice} removed`]);
    const { db } = people.store;
    for (const table of ['accounts', 'sessions', 'access_tokens', 'password_resets', 'connections'] as const) {
      expect(await db.selectFrom(table).selectAll().execute(), table).toEqual([]);
    }
    const again = people.administration.add({ handle: 'alice', name: 'Mallory', password });
    await expect(again).rejects.toMatchObject({ code: 'HOME_HANDLE_TAKEN' });
    await people.administration.add({ handle: 'alice2', name: 'Alice', password, email: address });
  });
});

test('with an account go its invitations, what waits to be sent for it, and what others had decided about it', async () => {
  const bob = user('@bob@alpha.example');
  const dave = user('@dave@alpha.example');
  for (const handle of ['bob', 'dave', 'erin']) await people.administration.add({ handle, name: handle, password });
  await people.connections.act(bob, alice, 'request');
  await people.connections.act(alice, bob, 'accept');
  await people.connections.act(dave, alice, 'block');
  people.hold();
  const { invitation } = await people.invitations.create(alice, email('carol@mail.example'));
  await people.invitations.create(undefined, email('dan@mail.example'));
  await people.passwordResets.begin(address, IP);
  expect(await countMails(people.store.db)).toBe(3);
  people.told.length = 0;
  await people.administration.remove('alice');
  await expect(people.invitations.find(invitation)).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
  // That of the administrator is still to be sent.
  expect(await countMails(people.store.db)).toBe(1);
  expect(people.told.map(({ owner, connection }) => [owner, connection.user, connection.state])).toEqual(
    expect.arrayContaining([
      [bob, alice, 'none'],
      [dave, alice, 'none'],
    ]),
  );
  expect(people.told).toHaveLength(2);
  expect(await people.connections.list(bob)).toEqual([]);
  await expect(people.connections.act(bob, alice, 'block')).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  people.release();
});

describe('an administrator', () => {
  test('lists accounts page by page, sets a password, removes', async () => {
    await people.administration.add({ handle: 'bob', name: 'Bob', password });
    expect((await people.administration.list(undefined)).map(({ user: who, email: to }) => [who, to])).toEqual([
      [alice, address],
      [user('@bob@alpha.example'), undefined],
    ]);
    expect(await people.administration.list('alice')).toHaveLength(1);
    const here = await session();
    await people.administration.setPassword('alice', fresh);
    expect(await isIn(here.access)).toBe(false);
    await signIn(fresh);
    await people.administration.remove('bob');
    await expect(people.administration.remove('bob')).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    await expect(people.administration.setPassword('bob', fresh)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });

  test('gives each e-mail address to one account', async () => {
    const twice = people.administration.add({
      handle: 'bob',
      name: 'Bob',
      password,
      email: email('Alice@mail.example'),
    });
    await expect(twice).rejects.toMatchObject({ code: 'HOME_EMAIL_TAKEN' });
  });
});

test('an account without a password lets nobody in, whatever is typed', async () => {
  await people.ownAccount.replacePassword(alice, '!');
  for (const given of ['!', '', password]) {
    await expect(signIn(given)).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
  }
});
