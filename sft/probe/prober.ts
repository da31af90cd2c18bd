/** Probes the way to the SFT of a peer: dials it, is dialled back, and tries every trunk port in both directions. */
import { randomBytes } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import {
  MAX_STREAM_KBPS,
  MAX_STREAM_MS,
  MOST_VOLLEYS,
  type PathReport,
  PROBE_SIZES,
  type ProbeReport,
  type ProbeSeen,
  type ProbeSide,
  SFT_PROBE,
} from '#signalling/probe.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import type { PortPool } from '../trunk/port-pool.ts';
import { type PortRange, PortRow } from './port-row.ts';
import { ProbePorts } from './probe-ports.ts';

export interface ProberOptions {
  readonly side: () => ProbeSide;
  /** Where the own link door is, as others reach it. */
  readonly link: string;
  readonly listenIp: string;
  readonly ports: PortPool;
  /** Whether the administrator approved that media of the peer goes to an address. */
  readonly mayReach: (peer: DomainName, ip: string) => boolean;
  /** Opens the probe's connection at the link door of a peer. */
  readonly dial: (peer: DomainName, link: string) => Promise<Socket>;
  /** ms since 1970 */
  readonly wallClock: () => number;
  /** ms of a clock that only goes forward */
  readonly now: () => number;
}

const MOST_PORTS = 128;
/** After this no further volley begins: the door of the other side ends a probe after 20 s, and a volley takes one on a fast way. ms */
const MOST_MS = 14_000;
const ECHOES = 10;
/** How long datagrams may be under way, ms. */
const TRAVEL_MS = 300;

interface Tally {
  tried: number;
  unsent: number;
  readonly silent: { from: number; to: number }[];
  readonly sizes: Set<number>;
  stream: PathReport['stream'];
  translated: ProbeSeen['translated'];
}

/** @throws HawserError where the peer cannot be dialled, or refuses; what breaks off after that is told in the report */
export async function probe(peer: DomainName, link: string, options: ProberOptions): Promise<ProbeReport> {
  const { side, wallClock, now } = options;
  const socket = await options.dial(peer, link);
  const rpc = new Rpc({ contract: SFT_PROBE, side: 'dialler', socket, requests: {}, notifications: {} });
  try {
    const [begin, clock] = [now(), wallClock()];
    const far = await rpc.request('hello', side());
    const clockMs = Math.round(far.now - (clock + (now() - begin) / 2));
    // A peer could name a third party's address: nothing goes to what was not approved, as with its trunks.
    const trial =
      far.approved && options.mayReach(peer, far.trunk.ip) ? newTrial(options.ports.range, far.trunk) : undefined;
    let back: ProbeReport['back'] = 'unknown';
    let ended: ProbeReport['ended'];
    try {
      back = await askBack(rpc, options.link);
      if (trial) await tryAll(rpc, options, trial, begin + MOST_MS);
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      ended = error.code;
    }
    return { far, clockMs, back, ...(trial && reportOf(trial)), ...(ended && { ended }) };
  } finally {
    rpc.close();
  }
}

type Dialled = Rpc<typeof SFT_PROBE, 'dialler'>;

async function askBack(rpc: Dialled, link: string): Promise<ProbeReport['back']> {
  const { code, errno } = await rpc.request('back', { link });
  return code === undefined ? 'reached' : { code, errno };
}

/** What a trial is about, from volley to volley. */
interface Trial {
  /** Of the other side. */
  readonly ip: string;
  readonly out: Tally;
  readonly in: Tally;
  readonly own: PortRow;
  readonly far: PortRow;
  rttMs: number | undefined;
}

function newTrial(own: PortRange, { ip, ports }: ProbeSide['trunk']): Trial {
  // The own pool has lent all that no call uses; of the other side nobody says what another program holds.
  const rows = { own: new PortRow(own, 'busy'), far: new PortRow(ports, 'taken') };
  return { ip, out: newTally(), in: newTally(), ...rows, rttMs: undefined };
}

