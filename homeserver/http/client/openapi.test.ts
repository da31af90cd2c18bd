/** The reference of the client's API: whole, true, and the same as the one that is checked in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API } from '#signalling/client-home.ts';
import { type Organisation, organise, type World } from '../../testing/organisation.ts';

interface Operation {
  readonly summary?: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}
interface Reference {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let world: World;
let alpha: Organisation;
let reference: Reference;
let operations: { name: string; method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  reference = (await (await fetch(`${alpha.url}${API}/openapi.json`)).json()) as Reference;
  operations = Object.entries(reference.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...{ name: `${method} ${path}`, method: method.toUpperCase() },
      ...{ path, operation },
    })),
  );
});
afterAll(() => world[Symbol.asyncDispose]());

test('it is the one that is checked in', async () => {
  await expect(`${JSON.stringify(reference, undefined, 2)}\n`).toMatchFileSnapshot(
    '../../../docs/reference/openapi.json',
  );
});

test('it is for everybody, and may be kept', async () => {
  const response = await fetch(`${alpha.url}${API}/openapi.json`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
  expect(response.headers.get('content-type')).toContain('application/json');
});

describe('each route of the client API', () => {
  test('is in it', async () => {
    const registrations = new Set<string>();
    for (const file of await readdir(import.meta.dirname)) {
      if (file.endsWith('.test.ts')) continue;
      const source = await readFile(join(import.meta.dirname, file), 'utf8');
      for (const [, method] of source.matchAll(/\b(?:app|scope)\.(get|post|put|patch|delete)\(/g)) {
        registrations.add(`${method} ${file} ${registrations.size}`);
      }
    }
    // The reference itself is the one that it leaves out.
    expect(operations.length).toBe(registrations.size - 1);
  });

  test('says what it is for, what it answers, and with which codes it refuses', () => {
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toMatch(/\.$/);
      const statuses = Object.keys(operation.responses);
      expect(statuses.filter((status) => status.startsWith('2')).length, name).toBe(1);
      if (operation.security.length > 0)
        expect(operation.responses['401']?.description, name).toContain('HOME_UNAUTHENTICATED');
      expect(JSON.stringify(operation.responses), name).not.toContain('Default Response');
    }
  });

  test('wants the token that it says it wants, and no other does', async () => {
    const filled = (path: string) =>
      path
        .replace('{conversation}', encodeURIComponent('mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA'))
        .replace('{user}', encodeURIComponent('mimi://alpha.example/u/bob'))
        .replace('{asset}', encodeURIComponent('mimi://alpha.example/a/AAAAAAAAAAAAAAAAAAAAAA'))
        .replace('{device}', encodeURIComponent('mimi://alpha.example/u/alice/d/laptop'))
        .replace('{domain}', 'alpha.example')
        .replace('{epoch}', '1')
        .replace('{id}', path.includes('invitations') ? 'A'.repeat(16) : 'A'.repeat(22));
    const query = (operation: Operation) =>
      (operation.parameters ?? []).some((parameter) => parameter.in === 'query')
        ? `?${operation.parameters?.filter((one) => one.in === 'query').map(({ name }) => `${name}=0`)}`
        : '';
    for (const { name, method, path, operation } of operations) {
      if (operation.requestBody) continue;
      const { status } = await fetch(`${alpha.url}${API}${filled(path)}${query(operation)}`, { method });
      if (operation.security.length > 0) expect(status, name).toBe(401);
      else expect(status, name).toBeLessThan(400);
    }
  });
});

test('shapes that are named are referred to, and each reference leads somewhere', () => {
  const text = JSON.stringify(reference);
  const referred = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
  expect(referred.size).toBeGreaterThan(10);
  for (const name of referred) expect(reference.components.schemas).toHaveProperty([name ?? '']);
});
