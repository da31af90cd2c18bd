import { createHmac } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Site } from '#site/schema.ts';
import type { TurnOptions } from '#site/turn.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { Organisation } from '../testing/organisation.ts';
import { testSite } from '../testing/site.ts';
import { testDatabase, testWorld, until } from '../testing/world.ts';
import { openRelays, type RelayOffice } from './relays.ts';

const HOUR_MS = 3_600_000;
const [first, second] = ['the-first-secret-of-this-test', 'the-second-secret-of-this-test'];
const folder = temporaryFolder();
const secrets = join(folder, 'turn');
const key = Buffer.alloc(32, 7);
const turn: TurnOptions = {
  hosts: [{ name: 'turn.alpha.example', listenIp: '203.0.113.8' }],
  ...{ secrets, port: 3_478, tlsPort: 443, ports: { from: 49_152, to: 50_175 } },
  ...{ certificate: '/etc/coturn/fullchain.pem', key: '/etc/coturn/privkey.pem', database: '/var/lib/turn/turndb' },
};

const put = (text: string) => writeFile(secrets, text, { mode: 0o600 });
/** As coturn checks it, with `use-auth-secret`: by the name that was sent alone. */
const passwordOf = (secret: string, username: string) => createHmac('sha1', secret).update(username).digest('base64');

let world: ReturnType<typeof testWorld>;
let relays: RelayOffice | undefined;
let troubles: string[];
let site: Site;

beforeAll(async () => {
  site = { ...(await testSite(await makeTestDomain(folder, 'alpha.example'))), turn };
});
beforeEach(async () => {
  [world, troubles] = [testWorld(), []];
  await put(`${first}\n`);
});
afterEach(() => {
  relays?.close();
  relays = undefined;
});

const open = async (of: Site = site) => {
  relays = await openRelays(of, key, world, (sentence) => troubles.push(sentence));
  return relays;
};
function offerTo(who: string) {
  const offer = relays?.offer(who);
  if (!offer) throw new Error('no offer');
  return offer;
}

describe('what a device is offered', () => {
  beforeEach(() => open());

  it('is every TURN host by UDP and by TLS, with a credential that coturn checks by itself', async () => {
    const { urls, username, credential } = offerTo('device');
    expect(urls).toEqual(['turn:turn.alpha.example:3478?transport=udp', 'turns:turn.alpha.example:443?transport=tcp']);
    expect(credential).toBe(passwordOf(first, username));
    const [end = '', pseudonym] = username.split(':');
    expect(Number(end) * 1_000).toBeGreaterThanOrEqual(world.now() + HOUR_MS);
    expect(Number(end) * 1_000).toBeLessThanOrEqual(world.now() + 2 * HOUR_MS);
    expect(pseudonym).toMatch(/^[\w-]{22}$/);
  });

  it('stays the same within an hour, and is another one of the same pseudonym in the next', async () => {
    world.advance(HOUR_MS - (world.now() % HOUR_MS));
    const begin = offerTo('device');
    world.advance(HOUR_MS - 1);
    expect(offerTo('device')).toEqual(begin);
    world.advance(1);
    const next = offerTo('device');
    expect(next.username).not.toBe(begin.username);
    expect(next.credential).not.toBe(begin.credential);
    expect(next.username.split(':')[1]).toBe(begin.username.split(':')[1]);
  });

  it('names no device by another one, nobody by his name, and the same one otherwise under another key', async () => {
    const [alice, bob] = [offerTo('@alice@alpha.example'), offerTo('@bob@alpha.example')];
    expect(alice.username).not.toBe(bob.username);
    const text = JSON.stringify([alice, bob]);
    for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const) {
      expect(text).not.toContain(Buffer.from('@alice@alpha.example').toString(form));
      expect(text).not.toContain(Buffer.from('alice').toString(form).replace(/=+$/, ''));
    }
    const elsewhere = await openRelays(site, Buffer.alloc(32, 8), world, () => undefined);
    expect(elsewhere.offer('@alice@alpha.example')?.username).not.toBe(alice.username);
    elsewhere.close();
  });
});

describe('the file of secrets', () => {
  it('is followed while the homeserver runs, and signs with the first line of it', async () => {
    await open();
    const before = offerTo('device');
    await put(`${second}\nold ${first}\n`);
    const after = await until(async () => {
      const offer = offerTo('device');
      return offer.credential === before.credential ? undefined : offer;
    }, 'the second secret signs');
    expect(after).toEqual({ ...before, credential: passwordOf(second, before.username) });
    expect(troubles).toEqual([]);
  });

  it('leaves the last good one in use where it is spoilt, says so once, and is taken again when it is right', async () => {
    await open();
    const before = offerTo('device');
    await put('short\n');
    await until(() => troubles.length > 0, 'trouble');
    await rm(secrets);
    await until(() => troubles.length > 1, 'other trouble');
    expect(offerTo('device')).toEqual(before);
    expect(troubles.map((trouble) => trouble.split('\n'))).toEqual(
      [
        'Each line must be a secret of 22 to 200 characters without spaces, alone or behind next or old. Correct it, or take it away and make a new one: hawser turn rotate',
        'there is no such file. Make it: hawser turn rotate',
      ].map((why) => [
        'The file of TURN secrets cannot be used; the last good one stays in effect.',
        `turn.secrets, ${secrets}: ${why}`,
      ]),
    );
    await put(`${second}\n`);
    await until(async () => offerTo('device').credential !== before.credential, 'the second secret signs');
    expect(troubles).toHaveLength(2);
  });

  it.each([
    ['there is none', () => rm(secrets), /there is no such file\. Make it: hawser turn rotate$/],
    ['it is empty', () => put(''), /There is no secret in it\. Correct it, or take it away .+: hawser turn rotate$/],
    ['it is too short', () => put('opensesame'), /^turn\.secrets, .+: Each line must be a secret of 22 to 200/],
  ])('stops the start where %s, with what to do, and shows nothing of it', async (_what, spoil, sentence) => {
    await spoil();
    const refusal = open();
    await expect(refusal).rejects.toThrow(sentence);
    await expect(refusal).rejects.not.toThrow('opensesame');
  });

  it('is not asked for where the site has no TURN hosts', async () => {
    await rm(secrets);
    const { turn: _, ...without } = site;
    expect((await open(without)).offer('device')).toBeUndefined();
  });
});

it('comes with a ticket of a homeserver that has TURN hosts, and with none of another one', async () => {
  for (const [domain, options] of [
    ['with.example', { turn }],
    ['without.example', {}],
  ] as const) {
    const certificates = await makeTestDomain(folder, domain);
    const database = await testDatabase();
    const made = { ...(await testSite(certificates, database?.url)), ...options };
    const organisation = new Organisation(certificates, made, database?.drop);
    await organisation.allow();
    await organisation.start();
    try {
      await organisation.connectSft();
      const alice = await organisation.person('alice');
      const { conversation } = await alice.create('Relays', (await organisation.person('anna')).id);
      const started = await alice.call(conversation);
      expect('relays' in started).toBe('turn' in options);
      if (started.relays) {
        const { urls, username, credential } = started.relays;
        expect(urls).toHaveLength(2);
        expect(credential).toBe(passwordOf(first, username));
        expect(organisation.logged.join('')).not.toContain(credential);
        expect(organisation.logged.join('')).not.toContain(first);
      }
      expect('relays' in (await alice.ticket(conversation))).toBe('turn' in options);
    } finally {
      await organisation.close();
    }
  }
});
