/**
 * Two organisations with their real servers, a call between them, some troubles, and a real Prometheus that watches: every query of every
 * panel has to show something of it, and the alerts that are concerned have to notice.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Clips, loadClips } from '#bench/media/clips.ts';
import { Person } from '#bench/people/person.ts';
import { Publisher } from '#bench/people/publisher.ts';
import type { Organisation } from '#cli/demo/organisation.ts';
import { testPlaces } from '#cli/demo/testing-places.ts';
import { startTrial, type Trial } from '#cli/demo/trial.ts';
import { ensurePrometheus } from '#cli/setup/prometheus.ts';
import { API } from '#signalling/client-home.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';
import { dashboardModel } from './grafana/dashboard.ts';
import { HOMESERVER } from './grafana/homeserver.ts';
import { SFT } from './grafana/sft.ts';
import { askedIn } from './testing/labels.ts';
import { TestPrometheus } from './testing/prometheus.ts';

const DASHBOARDS = [SFT, HOMESERVER];
const RULES = join(import.meta.dirname, 'prometheus', 'alerts.yaml');
const GUIDE = join(import.meta.dirname, '..', 'docs', 'guides', 'monitoring.md');

/** What no honest server does, and therefore has no series here; that it exists, and when it counts, is shown elsewhere. */
const NEVER: Readonly<Record<string, string>> = {
  hawser_sft_cut_links_total: 'a media server that floods: sft/link/abuse.e2e.test.ts',
  hawser_homeserver_outbox_given_up_total: 'a homeserver that refuses for good: homeserver/federation/watched.test.ts',
  hawser_homeserver_feed_dropped_total: 'a homeserver that lies: homeserver/federation/watched.test.ts',
};

let undo: AsyncDisposableStack;
let trial: Trial;
let prometheus: TestPrometheus;
/** s since 1970 */
let begin: number;

beforeAll(async () => {
  undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hawser-monitoring-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  // A mail server that never answers.
  const [nobody] = await freePorts(1);
  trial = await startTrial({
    places: await testPlaces('alpha', 'beta'),
    mail: `smtp://127.0.0.1:${nobody}`,
    say: () => undefined,
    onDied: (sentence) => expect.fail(sentence),
  });
  undo.defer(() => trial.stop());
  const both = [trial.alpha, trial.beta].map(({ places }) => places);
  begin = Math.floor(Date.now() / 1_000);
  prometheus = await TestPrometheus.start(
    join(folder, 'prometheus'),
    {
      'hawser-homeserver': both.map(({ homeAdmin }) => `127.0.0.1:${homeAdmin}`),
      'hawser-sft': both.map(({ sftAdmin }) => `127.0.0.1:${sftAdmin}`),
    },
    RULES,
  );
  undo.defer(() => prometheus.stop());
  const areUp = async () => {
    const targets = await prometheus.targets();
    return targets.length === 4 && targets.every(({ health }) => health === 'up');
  };
  await until(areUp, 'all four servers read', 60_000);
}, 180_000);

afterAll(() => undo?.disposeAsync());

it('shows on every panel something of a call, of what is refused, and of a link that breaks', async () => {
  await using call = await within(30_000, 'the call of both', meet(await loadClips()));
  await within(20_000, 'what is refused', refusals(trial.alpha, call.alice));
  await limit(trial.alpha, 0.6);
  await until(async () => (await stateOf('HawserLayersShed')) !== 'inactive', 'the alert for what is left out', 20_000);
  // The round trip comes with the first reports of the peer, some seconds after the picture.
  const later = 'hawser_sft_uplink_failures_total';
  await allHaveData((expr) => !expr.includes(later));
  await stopSft(trial.alpha);
  await until(async () => (await stateOf('HawserLinkDown')) !== 'inactive', 'the alert for the link', 20_000);
  await allHaveData(() => true);
  expect(await withoutData((expr) => isNever(expr))).toHaveLength(Object.keys(NEVER).length);
}, 150_000);

it('offers servers and organisations to choose from', async () => {
  for (const { variables } of DASHBOARDS) {
    for (const { name, metric } of variables) {
      const values = await prometheus.labels(name, metric);
      expect(values, `${name} of ${metric}`).toHaveLength(2);
    }
  }
});

it('has rules that work, whose words are whole', async () => {
  const rules = await prometheus.rules();
  expect(rules.length).toBeGreaterThan(0);
  for (const { name, health, lastError, alerts } of rules) {
    expect(health, `${name}: ${lastError}`).toBe('ok');
    for (const { annotations } of alerts)
      for (const text of Object.values(annotations)) expect(text, name).not.toMatch(/<no value>|error expanding/);
  }
});

