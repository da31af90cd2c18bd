/** What is to be seen, of two readings of both servers: counters become rates. Pure. */
import type { PeerReports } from '#signalling/administration.ts';
import { SUSPECT_MS } from '#signalling/sft-link.ts';
import type { ProcessFigures } from '#site/process-figures.ts';
import { organisationsOf } from '../conference/rows.ts';
import type { HomeserverFigures } from '../servers/homeserver-answers.ts';
import type { SftConference, SftFigures } from '../servers/sft-answers.ts';

/** Undefined is what did not answer. */
export interface Reading {
  /** ms since 1970 */
  readonly at: number;
  readonly sft: SftFigures | undefined;
  readonly homeserver: HomeserverFigures | undefined;
  readonly peers: PeerReports | undefined;
}

export interface View {
  readonly domain: string;
  readonly at: number;
  readonly sft: SftView | undefined;
  readonly homeserver: HomeserverView | undefined;
  readonly peers: readonly PeerView[];
  readonly conferences: readonly ConferenceView[];
}

/** Shares are 0 to 1; of the processor, of one core. Undefined is what needs two readings. */
export interface Load {
  readonly memory: number;
  readonly lagMs: number;
  readonly cpu: number | undefined;
}

export interface SftView extends Load {
  readonly homeserver: boolean;
  readonly drainsUntil: number | undefined;
  readonly people: number;
  readonly workers: readonly (number | undefined)[];
}

export interface HomeserverView extends Load {
  readonly sft: boolean;
  readonly calls: number;
  readonly connections: number;
}

export interface PeerView {
  readonly peer: string;
  /** As the homeserver sees it. */
  readonly state: string | undefined;
  readonly waiting: number | undefined;
  readonly link: 'up' | 'suspect' | 'cut off' | undefined;
  readonly rttMs: number | undefined;
  readonly loss: number | undefined;
  readonly inMbit: number | undefined;
  readonly outMbit: number | undefined;
  /** Layers that are left out for want of room. */
  readonly leftOut: number;
}

export interface ConferenceView {
  readonly conference: string;
  readonly since: number;
  readonly role: 'anchor' | 'federated';
  readonly people: number;
  readonly organisations: string;
}

/** Bytes of one Mbit, and ms of one second. */
const MBIT = 125_000;
const SECOND = 1_000;

/** @param before an earlier reading; undefined at the beginning */
export function viewOf(domain: string, before: Reading | undefined, now: Reading): View {
  const seconds = before && now.at > before.at ? (now.at - before.at) / SECOND : undefined;
  const { sft, homeserver } = now;
  return {
    domain,
    at: now.at,
    sft: sft && sftView(domain, before?.sft, sft, seconds),
    homeserver: homeserver && {
      ...loadOf(before?.homeserver?.process, homeserver.process, seconds),
      sft: homeserver.sft,
      calls: homeserver.calls,
      connections: homeserver.eventConnections,
    },
    peers: peersOf(before?.sft, now, seconds),
    conferences: (sft?.conferences ?? [])
      .map((each) => conferenceView(domain, each))
      .sort((a, b) => b.people - a.people || a.since - b.since),
  };
}

function sftView(
  domain: string,
  before: SftFigures | undefined,
  now: SftFigures,
  seconds: number | undefined,
): SftView {
  const earlier = new Map(before?.workers.map(({ worker, cpuMs }) => [worker, cpuMs]));
  const own = now.conferences.flatMap(({ roster }) => roster.filter((each) => each.domain === domain));
  return {
    ...loadOf(before?.process, now.process, seconds),
    homeserver: now.homeserver,
    drainsUntil: now.drainsUntil,
    people: own.length,
    workers: now.workers.map(({ worker, cpuMs }) => rate(earlier.get(worker), cpuMs, seconds, SECOND)),
  };
}

function loadOf(before: ProcessFigures | undefined, now: ProcessFigures, seconds: number | undefined): Load {
  return { memory: now.memory, lagMs: now.lagMs, cpu: rate(before?.cpuMs, now.cpuMs, seconds, SECOND) };
}

interface Sum {
  readonly sent: number;
  readonly received: number;
  readonly packets: number;
  readonly lost: number;
}

function peersOf(before: SftFigures | undefined, { sft, peers }: Reading, seconds: number | undefined): PeerView[] {
  const earlier = sumsOf(before);
  const sums = sumsOf(sft);
  const verdicts = new Map(sft?.peers.map(({ peer, refused, shed }) => [peer, { refused, leftOut: shed.length }]));
  const linked = (sft?.links ?? []).map(({ peer }) => peer);
  const names = new Set([...(peers?.peers ?? []).map(({ domain }) => domain), ...linked, ...verdicts.keys()]);
  return [...names].sort().map((peer): PeerView => {
    const report = peers?.peers.find(({ domain }) => domain === peer);
    const links = (sft?.links ?? []).filter((link) => link.peer === peer);
    const [was, is] = [earlier.get(peer), sums.get(peer)];
    const rtts = links.flatMap(({ rttMs }) => (rttMs === undefined ? [] : [rttMs]));
    const isSuspect = links.some(({ silentForMs }) => silentForMs > SUSPECT_MS);
    const stands = links.length === 0 ? undefined : isSuspect ? 'suspect' : 'up';
    return {
      peer,
      state: report?.state,
      waiting: report?.waiting.count,
      link: verdicts.get(peer)?.refused ? 'cut off' : stands,
      rttMs: rtts.length === 0 ? undefined : Math.max(...rtts),
      loss: lossOf(was, is),
      inMbit: rate(was?.received, is?.received, seconds, MBIT),
      outMbit: rate(was?.sent, is?.sent, seconds, MBIT),
      leftOut: verdicts.get(peer)?.leftOut ?? 0,
    };
  });
}

function sumsOf(sft: SftFigures | undefined): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { peer, trunks } of sft?.links ?? []) {
    for (const { sent, received, streams } of trunks) {
      const sum = sums.get(peer) ?? { sent: 0, received: 0, packets: 0, lost: 0 };
      sums.set(peer, {
        sent: sum.sent + sent,
        received: sum.received + received,
        packets: streams.reduce((all, each) => all + each.packets, sum.packets),
        lost: streams.reduce((all, each) => all + each.lost, sum.lost),
      });
    }
  }
  return sums;
}

/** In both directions. Streams that end take their counters with them: what became less says nothing. */
function lossOf(was: Sum | undefined, is: Sum | undefined): number | undefined {
  if (!was || !is) return undefined;
  const [packets, lost] = [is.packets - was.packets, is.lost - was.lost];
  return packets <= 0 || lost < 0 ? undefined : Math.min(1, lost / (packets + lost));
}

function rate(
  before: number | undefined,
  now: number | undefined,
  seconds: number | undefined,
  unit: number,
): number | undefined {
  if (before === undefined || now === undefined || seconds === undefined || now < before) return undefined;
  return (now - before) / unit / seconds;
}

function conferenceView(domain: string, { conference, since, anchor, roster }: SftConference): ConferenceView {
  const role = anchor === domain ? 'anchor' : 'federated';
  return { conference, since, role, people: roster.length, organisations: organisationsOf({ people: roster }) };
}
