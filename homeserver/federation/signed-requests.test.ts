import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromBase64Url } from '#signalling/base64.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld } from '../testing/world.ts';
import { digestOf, isSignedBy, publicKeyOf, readClaims, type SignatureHeaders, signRequest } from './signature.ts';
import { isSigned, SignedRequests } from './signed-requests.ts';
import { SigningKeys } from './signing-keys.ts';

const [alpha, beta, gamma] = [domain('alpha.example'), domain('beta.example'), domain('gamma.example')];
const SECRET = Buffer.alloc(32, 7);
const DAY = 24 * 3_600_000;
const path = '/federation/v2/feed/alpha.example';
const body = '{"order":"o"}';

let store: Store;
let world: TestWorld;
let keys: SigningKeys;

beforeEach(async () => {
  [store, world] = [await openTestStore(), testWorld()];
  keys = await SigningKeys.open({ store, secret: SECRET, world });
});
afterEach(() => store.close());

const published = async (_: DomainName, id: string) => {
  const found = keys.published.find((each) => each.id === id);
  return found && fromBase64Url(found.key);
};
const door = (signingKey: ConstructorParameters<typeof SignedRequests>[0]['signingKey'] = published) =>
  new SignedRequests({ domain: alpha, now: world.now, signingKey });
const signed = (to = alpha, from = beta): SignatureHeaders =>
  signRequest({ method: 'POST', path, digest: digestOf(body), from, to }, keys.signer, world.now());

interface Sent {
  readonly headers?: object;
  readonly url?: string;
  readonly method?: string;
  readonly text?: string;
}
async function judge({ headers = signed(), url = path, method = 'POST', text = body }: Sent, at = door()) {
  try {
    const claims = at.begin(beta, url, { ...headers });
    await at.finish(claims, { method, path: url, digest: digestOf(text) });
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

test('what a domain signed is taken, also by clocks that differ by hours', async () => {
  const headers = signed();
  expect(await judge({ headers })).toBe('ok');
  world.advance(DAY / 2);
  expect(await judge({ headers })).toBe('ok');
  world.advance(-DAY);
  expect(await judge({ headers })).toBe('ok');
});

test('only calls of version 2 are signed, and not the one that fetches keys', () => {
  expect([isSigned('feed'), isSigned('notify'), isSigned('keys'), isSigned('versions')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

describe('what is refused', () => {
  test('another body, path, method or a query', async () => {
    expect(await judge({ text: `${body} ` })).toBe('FED_SIGNATURE');
    expect(await judge({ url: path.replace('feed', 'submitMessage') })).toBe('FED_SIGNATURE');
    expect(await judge({ url: `${path}?` })).toBe('FED_SIGNATURE');
    expect(await judge({ method: 'GET' })).toBe('FED_SIGNATURE');
  });

  test('what is signed by nobody, or in the name of another domain', async () => {
    expect(await judge({ headers: {} })).toBe('FED_SIGNATURE');
    expect(await judge({ headers: signed(alpha, gamma) })).toBe('FED_SIGNATURE');
    expect(await judge({ headers: { ...signed(alpha, gamma), 'hawser-from': beta } })).toBe('FED_SIGNATURE');
  });

  test('what is meant for another domain', async () => {
    expect(await judge({ headers: signed(gamma) })).toBe('FED_WRONG_DESTINATION');
    expect(await judge({ headers: { ...signed(gamma), 'hawser-to': alpha } })).toBe('FED_SIGNATURE');
  });

  test('what is older than a day, or of tomorrow', async () => {
    const headers = signed();
    world.advance(DAY + 1_000);
    expect(await judge({ headers })).toBe('FED_CLOCK');
    const later = signed();
    world.advance(-DAY - 2_000);
    expect(await judge({ headers: later })).toBe('FED_CLOCK');
    const moved = headers['signature-input'].replace(/created=\d+/, `created=${Math.floor(world.now() / 1_000) + 5}`);
    expect(await judge({ headers: { ...headers, 'signature-input': moved } })).toBe('FED_SIGNATURE');
  });

  test('a key that is not known, and one that is no key', async () => {
    expect(
      await judge(
        {},
        door(async () => undefined),
      ),
    ).toBe('FED_SIGNATURE');
    expect(
      await judge(
        {},
        door(async () => new Uint8Array(31)),
      ),
    ).toBe('FED_SIGNATURE');
    expect(
      await judge(
        {},
        door(async () => new Uint8Array(32)),
      ),
    ).toBe('FED_SIGNATURE');
  });

  test('whatever the headers are', () => {
    const names = fc.constantFrom('hawser-from', 'hawser-to', 'content-digest', 'signature-input', 'signature');
    const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(undefined), fc.constant('hawser=::'));
    fc.assert(
      fc.property(names, noise, (name, value) => {
        const claims = readClaims({ ...signed(), [name]: value });
        return claims === undefined || signed()[name] === value;
      }),
    );
  });
});

describe('the own keys', () => {
  test('are the same after a start, and others under another secret', async () => {
    const again = await SigningKeys.open({ store, secret: SECRET, world });
    expect(again.published).toEqual(keys.published);
    const other = await SigningKeys.open({ store, secret: Buffer.alloc(32, 8), world });
    expect(other.published).toHaveLength(1);
    expect(other.published).not.toEqual(keys.published);
  });

  test('do not stand in the database', async () => {
    const { value } = await store.db
      .selectFrom('properties')
      .select('value')
      .where('name', '=', 'signing')
      .executeTakeFirstOrThrow();
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain('privateKey');
  });

  test('are changed every 90 days, and the old one is good for a week more', async () => {
    const [first] = keys.published;
    world.advance(90 * DAY);
    const headers = signed();
    await keys.sweep();
    expect(keys.published).toHaveLength(2);
    expect(keys.published[1]).toEqual(first);
    expect(keys.signer.id).not.toBe(first?.id);
    expect(await judge({ headers })).toBe('ok');
    expect(await judge({})).toBe('ok');
    world.advance(7 * DAY);
    await keys.sweep();
    expect(keys.published.map(({ id }) => id)).toEqual([keys.signer.id]);
  });
});

test('the example of the reference is a right one', async () => {
  const page = await readFile(new URL('../../docs/reference/federation-protocol.md', import.meta.url), 'utf8');
  const [, method = '', at = '', head = '', text = ''] =
    /^ {4}([A-Z]+) (\S+) HTTP\/1\.1\n((?: {4}\S.*\n)+)\n {4}(\{.*\})$/m.exec(page) ?? [];
  const headers = Object.fromEntries(
    [...head.matchAll(/^ {4}([\w-]+): (.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  const claims = readClaims(headers);
  const key = publicKeyOf(fromBase64Url(/TEST 1 \(`([\w-]{43})`\)/.exec(page)?.[1] ?? '') ?? new Uint8Array());
  if (!claims || !key) throw new Error('there is no example');
  expect(claims.digest).toBe(digestOf(text));
  expect(isSignedBy(key, { method, path: at }, claims)).toBe(true);
  expect(isSignedBy(key, { method, path: `${at}x` }, claims)).toBe(false);
});