it('names no figure in a panel, an alert or the guide that the servers do not have', async () => {
  const known = new Set(['up']);
  for (const text of await scrapes()) for (const [, name = ''] of text.matchAll(/^# TYPE (\S+)/gm)) known.add(name);
  const texts = [
    ...DASHBOARDS.map((each) => JSON.stringify(dashboardModel(each).panels)),
    await readFile(RULES, 'utf8'),
    await readFile(GUIDE, 'utf8'),
  ];
  const named = texts.flatMap((text) => [...text.matchAll(/\bhawser_[a-z0-9_]+/g)].map(([name]) => name));
  expect(named.length).toBeGreaterThan(50);
  const unknown = named.filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|count)$/, '')));
  expect(unknown).toEqual([]);
});

it('asks for no label, and no value of one, that the figures do not have', async () => {
  const { groups }: { groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[] } =
    parse(await readFile(RULES, 'utf8'));
  const asking = [
    ...groups.flatMap(({ rules }) =>
      rules.map(({ alert, expr, annotations }) => ({ where: alert, expr, told: toldIn(Object.values(annotations)) })),
    ),
    ...DASHBOARDS.flatMap(({ sections }) => sections.flatMap(({ panels }) => panels)).flatMap(({ title, queries }) =>
      queries.map(({ expr, legend }) => ({ where: title, expr, told: legendIn(legend) })),
    ),
  ];
  const wrong: string[] = [];
  const silent = new Set<string>();
  for (const { where, expr, told } of asking) {
    const { metrics, matchers, grouped } = askedIn(expr);
    const isSeen = await Promise.all(metrics.map(async (metric) => (await prometheus.labels('__name__', metric))[0]));
    for (const metric of metrics.filter((_, index) => isSeen[index] === undefined)) silent.add(metric);
    const seen = metrics.filter((metric) => !silent.has(metric));
    for (const { metric, label, values } of matchers.filter((each) => seen.includes(each.metric))) {
      const there = await prometheus.labels(label, metric);
      if (there.length === 0) wrong.push(`${where}: ${metric} has no label ${label}`);
      for (const value of values.filter((each) => !there.includes(each)))
        wrong.push(`${where}: ${label} of ${metric} is never ${value}`);
    }
    if (seen.length === 0) continue;
    for (const label of new Set([...grouped, ...told])) {
      const there = await Promise.all(seen.map((metric) => prometheus.labels(label, metric)));
      if (there.every((values) => values.length === 0)) wrong.push(`${where}: nothing in it has a label ${label}`);
    }
  }
  expect(wrong).toEqual([]);
  // Their labels are looked at where they are made, by the tests that NEVER names.
  expect([...silent].sort()).toEqual([...Object.keys(NEVER), 'hawser_sft_refused_peers'].sort());
});

it('gives figures in which promtool finds no fault', async () => {
  for (const text of await scrapes()) {
    // The metrics library's own, of handles of Node.
    const ours = text.split('\n').filter((line) => !line.includes('_nodejs_active_'));
    expect(await lint(ours.join('\n'))).toBe('');
  }
});

/** `{{ $labels.peer }}` */
function toldIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label));
}

/** `{{peer}}`, as Grafana has it. */
function legendIn(legend: string): string[] {
  return [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
}

/** Says which step it was that does not come to its end. */
async function within<T>(ms: number, what: string, step: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not come about within ${ms} ms`)), ms);
  return Promise.race([step, late]).finally(() => clearTimeout(timer));
}

/** Alice of alpha and Bob of beta in a call with picture and sound, until it is disposed of. */
async function meet(clips: Clips) {
  await using undoing = new AsyncDisposableStack();
  const enter = async ({ organisation, handle, password }: Trial['alice']) => {
    const home = `http://127.0.0.1:${organisation.places.home}`;
    return Person.signIn({ home, handle, password, entrance: 'webrtc' });
  };
  const conversation = trial.conversation as ConversationId;
  const [alice, bob] = [await enter(trial.alice), await enter(trial.bob)];
  for (const each of [alice, bob]) undoing.defer(() => each.close());
  await alice.joinBy(await alice.home.startCall(conversation));
  await bob.join(conversation);
  const publishers: Publisher[] = [];
  for (const each of [alice, bob]) {
    publishers.push(await Publisher.start(each, ['camera', 'microphone'], clips, () => true));
  }
  const timer = setInterval(() => {
    for (const publisher of publishers) publisher.send(performance.now());
  }, 5);
  undoing.defer(() => clearInterval(timer));
  for (const each of [alice, bob]) await until(() => wishForCameras(each), 'the camera of the other one');
  const standing = undoing.move();
  return { alice, [Symbol.asyncDispose]: () => standing.disposeAsync() };
}

