import { expect, test } from 'vitest';
import { API } from '#signalling/client-home.ts';
import { type Organisation, organise } from '../../testing/organisation.ts';

/** One more than somebody may be wrong at once. */
const ATTEMPTS = 6;

test('people behind a reverse proxy that is named have an address each, and behind another one they share its own', async () => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations as [Organisation];
  const { client } = alpha.site.homeserver;
  let tried = 0;
  const codesOf = async (addressOf: (attempt: number) => string) => {
    const codes: unknown[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const response = await fetch(`${alpha.url}${API}/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': addressOf(attempt) },
        body: JSON.stringify({ handle: `nobody${tried++}`, password: 'wrong horse' }),
      });
      codes.push(((await response.json()) as { code: unknown }).code);
    }
    return codes;
  };
  const wrong = Array.from({ length: ATTEMPTS }, () => 'HOME_WRONG_CREDENTIALS');
  const slowed = [...wrong.slice(1), 'HOME_SLOW_DOWN'];
  const withProxies = async (...proxies: string[]) => {
    await alpha.stop();
    client.proxies = proxies;
    await alpha.start();
  };

  await withProxies('127.0.0.0/8');
  expect(await codesOf((attempt) => `203.0.113.${attempt}`)).toEqual(wrong);
  expect(await codesOf(() => '203.0.113.99')).toEqual(slowed);
  // Through two that are named; and what a client writes there himself stands before his own address.
  await withProxies('127.0.0.0/8', '10.0.0.0/8');
  expect(await codesOf((attempt) => `198.51.100.${attempt}, 203.0.113.7, 10.0.0.5`)).toEqual(slowed);
  await withProxies('10.0.0.0/8');
  expect(await codesOf((attempt) => `203.0.113.${attempt}`)).toEqual(slowed);
}, 60_000);
