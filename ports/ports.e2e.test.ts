/**
 * Two organisations behind firewalls that let through what `hawser ports` says and nothing else, and people in networks of all kinds: calls
 * work. With any one rule taken away the call that needs it fails, and the doctor names the rule.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { errors, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, openBrowser } from '#cli/demo/browser.ts';
import { seen } from '#cli/demo/check.ts';
import { leaveCall, signInAt } from '#cli/demo/page.ts';
import type { Step } from '#doctor/step.ts';
import { until } from '#signalling/testing.ts';
import type { TestHost } from './testing/network.ts';
import { PORTS, type TestSite } from './testing/site.ts';
import { PASSWORD, startTwoSites, TITLE, type TwoSites } from './testing/two-sites.ts';

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
const TURN = '20.1.0.3';
/** Within this a page has to do what needs no network but that to its homeserver. ms */
const BEGINS_MS = 10_000;
/** Within this a call that works has picture and sound, on the slowest machine. ms */
const WORKS_MS = 20_000;
/** How long is waited for one that must not work: at least so long, and twice as long as the slowest that worked. ms */
const FAILS_MS = 4_000;
let slowest: number | undefined;

const PEER = 'beta.example';

let two: TwoSites;
let alice: Browser;
let bob: Browser;
/** A machine in a network without limits, with the doctor on it. */
let visitor: TestHost;
const rendered = new Map<TestHost, string>();
let round = 0;

beforeAll(async () => {
  two = await startTwoSites({ turn: true });
  visitor = await two.network.addHost('visitor', '20.5.0.2', { dns: two.dnsHost.ip });
  await writeFile(join(two.alpha.folder, 'web-authority.pem'), two.authority.certificate);
  const open = async (where: TestHost, site: TestSite, handle: string) => {
    const browser = await openBrowser({ hosts: 'dns', wrapper: ['ip', 'netns', 'exec', where.namespace] });
    // What the library opens is looked at, and may be told to go by relays only.
    await browser.context.addInitScript(() => {
      const Native = RTCPeerConnection;
      window.paths = [];
      window.RTCPeerConnection = class extends Native {
        constructor(configuration?: RTCConfiguration) {
          const policy = localStorage.getItem('policy') === 'relay' ? 'relay' : 'all';
          super({ ...configuration, iceTransportPolicy: policy });
          window.paths.push(this);
        }
      };
    });
    await signInAt(browser.page, site.url, handle, PASSWORD);
    return browser;
  };
  [alice, bob] = await Promise.all([open(two.alice, two.alpha, 'alice'), open(two.bob, two.beta, 'bob')]);
  const { turnHost } = two.alpha;
  if (!turnHost) throw new Error('alpha has a TURN host');
  rendered.set(two.alpha.host, await rulesOf(two.alpha, 'homeserver,sft'));
  rendered.set(two.beta.host, await rulesOf(two.beta, 'homeserver,sft'));
  rendered.set(turnHost, await rulesOf(two.alpha, 'turn'));
  await closeAllBut();
  await freshPages();
}, 90_000);

afterAll(async () => {
  await Promise.allSettled([alice?.close(), bob?.close()]);
  await two?.close();
});

declare global {
  interface Window {
    paths: RTCPeerConnection[];
  }
}

/** What an administrator would put into effect. */
async function rulesOf(site: TestSite, machine: string): Promise<string> {
  const { out, err } = await site.hawser(['ports', '--format', 'nftables', '--strict', '--machine', machine]);
  expect(err).toBe('');
  return out;
}

