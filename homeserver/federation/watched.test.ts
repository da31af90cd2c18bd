/** What an administrator finds afterwards, in the audit log and in the metrics, of a domain that does not do what it should. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { makeTestDomain, type TestPeer, writeTestPeers } from '#trust/testing.ts';
import type { AuditLine } from '../audit/chain.ts';
import { listenDns, type TestDns } from '../testing/dns.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import { callOf, PeerDouble } from '../testing/peer-double.ts';
import type { Person } from '../testing/person.ts';
import { until, user } from '../testing/world.ts';

const [BETA, INWARD] = ['beta.example', 'inward.example'];
let world: World;
let alpha: Organisation;
let alice: Person;
/** Asks again and again, for which nobody else is to be told to slow down. */
let scout: Person;
let dns: TestDns;
let beta: PeerDouble;
let peers: TestPeer[];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  alice = await alpha.person('alice', 'Alice');
  scout = await alpha.person('scout', 'Scout');
  dns = await listenDns({
    srv: { [`_hawser-federation._tcp.${INWARD}`]: [{ port: 8448, target: `hs.${INWARD}` }] },
    a: { [`hs.${INWARD}`]: ['169.254.169.254'] },
  });
  const resolvers = [dns.address];
  Object.assign(alpha.site.homeserver.federation, { resolvers });
  await alpha.stop();
  await alpha.start();
  const [of, inward] = [await makeTestDomain(world.folder, BETA), await makeTestDomain(world.folder, INWARD)];
  beta = await PeerDouble.start(of, await readFile(alpha.certificates.authority, 'utf8'), honest);
  peers = [{ of, homeserver: beta.address }, { of: inward }];
  await writeTestPeers(alpha.site.peers, peers);
  await until(() => found(`@bob@${BETA}`, scout).then((answer) => answer === 'bob'), 'beta answers');
});
afterAll(async () => {
  await beta[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

const honest: PeerDouble['answering'] = (asked) => beta.honestly(asked);
const found = (address: string, by = alice) =>
  by.find(address).then(
    ({ name }) => name,
    (error: { code?: string }) => error.code,
  );
const metrics = async () => (await fetch(`${alpha.admin}/metrics`)).text();
async function audited(domain: string, ...kinds: AuditLine['kind'][]): Promise<AuditLine[]> {
  const answer = await fetch(`${alpha.admin}/admin/v1/audit?last=200`);
  const { lines } = (await answer.json()) as { lines: AuditLine[] };
  return lines.filter((line) => line.domain === domain && kinds.includes(line.kind));
}

test('one that never answers, or a byte a second: a line when it begins, and one when it is over', {
  timeout: 30_000,
}, async () => {
  beta.answering = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 1_000);
    response.once('close', () => clearInterval(timer));
    return new Promise(() => undefined);
  };
  const turns = async () => (await audited(BETA, 'unreachable', 'reachable')).map(({ kind, code }) => [kind, code]);
  expect(await turns()).toEqual([]);
  const addresses = ['bob', 'ben', 'bill'].map((handle) => `@${handle}@${BETA}`);
  expect(await Promise.all(addresses.map((address) => found(address)))).toEqual(addresses.map(() => 'FED_UNREACHABLE'));
  expect(await turns()).toEqual([['unreachable', 'FED_UNREACHABLE']]);
  beta.answering = honest;
  await until(() => found(`@bob@${BETA}`, scout).then((answer) => answer === 'bob'), 'it answers again');
  expect(await turns()).toEqual([
    ['unreachable', 'FED_UNREACHABLE'],
    ['reachable', null],
  ]);
});

test('one that says that its homeserver is inside: refused, and in the log', async () => {
  expect(await found(`@mallory@${INWARD}`)).toBe('FED_ADDRESS');
  const [line] = await until(async () => {
    const lines = await audited(INWARD, 'refusal');
    return lines.length > 0 && lines;
  }, 'it is noted');
  expect(line).toMatchObject({ code: 'FED_ADDRESS' });
  expect(await alice.find('@alice@alpha.example')).toMatchObject({ name: 'Alice' });
});

test('what it refuses for good is given up and counted', async () => {
  beta.answering = (asked) =>
    callOf(asked.path) === 'notify'
      ? { status: 403, body: { code: 'HOME_FORBIDDEN', message: 'no', retry: false } }
      : honest(asked, undefined as never);
  await alice.create('Ropes', user(`@bob@${BETA}`));
  const line = `hawser_homeserver_outbox_given_up_total{peer="${BETA}",code="HOME_FORBIDDEN"} 1`;
  await until(async () => (await metrics()).includes(line), 'it is counted');
  beta.answering = honest;
});

test('where it may do more, what waited for that goes out at once', { timeout: 60_000 }, async () => {
  const told = () => beta.asked.filter(({ path }) => callOf(path) === 'notify').length;
  const scopes = (may: TestPeer['may']) =>
    writeTestPeers(
      alpha.site.peers,
      peers.map((peer) => (peer.of.domain === BETA ? { ...peer, ...(may && { may }) } : peer)),
    );
  const { conversation } = await alice.create('Knots', user(`@bob@${BETA}`));
  await until(() => told() > 0, 'beta is told');
  const mays = async () => {
    const { peers: all } = (await (await fetch(`${alpha.admin}/admin/v1/peers`)).json()) as {
      peers: { domain: DomainName; may: TestPeer['may'] }[];
    };
    return all.find(({ domain }) => domain === BETA)?.may?.messages;
  };
  await scopes({ messages: false, calls: false });
  await until(async () => (await mays()) === false, 'it may do nothing');
  const [before, waiting] = [told(), `hawser_homeserver_outbox_depth{peer="${BETA}"} 1`];
  await alice.changeTitle(conversation, 'Splices');
  await until(async () => (await metrics()).includes(waiting), 'it waits');
  const tried = async () => {
    const found = new RegExp(`federation_sent_total{peer="${BETA}",call="notify",result="FED_SCOPE"} (\\d+)`);
    return Number(found.exec(await metrics())?.[1] ?? 0);
  };
  // After the fifth time it is left alone for 8 s or more.
  await until(async () => (await tried()) >= 5, 'it was tried again and again', 30_000);
  const greeted = beta.asked.length;
  expect(told()).toBe(before);
  await scopes(undefined);
  await until(() => told() > before, 'it is told', 7_000);
  // It is greeted too: what it keeps for us goes out as soon as it hears of us.
  expect(beta.asked.slice(greeted).map(({ path }) => callOf(path))).toContain('versions');
  await until(async () => !(await metrics()).includes(waiting), 'nothing waits');
});
