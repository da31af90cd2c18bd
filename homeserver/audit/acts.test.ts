/** Every act of an administrator is a line of the log, and one that is refused is none. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Catcher } from '../testing/catcher.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { AuditKind, AuditLine } from './chain.ts';

let world: World;
let alpha: Organisation;
let catcher: Catcher;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  const { registration } = alpha.site.homeserver;
  Object.assign(registration, { mode: 'invitation' });
  // Invitations go out by e-mail, or nobody can be invited.
  catcher = await Catcher.listen();
  Object.assign(alpha.site.homeserver, { mail: { url: catcher.url, from: 'hawser@alpha.example' } });
  await alpha.start();
}, 60_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await catcher.close();
});

const lines = async (): Promise<AuditLine[]> => {
  const response = await fetch(`${alpha.admin}/admin/v1/audit?last=200`);
  return ((await response.json()) as { lines: AuditLine[] }).lines;
};
async function act(method: string, path: string, body?: object): Promise<number> {
  const response = await fetch(`${alpha.admin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return response.status;
}

const carol = { handle: 'carol', name: 'Carol', password: 'a long enough password' };
/** In this order, with the route as the server has it. */
const ACTS: readonly (readonly [route: string, path: string, body: object | undefined, kinds: readonly AuditKind[]])[] =
  [
    [
      'POST /admin/v1/accounts',
      '/admin/v1/accounts',
      { ...carol, administrator: true },
      ['account-added', 'admin-granted'],
    ],
    [
      'PUT /admin/v1/accounts/:handle/administrator',
      '/carol/administrator',
      { administrator: false },
      ['admin-revoked'],
    ],
    [
      'PUT /admin/v1/accounts/:handle/administrator',
      '/carol/administrator',
      { administrator: true },
      ['admin-granted'],
    ],
    ['POST /admin/v1/accounts/:handle/password', '/carol/password', { password: 'another password' }, ['password-set']],
    ['POST /admin/v1/invitations', '/admin/v1/invitations', {}, ['invited']],
    ['DELETE /admin/v1/accounts/:handle', '/carol', undefined, ['account-removed']],
  ];
/** Tested where the keys of a domain are: cli/peers/keys.test.ts. */
const ELSEWHERE = ['POST /admin/v1/peers/:domain/accept-keys'];
/** No account, domain or call is touched by it; the log says itself that it changes. */
const NO_ACT = ['PUT /admin/v1/log-level'];

test.each(ACTS)('%s', async (route, path, body, kinds) => {
  const before = (await lines()).length;
  const whole = path.startsWith('/admin') ? path : `/admin/v1/accounts${path}`;
  expect(await act(route.split(' ')[0] ?? '', whole, body)).toBeLessThan(300);
  const added = (await lines()).slice(before);
  expect(added.map(({ kind }) => kind)).toEqual(kinds);
  expect(JSON.stringify(added)).not.toMatch(/carol/i);
});

test('an act that was refused is no line', async () => {
  const before = (await lines()).length;
  const nobody = '/admin/v1/accounts/nobody';
  expect(await act('DELETE', nobody)).toBe(404);
  expect(await act('PUT', `${nobody}/administrator`, { administrator: true })).toBe(404);
  expect(await act('POST', `${nobody}/password`, { password: 'another password' })).toBe(404);
  expect((await lines()).length).toBe(before);
});

test('there are no other acts at the door of the administrator', async () => {
  const source = await readFile(join(import.meta.dirname, '../http/admin.ts'), 'utf8');
  const routes = [...source.matchAll(/app\.(post|put|patch|delete)\(\s*'([^']+)'/g)].map(
    ([, method = '', path]) => `${method.toUpperCase()} ${path}`,
  );
  expect(routes.toSorted()).toEqual(
    [...new Set([...ACTS.map(([route]) => route), ...ELSEWHERE, ...NO_ACT])].toSorted(),
  );
});