/** All firewalls as rendered, but for one rule of alpha's. Connections that stood before count as new ones. */
async function closeAllBut(without?: string): Promise<void> {
  round += 1;
  // Connections of TCP only: what is in a zone is followed, and trunks are not.
  const zone = `table inet zone {
    chain in {\ntype filter hook prerouting priority -400;\nmeta l4proto tcp ct zone set ${round}\n}
    chain out {\ntype filter hook output priority -400;\nmeta l4proto tcp ct zone set ${round}\n}
  }`;
  for (const [host, text] of rendered) {
    const isAlpha = host !== two.beta.host;
    const lines = text
      .split('\n')
      .filter((line) => !isAlpha || without === undefined || !line.includes(`"${without}"`));
    await two.network.firewall(host, `${lines.join('\n')}\n${zone}`);
  }
  // The link that an earlier call left standing for a while would ask for no name, and for no way out.
  if (without !== undefined) await two.network.run(two.alpha.host, 'ss', ['-K', 'dport', '=', `:${PORTS.link}`]);
}

/** What alice's own network lets out besides names: rules of nftables for what is dropped. */
const NETWORKS = {
  'without limits': '',
  'that lets only UDP to the media port out': `ip daddr ${TURN} drop\ntcp dport ${PORTS.media} drop`,
  'that lets no UDP out, and no TURN': `udp dport != 53 drop\nip daddr ${TURN} drop`,
  'that lets UDP out to port 3478 only': `udp dport != { 53, 3478 } drop\nip daddr ${TURN} tcp dport 443 drop\ntcp dport ${PORTS.media} drop`,
  'that lets nothing out but TLS': `udp dport != 53 drop\ntcp dport != { 443, ${PORTS.signalling} } drop`,
} as const;
type Network = keyof typeof NETWORKS;

/** The router drops it, as the firewall of a hotel does: her browser is told nothing. */
function putAliceInto(network: Network): Promise<void> {
  const cable = two.network.cableOf(two.alice);
  const rules = NETWORKS[network]
    .split('\n')
    .filter((rule) => rule !== '')
    .map((rule) => `iifname ${cable} ${rule}`);
  const table = `table inet hotel {\nchain forward {\ntype filter hook forward priority filter; policy accept;\n${rules.join('\n')}\n}\n}`;
  return two.network.firewall(two.network.router, rules.length === 0 ? '' : table);
}

/** Both pages as after a new start, in the conversation of both. */
async function freshPages(policy: 'all' | 'relay' = 'all'): Promise<void> {
  await Promise.all(
    [alice, bob].map(async ({ page }) => {
      await page
        .evaluate((wished) => localStorage.setItem('policy', wished), page === alice.page ? policy : 'all')
        .catch(() => undefined);
      await page.reload({ timeout: 10_000 });
      await page.getByRole('button', { name: TITLE }).first().click({ timeout: 10_000 });
    }),
  );
}

/** How far an attempt came that began. */
type Came = 'picture and sound' | 'no picture and sound' | 'nobody is rung' | 'no page';

/** One calls and the other joins. @param ms from there to picture and sound @throws Error where the attempt did not even begin: that tells nothing about the network */
async function call(starter: Browser, other: Browser, ms: number, ringsWithin = WORKS_MS): Promise<Came> {
  await starter.page.getByRole('button', { name: /^(Start|Join) call$/ }).click({ timeout: BEGINS_MS });
  const calls = starter.page.getByRole('toolbar', { name: 'Call' }).or(starter.page.getByRole('alert'));
  await calls.first().waitFor({ timeout: BEGINS_MS });
  const begin = performance.now();
  const past = () => performance.now() - begin;
  const join = other.page.getByRole('button', { name: 'Join call' }).first();
  if (!(await inTime(join.click({ timeout: ringsWithin })))) return 'nobody is rung';
  const rung = past();
  const sees = async ({ page }: Browser) => {
    const { frames, energy } = await seen(page);
    return frames > 0 && energy > 0;
  };
  const both = async () => (await Promise.all([sees(starter), sees(other)])).every(Boolean);
  const ended = async () => ((await both()) ? 'picture and sound' : past() > rung + ms && 'no picture and sound');
  const came = await until(ended, 'the end of an attempt', ms + BEGINS_MS);
  if (came === 'picture and sound') slowest = Math.max(slowest ?? 0, past());
  return came;
}