function wishForCameras({ conference }: Person): boolean {
  if (conference.state.phase !== 'joined') return false;
  const cameras = conference.state.participants.flatMap(({ sources }) =>
    sources.filter(({ kind }) => kind === 'camera'),
  );
  for (const { source } of cameras) conference.setWish(source, 720);
  return cameras.length > 0;
}

/** One of each kind: at both doors for servers, at those for people, and at the mail server. */
async function refusals({ places }: Organisation, alice: Person): Promise<void> {
  for (const port of [places.link, places.federation]) {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    socket.resume();
    await within(10_000, `the end of a connection to port ${port}`, once(socket, 'close'));
  }
  const { status } = await fetch(`http://127.0.0.1:${places.home}${API}/conversations`);
  expect(status).toBe(401);
  // At the other homeserver.
  await expect(alice.home.findUser(`@nobody@${trial.beta.domain}`)).rejects.toThrow();
  const [known] = alice.home.store.state.conversations;
  if (!known) throw new Error('alice is in a conversation');
  const ticket = await alice.home.callTicket(known.conversation);
  const stranger = await Person.signIn({
    home: `http://127.0.0.1:${places.home}`,
    handle: trial.alice.handle,
    password: trial.alice.password,
    entrance: 'webrtc',
  });
  await expect(stranger.joinBy({ ...ticket, ticket: 'forged' })).rejects.toThrow();
  stranger.close();
  const invited = await fetch(`http://127.0.0.1:${places.homeAdmin}/admin/v1/invitations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'somebody@example.org' }),
  });
  expect(invited.ok, await invited.text()).toBe(true);
}

/** Its people are in the call of its own without it from then on, and so are those of the other organisation. */
async function stopSft({ processes }: Organisation): Promise<void> {
  const sft = processes.find(({ name }) => name.includes('SFT'));
  if (!sft) throw new Error('there is no SFT');
  await sft.stop();
}

/** What one organisation may send to the other, Mbit/s. */
async function limit({ folder }: Organisation, sendMbit: number): Promise<void> {
  const path = join(folder, 'peers.yaml');
  const peers: object[] = parse(await readFile(path, 'utf8'));
  await writeFile(path, stringify(peers.map((peer) => ({ ...peer, limits: { sendMbit } }))));
}

async function stateOf(alert: string): Promise<string> {
  const rule = (await prometheus.rules()).find(({ name }) => name === alert);
  if (!rule) throw new Error(`there is no alert ${alert}`);
  return rule.state;
}

function isNever(expr: string): boolean {
  return Object.keys(NEVER).some((metric) => expr.includes(metric));
}

/** Waits for that; a rate takes two scrapes. */
async function allHaveData(wanted: (expr: string) => boolean): Promise<void> {
  const missing = () => withoutData((expr) => wanted(expr) && !isNever(expr));
  await until(async () => (await missing()).length === 0, 'data everywhere', 20_000).catch(() => undefined);
  expect(await missing()).toEqual([]);
}

/** Dashboard, panel and query. */
async function withoutData(wanted: (expr: string) => boolean): Promise<string[]> {
  const empty: string[] = [];
  for (const { title: dashboard, sections } of DASHBOARDS) {
    for (const { title, queries } of sections.flatMap((section) => section.panels)) {
      for (const { expr } of queries.filter((query) => wanted(query.expr)))
        if (!(await hasData(expr))) empty.push(`${dashboard}, ${title}: ${expr}`);
    }
  }
  return empty;
}

/** As Grafana asks, with everything chosen. 0 divided by 0 is no data. */
async function hasData(expr: string): Promise<boolean> {
  const query = expr.replace(/\$(instance|peer)\b/g, '.*').replaceAll('$__rate_interval', '5s');
  expect(query).not.toContain('$');
  const series = await prometheus.range(query, begin, Math.ceil(Date.now() / 1_000));
  return series.some(({ values }) => values.some(([, value]) => value !== 'NaN'));
}

/** Of a homeserver and an SFT. */
function scrapes(): Promise<string[]> {
  const { homeAdmin, sftAdmin } = trial.beta.places;
  return Promise.all(
    [homeAdmin, sftAdmin].map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
}

/** What promtool has to say about names, types and help texts. */
async function lint(text: string): Promise<string> {
  const child = spawn(join(await ensurePrometheus(), 'promtool'), ['check', 'metrics'], { stdio: 'pipe' });
  const heard: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => heard.push(part));
  child.stdin.end(text);
  await once(child, 'close');
  return heard.join('');
}
