/** Conferences, and who is in them, as rows of text. Pure. */
import type { DomainName } from '#signalling/ids.ts';
import type { Path } from '../servers/sft-answers.ts';
import type { Listed, Person, Sent } from './merge.ts';

export const LIST_HEAD = ['CONFERENCE', 'SINCE (UTC)', 'ROLE', 'ANCHOR', 'LED BY', 'PEOPLE', 'ORGANISATIONS'] as const;

export function rowOf(listed: Listed, own: DomainName): string[] {
  return [
    listed.conference,
    timeOf(listed.since),
    roleOf(listed, own),
    listed.anchor,
    listed.hub ?? '-',
    `${listed.people.length}`,
    organisationsOf(listed),
  ];
}

export function roleOf({ anchor, here }: Listed, own: DomainName): string {
  return here ? (anchor === own ? 'anchor' : 'federated') : 'not here';
}

/** `alpha.example 3, beta.example 1` */
export function organisationsOf({ people }: { readonly people: readonly { readonly domain: string }[] }): string {
  const groups = Map.groupBy(people, ({ domain }) => domain);
  return [...groups].map(([domain, members]) => `${domain} ${members.length}`).join(', ') || '-';
}

export const PEOPLE_HEAD = [
  'PARTICIPANT',
  'HANDLE',
  'DOMAIN',
  'SENDS',
  'PATH',
  'RTT',
  'LOSS IN/OUT',
  'MBIT/S IN/OUT',
] as const;

/** @param path of somebody whose client is connected to this media server */
export function personRow({ participant, handle, domain, sends, hand }: Person, path: Path | undefined): string[] {
  return [
    participant,
    handle === undefined ? '-' : `@${handle}`,
    domain,
    sends === undefined
      ? 'not seen by the media server'
      : [...sends.map(inWords), ...(hand ? ['hand'] : [])].join(', ') || '-',
    path?.protocol ?? '-',
    path?.rttMs === undefined ? '-' : `${path.rttMs} ms`,
    path ? `${percent(path.lossIn)}/${percent(path.lossOut)}` : '-',
    path ? `${path.inMbit.toFixed(2)}/${path.outMbit.toFixed(2)}` : '-',
  ];
}

function inWords({ kind, layers, muted }: Sent): string {
  if (muted) return `${kind} (muted)`;
  return kind === 'camera' ? `camera ${layers.join('+') || 'asked for by nobody'}` : kind;
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(1)}%`;
}

export function timeOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