/** False where it took too long; whatever else goes wrong is no finding about the network. */
function inTime(doing: Promise<unknown>): Promise<boolean> {
  return doing.then(
    () => true,
    (error: unknown) => {
      if (error instanceof errors.TimeoutError) return false;
      throw error;
    },
  );
}

/** Where none worked before, as long as one that works may take. ms */
function patience(): number {
  return slowest === undefined ? WORKS_MS : Math.max(FAILS_MS, 2 * slowest);
}

/** Whatever came of it, nobody is in the call any more. */
async function hangUp(): Promise<void> {
  await closeAllBut();
  await putAliceInto('without limits');
  for (const { page } of [alice, bob]) {
    // Whoever goes without a word is waited for.
    if (await page.getByRole('toolbar', { name: 'Call' }).isVisible()) await leaveCall(page).catch(() => undefined);
  }
  await freshPages();
  for (const { page } of [alice, bob]) {
    await page.getByRole('button', { name: 'Join call' }).waitFor({ state: 'hidden', timeout: 60_000 });
  }
}

async function diagnosis(word: 'beta.example' | 'clients'): Promise<readonly Step[]> {
  if (word === 'beta.example') {
    const { out } = await two.alpha.hawser(['doctor', word, '--json']);
    return JSON.parse(out).steps;
  }
  const pass = join(two.alpha.folder, 'pass.json');
  await two.alpha.hawser(['doctor', 'clients', '--write', pass]);
  const child = two.network.start(
    visitor,
    process.execPath,
    ['--disable-warning=ExperimentalWarning', MAIN, 'doctor', 'clients', '--json', '--read', pass],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(two.alpha.folder, 'web-authority.pem') },
    },
  );
  let out = '';
  for await (const chunk of child.stdout ?? []) out += String(chunk);
  return JSON.parse(out).steps;
}

/** How alice's media goes: kinds of the candidates that were chosen. */
function pathsOf(page: Page) {
  return page.evaluate(async () => {
    const kinds = new Set<string>();
    for (const connection of window.paths) {
      const stats = [...(await connection.getStats()).values()];
      for (const { selectedCandidatePairId } of stats) {
        const pair = stats.find(({ id }) => id === selectedCandidatePairId);
        const local = stats.find(({ id }) => id === pair?.localCandidateId);
        if (local) kinds.add(`${local.candidateType} ${local.relayProtocol ?? local.protocol}`);
      }
    }
    return [...kinds].sort();
  });
}

describe('with everything open that the rules say, and nothing else, somebody in a network', () => {
  it.each([
    ['without limits', /^(host|prflx|srflx) udp$/],
    ['that lets only UDP to the media port out', /^(host|prflx|srflx) udp$/],
    ['that lets no UDP out, and no TURN', /^(host|prflx|srflx) tcp$/],
    ['that lets UDP out to port 3478 only', /^relay udp$/],
    ['that lets nothing out but TLS', /^relay tls$/],
  ] as const)(
    '%s is in a call with the other organisation',
    async (network, path) => {
      await putAliceInto(network);
      if (network === 'that lets nothing out but TLS') await freshPages('relay');
      try {
        expect(await call(alice, bob, WORKS_MS)).toBe('picture and sound');
        const paths = await pathsOf(alice.page);
        expect(paths).not.toEqual([]);
        for (const kind of paths) expect(kind).toMatch(path);
      } finally {
        await hangUp();
      }
    },
    120_000,
  );

  it('is in a call that the other organisation has begun, while the doctor misses no rule', async () => {
    try {
      const [came, ...steps] = await Promise.all([call(bob, alice, WORKS_MS), diagnosis(PEER), diagnosis('clients')]);
      expect(came).toBe('picture and sound');
      // A machine that has all of that to do loses packets of the synthetic trunk, for which no rule is named.
      expect(steps.flat().filter(({ outcome, rule }) => outcome === 'failed' && rule !== undefined)).toEqual([]);
    } finally {
      await hangUp();
    }
  }, 120_000);
});

