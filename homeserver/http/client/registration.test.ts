/** Accounts and connections at the client's door: a whole homeserver, a real mail server, and the SDK. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import { Connections as MyConnections } from '#client/connections.ts';
import { Home } from '#client/home.ts';
import { Registration } from '#client/registration.ts';
import { API } from '#signalling/client-home.ts';
import { Connection, Connections } from '#signalling/connections.ts';
import { Catcher } from '../../testing/catcher.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { codeIn, email, otherCode } from '../../testing/people.ts';
import { ask, Person } from '../../testing/person.ts';
import { until, user } from '../../testing/world.ts';

let world: World;
let alpha: Organisation;
let catcher: Catcher;
let registration: Registration;
const fresh = 'another horse battery';

beforeAll(async () => {
  catcher = await Catcher.listen();
  world = await organise('alpha.example', 'beta.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  Object.assign(alpha.site.homeserver, {
    mail: { url: catcher.url, from: 'hawser@alpha.example' },
    registration: { mode: 'open', emailDomains: [], workBits: 10, invitationDays: 7 },
  });
  await alpha.start();
  registration = new Registration(alpha.url);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await catcher.close();
});

/** Somebody who registers as people do. */
async function newcomer(handle: string): Promise<Person> {
  const address = email(`${handle}@mail.example`);
  const { id } = await registration.begin({ email: address, handle, name: handle, password: PASSWORD });
  await registration.confirm(id, { code: codeIn(await catcher.mailTo(address)) });
  return Person.signIn(alpha.url, handle, PASSWORD);
}

