/** What is known of another domain, as a row of text. Pure. */
import type { PeerReport } from '#signalling/administration.ts';

export const HEAD = [
  'DOMAIN',
  'STATE',
  'SINCE (UTC)',
  'CERTIFICATES END',
  'VERSION',
  'WAITING',
  'OLDEST',
  'MESSAGES IN/OUT',
  'CALLS',
  'REFUSED',
] as const;

/** @param now ms since 1970 */
export function rowOf(peer: PeerReport, now: number): string[] {
  const { domain, listed, state, since, code, authorities, certificateEndsAt, version, waiting, lastHour } = peer;
  const { messagesIn, messagesOut, calls, refusals } = lastHour;
  return [
    domain,
    `${state === 'keys-wait' ? 'keys wait' : state}${listed ? '' : ', not on the list'}${code === undefined || !listed ? '' : ` (${code})`}`,
    since === undefined ? '-' : timeOf(since),
    endsOf(authorities, certificateEndsAt),
    version === undefined ? '-' : `${version}`,
    `${waiting.count}`,
    waiting.oldestAt === undefined ? '-' : ageOf(now - waiting.oldestAt),
    `${messagesIn}/${messagesOut}`,
    `${calls}`,
    refusals.map((each) => `${each.count} ${each.code}`).join(', ') || '-',
  ];
}

/** What does not fit into the row. */
export function detailsOf({
  domain,
  authorities,
  waitingKeys = [],
  homeserver,
  mediaPrefixes,
  reachedAt,
}: PeerReport): string[] {
  return [
    '',
    ...authorities.map(({ fingerprint, endsAt }) => `Authority until ${dayOf(endsAt)}: ${fingerprint}`),
    ...waitingKeys.map((fingerprint) => `Keys that wait: ${fingerprint}`),
    ...(waitingKeys.length > 0 ? [`Compare them by telephone; hawser peers accept-keys ${domain} confirms them.`] : []),
    `Homeserver: ${homeserver ?? 'none named, so it is looked up by its domain'}`,
    `Media prefixes: ${mediaPrefixes.join(' ') || 'none, so there is no sound and no picture'}`,
    ...(reachedAt === undefined ? [] : [`Last answer: ${timeOf(reachedAt)} UTC`]),
  ];
}

/** The authority that lasts longest, and the certificate that the homeserver shows. */
function endsOf(authorities: PeerReport['authorities'], certificateEndsAt: number | undefined): string {
  if (authorities.length === 0) return '-';
  const authority = dayOf(Math.max(...authorities.map(({ endsAt }) => endsAt)));
  return certificateEndsAt === undefined ? authority : `${authority}, own ${dayOf(certificateEndsAt)}`;
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
const timeOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const;

/** `3 d`, `12 min`, `5 s` */
function ageOf(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms >= each) ?? ([1_000, 's'] as const);
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}