describe('without one rule the call that needs it fails, and the doctor names it:', () => {
  interface Need {
    /** As the rule is named; that of several hosts has no suffix where there is one. */
    readonly rule: string;
    readonly network?: Network;
    readonly starter?: 'alice' | 'bob';
    readonly ask: 'beta.example' | 'clients';
    /** How far the call comes. */
    readonly came: Came;
  }
  const needs: readonly Need[] = [
    { rule: 'signalling-in', ask: 'clients', came: 'no picture and sound' },
    {
      rule: 'media-udp-in',
      network: 'that lets only UDP to the media port out',
      ask: 'clients',
      came: 'no picture and sound',
    },
    {
      rule: 'media-tcp-in',
      network: 'that lets no UDP out, and no TURN',
      ask: 'clients',
      came: 'no picture and sound',
    },
    {
      rule: 'turn-udp-in',
      network: 'that lets UDP out to port 3478 only',
      ask: 'clients',
      came: 'no picture and sound',
    },
    { rule: 'turn-tls-in', network: 'that lets nothing out but TLS', ask: 'clients', came: 'no picture and sound' },
    { rule: 'relay-out', network: 'that lets nothing out but TLS', ask: 'clients', came: 'no picture and sound' },
    { rule: `federation-in:${PEER}`, ask: PEER, came: 'no picture and sound' },
    { rule: `federation-out:${PEER}`, ask: PEER, came: 'nobody is rung' },
    { rule: `link-in:${PEER}`, ask: PEER, came: 'no picture and sound' },
    { rule: `link-out:${PEER}`, starter: 'bob', ask: PEER, came: 'no picture and sound' },
    { rule: `trunk-in:${PEER}`, ask: PEER, came: 'no picture and sound' },
    { rule: `trunk-out:${PEER}`, ask: PEER, came: 'no picture and sound' },
    // The homeserver keeps for a while where others are; the SFT asks for the name of each link.
    { rule: 'dns-udp-out', starter: 'bob', ask: PEER, came: 'no picture and sound' },
    { rule: 'page-in', ask: 'clients', came: 'no page' },
  ];
  /** Rules that calls do without: names that are too long for a datagram, clocks after weeks, waking browsers. */
  const NOT_FOR_CALLS = ['dns-tcp-out', 'time-out', 'web-out'];

  it('is about every rule of the site', () => {
    const texts = [...rendered].filter(([host]) => host !== two.beta.host).map(([, text]) => text);
    const ids = texts.flatMap((text) =>
      [...text.matchAll(/accept comment "([a-z-]+(?::[a-z.]+)?)"/g)].map(([, id]) => id ?? ''),
    );
    expect(new Set([...needs.map(({ rule }) => rule), ...NOT_FOR_CALLS])).toEqual(new Set(ids));
  });

  it.each(needs.map((each) => [each.rule, each] as const))(
    '%s',
    async (_rule, { rule, network, starter, ask, came }) => {
      await putAliceInto(network ?? 'without limits');
      await closeAllBut(rule);
      // What a server tells a page on a connection from before is dropped until the page says something: nobody would be rung for seconds.
      if (rule !== 'page-in') await freshPages();
      const [first, second] = starter === 'bob' ? [bob, alice] : [alice, bob];
      const attempt = async (): Promise<Came> => {
        // Who has the page already keeps it; a new one does not come.
        if (rule === 'page-in' && !(await inTime(alice.page.reload({ timeout: patience() })))) return 'no page';
        return call(first, second, patience(), came === 'nobody is rung' ? patience() : WORKS_MS);
      };
      try {
        const [found, steps] = await Promise.all([attempt(), diagnosis(ask)]);
        expect(found).toBe(came);
        const bad = steps.filter(({ outcome }) => outcome === 'failed');
        expect(bad[0]?.rule, JSON.stringify(bad)).toBe(rule);
      } finally {
        await hangUp();
      }
    },
    120_000,
  );
});
