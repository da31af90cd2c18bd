/** What administrators decide on the page, with real homeservers on both sides. */
import { readFile, writeFile } from 'node:fs/promises';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PeerReports } from '#signalling/administration.ts';
import { API, type Problem } from '#signalling/client-home.ts';
import { until } from '#signalling/testing-until.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { Person } from '../../testing/person.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Person;
let root: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  alice = await alpha.person('alice', 'Alice');
  await alpha.homeserver.createAccount({ handle: 'root', name: 'Root', password: PASSWORD, administrator: true });
  root = await Person.signIn(alpha.url, 'root', PASSWORD);
  await beta.person('bob', 'Bob');
  await until(async () => (await peers('GET', ''))[0]?.state === 'allowed', 'beta is found to be up');
});
afterAll(async () => {
  root.close();
  await world[Symbol.asyncDispose]();
});

async function ask(method: string, path: string, body?: object, as = root): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${alpha.url}${API}/admin/peers${path}`, {
    method,
    headers: {
      authorization: `Bearer ${as.session.accessToken}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
async function peers(...asked: Parameters<typeof ask>) {
  const { body } = await ask(...asked);
  return Value.Parse(PeerReports, body).peers.filter(({ listed }) => listed);
}
/** Nothing is left to be done about domains that were blocked or struck. */
const parted = () =>
  until(async () => {
    const { body } = await ask('GET', '');
    return Value.Parse(PeerReports, body).peers.every(({ state }) => state !== 'parting');
  }, 'parted');
const codeOf = async (...asked: Parameters<typeof ask>) => ((await ask(...asked)).body as Problem).code;
/** Blocked, and at first its people are being taken out. */
const GONE = /^(parting|blocked)$/;
const bodyFor = (method: string, path: string) =>
  path.endsWith('/accept-keys') ? { fingerprints: ['AA'] } : method === 'PUT' ? {} : undefined;
const find = () => alice.find('@bob@beta.example').then(({ name }) => name);

test('is for administrators alone, and not any more once the role is gone', async () => {
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', '/beta.example'],
    ['POST', '/beta.example/block'],
    ['DELETE', '/beta.example'],
    ['POST', '/beta.example/accept-keys'],
  ] as const) {
    expect(await ask(method, path, bodyFor(method, path), alice)).toMatchObject({
      status: 403,
      body: { code: 'HOME_FORBIDDEN' },
    });
  }
  expect(await peers('GET', '')).toMatchObject([{ domain: 'beta.example', state: 'allowed' }]);
  const role = (administrator: boolean) =>
    fetch(`${alpha.admin}/admin/v1/accounts/root/administrator`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ administrator }),
    });
  await role(false);
  expect(await codeOf('GET', '')).toBe('HOME_FORBIDDEN');
  await role(true);
});

test('blocks, allows and strikes a domain: in effect when it is answered, comments kept, each act noted', async () => {
  const text = await readFile(alpha.site.peers, 'utf8');
  await writeFile(alpha.site.peers, `# who is who\n${text}`);
  expect(await find()).toBe('Bob');
  expect(await peers('POST', '/beta.example/block')).toMatchObject([{ state: expect.stringMatching(GONE) }]);
  await expect(find()).rejects.toMatchObject({ code: 'FED_NOT_ALLOWED' });
  await until(async () => (await peers('GET', ''))[0]?.state === 'blocked', 'the homeserver has parted with it');
  // What it needs is still there.
  expect(await peers('PUT', '/beta.example', {})).toMatchObject([{ state: 'allowed' }]);
  expect(await find()).toBe('Bob');
  expect(await readFile(alpha.site.peers, 'utf8')).toContain('# who is who');

  expect(await peers('DELETE', '/beta.example')).toEqual([]);
  await expect(find()).rejects.toMatchObject({ code: 'FED_NOT_ALLOWED' });
  await parted();
  expect(await codeOf('PUT', '/beta.example', {})).toBe('HOME_PEER_AUTHORITY');
  const authority = await readFile(beta.certificates.authority, 'utf8');
  const key = await readFile(beta.certificates.homeserver.key, 'utf8');
  const homeserver = beta.site.homeserver.federation.address;
  const wish = { authority: `${key}${authority}`, homeserver, mediaPrefixes: ['203.0.113.0/24'] };
  const [made] = await peers('PUT', '/beta.example', wish);
  expect(made).toMatchObject({ homeserver, mediaPrefixes: ['203.0.113.0/24'] });
  // Where it is allowed before all is done that follows from its removal, that comes first.
  expect(await until(() => find().catch(() => undefined), 'it is spoken with again')).toBe('Bob');
  expect(await readFile(alpha.site.peers, 'utf8')).not.toContain('PRIVATE KEY');

  const acts = alpha.logged
    .map((line) => JSON.parse(line) as { act?: string; by?: string; domain?: string; fingerprints?: string[] })
    .filter(({ act }) => act !== undefined);
  expect(acts.map(({ act }) => act)).toEqual(['block', 'allow', 'remove', 'allow']);
  expect(new Set(acts.map(({ by, domain }) => `${by} ${domain}`))).toEqual(new Set([`${root.id} beta.example`]));
  expect(acts.at(-1)?.fingerprints).toEqual(made?.authorities.map(({ fingerprint }) => fingerprint));
});

