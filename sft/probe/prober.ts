/** Probes the way to the SFT of a peer: dials it, is dialled back, and tries every trunk port in both directions. */
import { randomBytes } from 'node:crypto';
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

/** @throws HawserError where the peer cannot be dialled, or refuses */
export async function probe(peer: DomainName, link: string, options: ProberOptions): Promise<ProbeReport> {
  const { side, wallClock, now } = options;
  const socket = await options.dial(peer, link);
  const rpc = new Rpc({ contract: SFT_PROBE, side: 'dialler', socket, requests: {}, notifications: {} });
  try {
    const [begin, clock] = [now(), wallClock()];
    const far = await rpc.request('hello', side());
    const clockMs = Math.round(far.now - (clock + (now() - begin) / 2));
    const { code, errno } = await rpc.request('back', { link: options.link });
    const back = code === undefined ? undefined : { code, errno };
    // A peer could name a third party's address: nothing goes to what was not approved, as with its trunks.
    const path = far.approved && options.mayReach(peer, far.trunk.ip) ? await tryPath(rpc, far, options) : undefined;
    return { far, clockMs, back, ...(path && { path }) };
  } finally {
    rpc.close();
  }
}

async function tryPath(
  rpc: Rpc<typeof SFT_PROBE, 'dialler'>,
  far: ProbeSide,
  options: ProberOptions,
): Promise<ProbeReport['path']> {
  const tallies = { out: newTally(), in: newTally() };
  const busy = { own: new Set<number>(), far: new Set<number>() };
  const untried = { own: portsIn(options.ports.range), far: portsIn(far.trunk.ports) };
  let rttMs: number | undefined;
  for (let volley = 0; volley < MOST_VOLLEYS && untried.own.size + untried.far.size > 0; volley++) {
    rttMs = (await tryPorts(rpc, options, { ip: far.trunk.ip, tallies, busy, untried }, volley === 0)) ?? rttMs;
  }
  if (tallies.out.tried === 0) return undefined;
  const report = ({ tried, unsent, silent, sizes, stream, translated }: Tally): PathReport => ({
    ...{ tried, unsent, silent, stream, translated },
    lostSizes: sizes.size === 0 ? [] : PROBE_SIZES.filter((size) => !sizes.has(size)),
  });
  return { out: report(tallies.out), in: report(tallies.in), rttMs, busy: { own: [...busy.own], far: [...busy.far] } };
}

/** What a trial is about, from volley to volley. */
interface Trial {
  /** Of the other side. */
  readonly ip: string;
  readonly tallies: { readonly out: Tally; readonly in: Tally };
  /** Ports that calls use now. */
  readonly busy: { readonly own: Set<number>; readonly far: Set<number> };
  readonly untried: { readonly own: Set<number>; readonly far: Set<number> };
}

function portsIn({ from, to }: { readonly from: number; readonly to: number }): Set<number> {
  return new Set(Array.from({ length: to - from + 1 }, (_, index) => from + index));
}

/** @returns the round trip, ms */
async function tryPorts(
  rpc: Rpc<typeof SFT_PROBE, 'dialler'>,
  { side, listenIp, ports, now }: ProberOptions,
  { ip, tallies, busy, untried }: Trial,
  isFirst: boolean,
): Promise<number | undefined> {
  const key = randomBytes(32);
  if (isFirst) for (const port of ports.inUse) busy.own.add(port);
  const lent = ports.lend(MOST_PORTS);
  const own = await ProbePorts.open(listenIp, lent, key, now);
  try {
    if (own.ports.length === 0) return undefined;
    const far = await rpc.request('open', { ip: side().trunk.ip, ports: [...own.ports], key: key.toString('base64') });
    if (isFirst) for (const port of far.busy) busy.far.add(port);
    for (const port of [...own.ports, ...busy.own]) untried.own.delete(port);
    for (const port of [...far.ports, ...busy.far]) untried.far.delete(port);
    own.connect({ ip, ports: far.ports });
    // Both at once, as on a trunk: what a firewall lets through only because the other side spoke first would be so there too.
    const [, volley] = await Promise.all([own.volley(), rpc.request('volley', {})]);
    tallies.out.unsent += own.unsent;
    tallies.in.unsent += volley.unsent;
    const sent = isFirst ? await streams(own, rpc) : undefined;
    await new Promise((resolve) => setTimeout(resolve, TRAVEL_MS));
    const there = await rpc.request('seen', {});
    tally(tallies.out, own, there, ({ own: a, far: b }) => ({ from: a, to: b }), sent?.out);
    tally(tallies.in, own, own.seen, ({ own: a, far: b }) => ({ from: b, to: a }), sent?.in);
    await rpc.request('close', {});
    return own.rttMs;
  } finally {
    await own.close();
    for (const port of lent) ports.give(port);
  }
}

/** Two seconds of media in both directions at once, and echoes within. @returns packets that were sent */
async function streams(own: ProbePorts, rpc: Rpc<typeof SFT_PROBE, 'dialler'>) {
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