function reportOf({ out, in: back, own, far, rttMs }: Trial): Pick<ProbeReport, 'path' | 'left'> {
  const left = { own: own.left, far: far.left };
  if (out.tried === 0) return { left };
  const report = ({ tried, unsent, silent, sizes, stream, translated }: Tally): PathReport => ({
    ...{ tried, unsent, silent, stream, translated },
    lostSizes: sizes.size === 0 ? [] : PROBE_SIZES.filter((size) => !sizes.has(size)),
  });
  return { path: { out: report(out), in: report(back), rttMs }, left };
}

/** @param until ms of the clock that only goes forward */
async function tryAll(rpc: Dialled, options: ProberOptions, trial: Trial, until: number): Promise<void> {
  const { ports, now } = options;
  trial.own.busy(ports.inUse);
  for (let volley = 0; volley < MOST_VOLLEYS && now() < until; volley++) {
    if (trial.own.isDone && (trial.far.isDone || trial.out.tried === 0)) return;
    await tryPorts(rpc, options, trial);
  }
}

/** One volley; the first that comes about has the synthetic trunk too. */
async function tryPorts(rpc: Dialled, { side, listenIp, ports, now }: ProberOptions, trial: Trial): Promise<void> {
  const key = randomBytes(32);
  const lent = ports.lend(MOST_PORTS);
  const own = await ProbePorts.open(listenIp, lent, key, now);
  try {
    trial.own.taken(lent.filter((port) => !own.ports.includes(port)));
    if (lent.length === 0) trial.own.tried(lent);
    if (own.ports.length === 0) return;
    const far = await rpc.request('open', { ip: side().trunk.ip, ports: [...own.ports], key: key.toString('base64') });
    own.connect({ ip: trial.ip, ports: far.ports });
    // Both at once, as on a trunk: what a firewall lets through only because the other side spoke first would be so there too.
    const [, volley] = await Promise.all([own.volley(), rpc.request('volley', {})]);
    const sent = trial.out.tried === 0 && own.pairs > 0 ? await streams(own, rpc) : undefined;
    await new Promise((resolve) => setTimeout(resolve, TRAVEL_MS));
    const there = await rpc.request('seen', {});
    trial.out.unsent += own.unsent;
    trial.in.unsent += volley.unsent;
    tally(trial.out, own, there, ({ own: a, far: b }) => ({ from: a, to: b }), sent?.out);
    tally(trial.in, own, await own.seen(), ({ own: a, far: b }) => ({ from: b, to: a }), sent?.in);
    trial.rttMs = own.rttMs ?? trial.rttMs;
    trial.own.tried(own.ports);
    trial.far.busy(far.busy);
    trial.far.tried(far.ports);
    await rpc.request('close', {});
  } finally {
    await own.close();
    for (const port of lent) ports.give(port);
  }
}

/** Two seconds of media in both directions at once, and echoes within. @returns packets that were sent */
async function streams(own: ProbePorts, rpc: Dialled) {
  const wish = { kbps: MAX_STREAM_KBPS, ms: MAX_STREAM_MS };
  const [out, back] = await Promise.all([
    own.stream(wish.kbps, wish.ms),
    rpc.request('stream', wish),
    own.echo(ECHOES),
  ]);
  return { out: out.packets, in: back.packets };
}

function tally(
  into: Tally,
  own: ProbePorts,
  seen: ProbeSeen,
  way: (ports: { own: number; far: number }) => { from: number; to: number },
  sentPackets: number | undefined,
): void {
  const came = new Map(seen.pairs.map(({ pair, sizes }) => [pair, sizes]));
  for (let pair = 0; pair < own.pairs; pair++) {
    into.tried += 1;
    const sizes = came.get(pair) ?? 0;
    if (sizes === 0) into.silent.push(way(own.portsOf(pair)));
    for (const [index, size] of PROBE_SIZES.entries()) if (sizes & (1 << index)) into.sizes.add(size);
  }
  into.translated ??= seen.translated;
  if (sentPackets !== undefined) {
    into.stream = { sentPackets, packets: seen.packets, kbps: Math.round((seen.bytes * 8) / MAX_STREAM_MS) };
  }
}

function newTally(): Tally {
  return {
    ...{ tried: 0, unsent: 0, silent: [], sizes: new Set(), translated: undefined },
    stream: { sentPackets: 0, packets: 0, kbps: 0 },
  };
}
