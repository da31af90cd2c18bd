import { generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import type { ConferenceId, ConversationId } from '#signalling/ids.ts';
import { checkGrant } from '#signalling/ticket.ts';
import { created } from '../ds/conversation.ts';
import { domain, testWorld, user } from '../testing/world.ts';
import { GRANT_SECONDS, Grants, issueGrant } from './grants.ts';
import { pseudonymOf } from './pseudonym.ts';

const [alpha, beta, gamma] = [domain('alpha.example'), domain('beta.example'), domain('gamma.example')];
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;
const world = testWorld();
const { privateKey: key, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
const office = { domain: alpha, key, link: 'wss://127.0.0.1:1/link/v1', world };
const quiet = created({
  conversation,
  title: 'Ropes',
  creator: { user: user('@alice@alpha.example'), name: 'Alice' },
  others: ['@bob@beta.example', '@carol@gamma.example'].map((address) => ({ user: user(address), name: 'X' })),
});
const state = {
  ...quiet,
  call: { conference, anchor: alpha, startedBy: user('@alice@alpha.example'), startedAt: 0, members: [] },
};

test('a grant lets one domain’s SFT into one conference of the anchor', async () => {
  const { grant, link, expiresAt } = await issueGrant(office, state, conference, beta);
  const claims = await checkGrant(grant, {
    issuer: alpha,
    audience: 'sft.alpha.example',
    key: publicKey,
    now: world.now(),
  });
  expect(claims).toMatchObject({ conference, domain: beta, domains: [alpha, gamma] });
  expect(link).toBe(office.link);
  expect(expiresAt).toBe(world.now() + GRANT_SECONDS * 1000);
});

test('none for strangers, for other conferences, after the end, or by another anchor', async () => {
  const issue = (of: typeof state | typeof quiet | undefined, to = beta, which = conference) =>
    issueGrant(office, of, which, to);
  await expect(issue(state, domain('mallory.example'))).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await expect(issue(undefined)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await expect(issue(quiet)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
  await expect(issue(state, beta, 'd'.repeat(22) as ConferenceId)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
  const elsewhere = { ...state, call: { ...state.call, anchor: beta } };
  await expect(issue(elsewhere, gamma)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
});

test('is fetched once, however many ask, and again shortly before it ends', async () => {
  const time = testWorld();
  let fetched = 0;
  const grants = new Grants(async () => {
    fetched += 1;
    return { grant: `${fetched}`, link: 'wss://x', expiresAt: time.now() + 600_000 };
  }, time);
  const wish = { conference, conversation, anchor: alpha };
  grants.prefetch(wish);
  await Promise.all([grants.get(wish), grants.get(wish)]);
  expect(fetched).toBe(1);
  time.advance(539_000);
  expect((await grants.get(wish)).grant).toBe('1');
  time.advance(2_000);
  expect((await grants.get(wish)).grant).toBe('2');
});

test('a failure is not kept', async () => {
  let fails = true;
  const grants = new Grants(async () => {
    if (fails) throw new Error('down');
    return { grant: 'g', link: 'wss://x', expiresAt: Number.MAX_SAFE_INTEGER };
  }, world);
  const wish = { conference, conversation, anchor: alpha };
  grants.prefetch(wish);
  await expect(grants.get(wish)).rejects.toThrow('down');
  fails = false;
  expect((await grants.get(wish)).grant).toBe('g');
});

test('pseudonyms differ by person, by stay and by call, and are 128 bits long', () => {
  const nonces = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)] as const;
  const secret = Buffer.alloc(32, 3).toString('base64url');
  const other = Buffer.alloc(32, 4).toString('base64url');
  const bob = user('@bob@beta.example');
  const all = [
    pseudonymOf(secret, bob, nonces[0]),
    pseudonymOf(secret, bob, nonces[1]),
    pseudonymOf(other, bob, nonces[0]),
    pseudonymOf(secret, user('@anna@beta.example'), nonces[0]),
  ];
  expect(new Set(all).size).toBe(4);
  for (const pseudonym of all) expect(pseudonym).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(pseudonymOf(secret, bob, nonces[0])).toBe(all[0]);
});
