/** What is known of other domains, from real homeservers: at the administrator's port and in the metrics. */

import { readFile } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PeerReport, PeerReports } from '#signalling/administration.ts';
import { FEDERATION_VERSIONS } from '#signalling/federation.ts';
import { until } from '#signalling/testing-until.ts';
import { DAY } from '#trust/issuing.ts';
import { parsePeers } from '#trust/peers.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { peerMetrics } from './peer-metrics.ts';
import { CERTIFICATE_KNOWN, PeersStatus } from './status.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let gamma: Organisation;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example', 'gamma.example');
  [alpha, beta, gamma] = world.organisations as [Organisation, Organisation, Organisation];
  await alpha.allow(beta);
  alice = await alpha.person('alice', 'Alice');
  bob = await beta.person('bob', 'Bob');
  const isSettled = ({ domain, listed, state }: PeerReport) =>
    domain === beta.domain ? state === 'allowed' : !listed && state === 'refused';
  // Whoever started first found the others down, and asks again when they come to the door.
  await until(async () => (await reports()).every(isSettled), 'beta answers, and gamma is off the list');
});
afterAll(() => world[Symbol.asyncDispose]());

async function reports(of = alpha): Promise<PeerReport[]> {
  const answer = Value.Parse(PeerReports, await (await fetch(`${of.admin}/admin/v1/peers`)).json());
  expect(answer.domain).toBe(of.domain);
  return answer.peers;
}
async function about(domain: string, of = alpha): Promise<PeerReport> {
  const found = (await reports(of)).find((each) => each.domain === domain);
  if (!found) throw new Error(`nothing is known of ${domain}`);
  return found;
}

test('a domain that answers: its certificates, the version, calls, and what it was refused', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  await bob.hear('conversation');
  await alice.call(conversation);
  await bob.hear('ringing');
  await alice.find('@bob@beta.example');
  await expect(bob.find('@nobody@alpha.example')).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  // What was refused is counted when the answer is out.
  const seen = await until(async () => {
    const peer = await about('beta.example');
    return peer.lastHour.refusals.length > 0 && peer.certificateEndsAt !== undefined && peer;
  }, 'refusals are counted');
  expect(seen).toMatchObject({
    listed: true,
    state: 'allowed',
    version: FEDERATION_VERSIONS.max,
    waiting: { count: 0 },
    lastHour: { calls: 1, refusals: [{ code: 'HOME_NOT_FOUND', count: 1 }] },
  });
  expect(seen).not.toHaveProperty('since');
  expect(seen.authorities[0]?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  expect(seen.certificateEndsAt).toBeGreaterThan(Date.now());
  expect(seen.reachedAt).toBeLessThanOrEqual(Date.now());
  expect((await about('alpha.example', beta)).lastHour.calls).toBe(1);
});

test('a stranger who knocks, and a domain that does not allow us', async () => {
  const carol = await gamma.person('carol');
  await expect(carol.find('@alice@alpha.example')).rejects.toMatchObject({ code: 'FED_REFUSED' });
  const stranger = await until(() => about('gamma.example').catch(() => undefined), 'the knock is noticed');
  expect(stranger).toMatchObject({ listed: false, state: 'refused', authorities: [] });
  expect(stranger.lastHour.refusals[0]?.code).toBe('TRUST_UNKNOWN_DOMAIN');
  const seen = await about('alpha.example', gamma);
  expect(seen).toMatchObject({ listed: true, state: 'refused', code: 'FED_REFUSED' });
  expect(seen.since).toBeLessThanOrEqual(Date.now());
});