test('limits a domain, and takes the limit away', async () => {
  const limits = { sendMbit: 20, participants: 30 };
  expect(await peers('PUT', '/beta.example', { limits })).toMatchObject([{ state: 'limited', limits }]);
  const fewer = { sendMbit: null, participants: null };
  expect(await peers('PUT', '/beta.example', { limits: fewer })).toMatchObject([{ state: 'allowed', limits: {} }]);
});

test('says what a domain may do', async () => {
  const may = { messages: true, calls: false, search: 'none' };
  expect(await peers('PUT', '/beta.example', { may: { calls: false, search: 'none' } })).toMatchObject([{ may }]);
  expect(await readFile(alpha.site.peers, 'utf8')).toMatch(/calls: false/);
  const again = { may: { calls: true, search: 'exact' } };
  expect(await peers('PUT', '/beta.example', again)).toMatchObject([
    { state: 'allowed', may: { messages: true, calls: true, search: 'exact' } },
  ]);
  expect(await codeOf('PUT', '/beta.example', { may: { search: 'all' } })).toBe('HOME_BAD_REQUEST');
});

test('confirms no keys that do not wait', async () => {
  expect(await codeOf('POST', '/beta.example/accept-keys', { fingerprints: ['AA'] })).toBe('HOME_NOT_FOUND');
});

test('changes nothing where the list would be none, and says why', async () => {
  const before = await readFile(alpha.site.peers, 'utf8');
  const server = await readFile(beta.certificates.homeserver.certificate, 'utf8');
  expect(await codeOf('PUT', '/beta.example', { authority: 'no PEM' })).toBe('HOME_PEER_AUTHORITY');
  expect(await codeOf('PUT', '/beta.example', { authority: server })).toBe('HOME_PEER_AUTHORITY');
  expect(await codeOf('PUT', '/beta.example', { authority: '/etc/passwd' })).toBe('HOME_PEER_AUTHORITY');
  expect(await codeOf('PUT', '/beta.example', { mediaPrefixes: ['203.0.113.0/99'] })).toBe('HOME_PEER_ENTRY');
  expect(await codeOf('PUT', '/beta.example', { homeserver: 'nowhere' })).toBe('HOME_PEER_ENTRY');
  expect(await codeOf('PUT', '/beta.example', { limits: { sources: 2.5 } })).toBe('HOME_PEER_ENTRY');
  expect(await codeOf('PUT', '/alpha.example', {})).toBe('HOME_PEER_ENTRY');
  expect(await codeOf('PUT', '/10.0.0.1', {})).toBe('HOME_BAD_REQUEST');
  expect(await codeOf('POST', '/gamma.example/block')).toBe('HOME_NOT_FOUND');
  await writeFile(`${alpha.site.peers}.lock`, '');
  expect(await codeOf('POST', '/beta.example/block')).toBe('HOME_PEERS_BUSY');
  expect(await readFile(alpha.site.peers, 'utf8')).toBe(before);
});