describe('registration over HTTP', () => {
  test('from the form to being signed in, by handle and by address', async () => {
    expect(await registration.rules()).toEqual({ mode: 'open', emailDomains: [], passwordReset: true });
    const person = await newcomer('rita');
    expect(person.id).toBe(user('@rita@alpha.example'));
    person.close();
    (await Person.signIn(alpha.url, 'Rita@mail.example', PASSWORD)).close();
  });

  test('a forgotten password is replaced, and events of every session end', async () => {
    const person = await newcomer('sara');
    const address = email('sara@mail.example');
    const { id } = await registration.beginReset({ email: address });
    const code = codeIn(await catcher.mailTo(address, 2));
    await expect(registration.confirmReset(id, { code: otherCode(code), password: fresh })).rejects.toMatchObject({
      code: 'HOME_CODE_WRONG',
    });
    await registration.confirmReset(id, { code, password: fresh });
    await until(() => !person.isListening, 'events end');
    (await Person.signIn(alpha.url, 'sara', fresh)).close();
  });

  test('invitations are made, listed and taken back', async () => {
    (await newcomer('tilda')).close();
    using account = new Account(alpha.url);
    await account.signIn('tilda', PASSWORD);
    const made = await account.invite();
    const sent = await account.invite(email('friend@mail.example'));
    expect((await catcher.mailTo(email('friend@mail.example'))).text).toContain(sent.invitation);
    const list = async () => (await account.invitations()).map(({ id, email: to }) => [id, to]);
    expect(await list()).toEqual([
      [made.id, undefined],
      [sent.id, 'friend@mail.example'],
    ]);
    await account.takeBackInvitation(made.id);
    expect(await list()).toEqual([[sent.id, 'friend@mail.example']]);
    await expect(account.takeBackInvitation(made.id)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });

  test('the log knows no address, no code, no name and no invitation', () => {
    const log = alpha.logged.join('\n');
    expect(log).not.toMatch(/mail\.example|rita|sara|tilda/i);
    for (const { text } of catcher.mails) {
      const [secret] = /^ {4}(\S+)$/m.exec(text) ?? [];
      if (!secret) continue;
      // Six digits are found in many a time, and are looked for by themselves.
      if (/^\d{6}$/.test(secret)) expect(log).not.toMatch(new RegExp(`(?<![\\w.-])${secret}(?![\\w-])`));
      else expect(log).not.toContain(secret);
    }
    expect(log).not.toContain('"msg":"fault"');
  });
});

test('a person changes the password, the name, and leaves', async () => {
  const other = await newcomer('uma');
  using account = new Account(alpha.url);
  await account.signIn('uma', PASSWORD);
  await account.changePassword(PASSWORD, fresh);
  await until(() => !other.isListening, 'events of the other session end');
  expect((await account.rename('Uma Thorn')).name).toBe('Uma Thorn');
  expect(account.store.state).toMatchObject({ phase: 'signedIn', user: { name: 'Uma Thorn' } });
  await expect(account.remove(PASSWORD)).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
  await account.remove(fresh);
  expect(account.store.state).toEqual({ phase: 'signedOut' });
  await expect(account.signIn('uma', fresh)).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
});

describe('connections over HTTP', () => {
  test('both see each step, and whoever is blocked starts nothing with who blocks', async () => {
    const [vera, wanda] = [await newcomer('vera'), await newcomer('wanda')];
    const act = (person: Person, peer: Person, operation: string) =>
      ask(alpha.url, 'POST', 'connections', Connection, {
        body: { user: peer.id, operation },
        accessToken: person.session.accessToken,
      });
    await act(vera, wanda, 'request');
    expect((await wanda.hear('connection')).connection).toMatchObject({ user: vera.id, state: 'received' });
    await act(wanda, vera, 'accept');
    const states = (person: Person) =>
      person.events.flatMap((event) => (event.type === 'connection' ? [event.connection.state] : []));
    await until(() => states(vera).length === 2, 'vera is told');
    expect(states(vera)).toEqual(['sent', 'connected']);
    const { connections } = await ask(alpha.url, 'GET', 'connections', Connections, {
      accessToken: vera.session.accessToken,
    });
    expect(connections).toMatchObject([{ user: wanda.id, name: 'wanda', state: 'connected' }]);

    await act(wanda, vera, 'block');
    await expect(vera.create('Ropes', wanda.id)).rejects.toMatchObject({ status: 403, code: 'HOME_NOT_CONNECTED' });
    const { conversation } = await vera.create('Ropes');
    await expect(vera.addMember(conversation, wanda.id)).rejects.toMatchObject({ code: 'HOME_NOT_CONNECTED' });
    await act(wanda, vera, 'unblock');
    await vera.addMember(conversation, wanda.id);
    vera.close();
    wanda.close();
  });

  test('the SDK keeps the list current, by what it is told and after a reconnection', async () => {
    const [one, other] = [await newcomer('zelda'), await newcomer('zora')];
    const accounts = [new Account(alpha.url), new Account(alpha.url)] as const;
    await accounts[0].signIn('zelda', PASSWORD);
    await accounts[1].signIn('zora', PASSWORD);
    const homes = accounts.map((account) => new Home({ account })) as [Home, Home];
    const zelda = new MyConnections(accounts[0], homes[0]);
    const zora = new MyConnections(accounts[1], homes[1]);
    await Promise.all(homes.map((home) => home.store.when(({ connected }) => connected)));
    expect(await zelda.act(other.id, 'request')).toMatchObject({ state: 'sent' });
    await zora.store.when((list) => list[0]?.state === 'received');
    await zora.act(one.id, 'accept');
    await zelda.store.when((list) => list[0]?.state === 'connected');
    await zora.act(one.id, 'cancel');
    await zelda.store.when((list) => list[0]?.state === 'sent');
    const later = new MyConnections(accounts[0], homes[0]);
    await later.store.when((list) => list[0]?.user === other.id);
    await zelda.act(other.id, 'cancel');
    await zora.store.when((list) => list.length === 0);
    for (const each of [zelda, zora, later, ...homes, ...accounts]) each[Symbol.dispose]();
    one.close();
    other.close();
  });

  test('somebody who is blocked is not added, also to a conversation with another domain', async () => {
    const [, beta] = world.organisations as [Organisation, Organisation];
    const [xena, yara] = [await newcomer('xena'), await newcomer('yara')];
    const bob = await beta.person('bob');
    const { conversation } = await xena.create('Ropes', bob.id);
    await ask(alpha.url, 'POST', 'connections', Connection, {
      body: { user: yara.id, operation: 'block' },
      accessToken: xena.session.accessToken,
    });
    await expect(xena.addMember(conversation, yara.id)).rejects.toMatchObject({ code: 'HOME_NOT_CONNECTED' });
    xena.close();
    yara.close();
  });
});

describe('bad requests', () => {
  beforeEach(() => {
    alpha.logged.length = 0;
  });
  const post = (path: string, body: string) =>
    fetch(`${alpha.url}${API}/${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const wish = { email: 'zoe@mail.example', handle: 'zoe', name: 'Zoe', password: PASSWORD };

  test.each<[string, string, object, number, string]>([
    ['no e-mail address', 'registrations', { ...wish, email: 'zoe' }, 400, 'HOME_BAD_REQUEST'],
    ['a line break in it', 'registrations', { ...wish, email: 'z@b.cd\r\nBcc: x@y.zz' }, 400, 'HOME_BAD_REQUEST'],
    ['a short password', 'registrations', { ...wish, password: 'short' }, 400, 'HOME_BAD_REQUEST'],
    ['an unknown member', 'registrations', { ...wish, kind: 'service' }, 400, 'HOME_BAD_REQUEST'],
    ['no work', 'registrations', wish, 403, 'HOME_WORK_REFUSED'],
    ['an unknown id', `registrations/${'A'.repeat(22)}/confirmation`, { code: '123456' }, 410, 'HOME_CODE_OVER'],
    ['a code that is none', `registrations/${'A'.repeat(22)}/confirmation`, { code: '12345' }, 400, 'HOME_BAD_REQUEST'],
    ['an id that is none', 'registrations/x/confirmation', { code: '123456' }, 400, 'HOME_BAD_REQUEST'],
    ['no session', 'password', { current: PASSWORD, password: fresh }, 401, 'HOME_UNAUTHENTICATED'],
    ['no session', 'me/removal', { password: PASSWORD }, 401, 'HOME_UNAUTHENTICATED'],
    ['no session', 'me/name', { name: 'Zoe' }, 401, 'HOME_UNAUTHENTICATED'],
    ['no session', 'invitations', {}, 401, 'HOME_UNAUTHENTICATED'],
    ['no session', 'connections', { user: 'mimi://a.b/u/c', operation: 'block' }, 401, 'HOME_UNAUTHENTICATED'],
    ['an unknown operation', 'connections', { user: 'mimi://a.b/u/c', operation: 'x' }, 400, 'HOME_BAD_REQUEST'],
  ])('%s (%s)', async (_what, path, body, status, code) => {
    const response = await post(path, JSON.stringify(body));
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
  });

  test('whatever JSON is sent: a coded refusal, never a fault', async () => {
    const routes = [
      'registration/challenges',
      'registrations',
      `registrations/${'A'.repeat(22)}/confirmation`,
      'password',
      'password/resets',
      `password/resets/${'A'.repeat(22)}/confirmation`,
      'me/name',
      'me/removal',
      'invitations',
      'connections',
    ];
    const value = fc.jsonValue({ maxDepth: 3 }).filter((each) => JSON.stringify(each) !== '{}');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), value, async (route, body) => {
        const response = await post(route, JSON.stringify(body));
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect((await response.json()) as object).toMatchObject({ code: expect.stringMatching(/^(HOME|SIG)_/) });
      }),
      { numRuns: 150 },
    );
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
  });
});

describe('the administrator’s port', () => {
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${alpha.admin}/admin/v1/${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  };

  test('lists, invites, sets passwords and removes', async () => {
    const admin = { handle: 'abby', name: 'Abby', password: PASSWORD, email: 'abby@mail.example' };
    expect((await call('POST', 'accounts', admin)).status).toBe(201);
    expect(await call('POST', 'accounts', { ...admin, handle: 'abby2' })).toMatchObject({
      status: 409,
      body: { code: 'HOME_EMAIL_TAKEN' },
    });
    const { accounts } = (await call('GET', 'accounts')).body as { accounts: { handle: string }[] };
    expect(accounts).toContainEqual({
      handle: 'abby',
      name: 'Abby',
      email: 'abby@mail.example',
      kind: 'person',
      createdAt: expect.any(Number),
      administrator: false,
    });
    expect((await call('GET', 'accounts?after=zzz')).body).toEqual({ accounts: [] });
    const invited = await call('POST', 'invitations', { email: 'gast@mail.example' });
    expect(invited).toMatchObject({ status: 201, body: { invitation: expect.any(String) } });
    expect((await catcher.mailTo('gast@mail.example')).text).toContain(invited.body.invitation);
    const person = await Person.signIn(alpha.url, 'abby', PASSWORD);
    expect((await call('POST', 'accounts/abby/password', { password: fresh })).status).toBe(204);
    await until(() => !person.isListening, 'events end');
    expect((await call('DELETE', 'accounts/abby')).status).toBe(204);
    expect(await call('DELETE', 'accounts/abby')).toMatchObject({ status: 404, body: { code: 'HOME_NOT_FOUND' } });
    expect(await call('DELETE', 'accounts/a%2F..')).toMatchObject({ status: 400 });
  });
});