test('one that is down: since when, and what waits; then it is back', async () => {
  await beta.stop();
  const [known] = await alice.conversations();
  if (!known) throw new Error('alice is in it');
  const before = Date.now();
  await alice.changeTitle(known.conversation, 'Knots');
  const down = await until(async () => {
    const peer = await about('beta.example');
    return peer.state === 'unreachable' && peer;
  }, 'beta is found to be down');
  expect(down).toMatchObject({ code: 'FED_UNREACHABLE', waiting: { count: 1 } });
  expect(down.since).toBeGreaterThanOrEqual(before);
  expect(down.waiting.oldestAt).toBeGreaterThanOrEqual(before);
  const metrics = await (await fetch(`${alpha.admin}/metrics`)).text();
  expect(metrics).toContain('hawser_homeserver_peer_waiting{peer="beta.example"} 1');
  expect(metrics).toMatch(/peer_waiting_oldest_seconds\{peer="beta\.example"\} \d/);
  expect(metrics).toMatch(/peer_reached_timestamp_seconds\{peer="beta\.example"\} \d/);
  expect(metrics).toContain('peer_refusals_total{peer="beta.example",code="HOME_NOT_FOUND"} 1');
  expect(metrics).toContain('hawser_homeserver_peer_calls_total{peer="beta.example"} 1');
  expect(metrics).toContain('hawser_homeserver_outbox_depth{peer="beta.example"} 1');
  // Requests, each with how it ended.
  const asked = 'peer="beta.example",call="identifierQuery"';
  expect(metrics).toContain(`federation_requests_total{${asked},result="HOME_NOT_FOUND"} 1`);
  expect(metrics).toContain(`federation_sent_total{${asked},result="ok"}`);
  // Who is on no list has no name there.
  expect(metrics).toContain('peer_refusals_total{peer="other",code="TRUST_UNKNOWN_DOMAIN"}');
  expect(metrics).not.toMatch(/peer_\w+\{peer="gamma/);
  await beta.start();
  await until(async () => (await about('beta.example')).state === 'allowed', 'beta is back');
  await until(async () => (await about('beta.example')).waiting.count === 0, 'what waited is delivered');
}, 20_000);

test('the list as it changes: limited, blocked, and since when', async () => {
  const before = Date.now();
  await alpha.allow({ organisation: beta, limits: { sendMbit: 5 } });
  const limited = await until(async () => {
    const peer = await about('beta.example');
    return peer.state === 'limited' && peer;
  }, 'beta is limited');
  expect(limited).toMatchObject({ limits: { sendMbit: 5 } });
  expect(limited.since).toBeGreaterThanOrEqual(before);
  await alpha.allow({ organisation: beta, state: 'blocked' });
  await until(async () => (await about('beta.example')).state === 'blocked', 'beta is blocked');
  // Nobody is to be told any more that its certificate ends.
  expect(await about('beta.example')).not.toHaveProperty('certificateEndsAt');
  expect(await (await fetch(`${alpha.admin}/metrics`)).text()).not.toMatch(
    /peer_(certificate|authority)_expiry_seconds\{/,
  );
});

test('a certificate is known for a day after it was seen, of a domain that is allowed', async () => {
  const listed = async (state: 'allowed' | 'blocked') => {
    const { authority } = beta.certificates;
    const text = JSON.stringify([{ domain: beta.domain, state, ...(state === 'allowed' && { authority }) }]);
    return parsePeers('peers.yaml', text, (path) => readFile(path, 'utf8'));
  };
  let now = Date.UTC(2026, 0, 1);
  const peers = { current: await listed('allowed') };
  const status = new PeersStatus({
    ...{ domain: alpha.domain, now: () => now, peers, waiting: [] },
    version: () => undefined,
    waitingKeys: () => [],
    contacts: { of: () => ({ reachedAt: undefined, trouble: undefined }), heard: () => undefined },
  });
  const registry = new Registry();
  peerMetrics(registry, status, () => peers.current);
  const shown = async () => {
    const name = 'hawser_homeserver_peer_certificate_expiry_seconds';
    const figure = (await registry.getMetricsAsJSON()).find((each) => each.name === name);
    return figure?.values.map(({ value, labels }) => [labels.peer, value]);
  };
  expect(await shown()).toEqual([]);
  const ends = now + 10 * DAY;
  status.noteCertificate(beta.domain, ends);
  status.noteCertificate(gamma.domain, ends);
  expect(await shown()).toEqual([[beta.domain, 864_000]]);
  now += CERTIFICATE_KNOWN - 1;
  expect(await shown()).toHaveLength(1);
  now += 1;
  expect(await shown()).toEqual([]);
  // It came to the door again, with a new one.
  status.noteSeen(beta.domain, now + 300 * DAY);
  expect(await shown()).toEqual([[beta.domain, (300 * DAY) / 1_000]]);
  peers.current = await listed('blocked');
  status.listChanged();
  expect(await shown()).toEqual([]);
  peers.current = await listed('allowed');
  status.listChanged();
  expect(await shown()).toEqual([]);
});
