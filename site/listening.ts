/** What listens where: two parts of a site that would take one port, on this machine or behind one public address. */
import { parseHostAndPort } from './address.ts';
import { isEveryIp, meets, plainIp } from './ip.ts';
import type { Mistake } from './mistakes.ts';
import { concerns, type Part } from './part.ts';
import { workersHere } from './sft.ts';
import { checkTurnHosts, type TurnHostLeaves, turnHostsIn } from './turn-hosts.ts';
import { type Leaf, mistake, type Place, text } from './yaml.ts';

interface Use {
  readonly path: string;
  readonly place: Place;
  /** Of its first port. */
  readonly begin: Place;
  readonly protocols: readonly ('TCP' | 'UDP')[];
  /** Where it listens, and the address by which others come there. */
  readonly ips: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** Ports that two parts would both take. */
export interface Clash {
  readonly path: string;
  readonly place: Place;
  /** `UDP port 40000` */
  readonly ports: string;
  /** The path of who takes them too. */
  readonly other: string;
}

/** What is wrong with ports, as far as the file shows it. */
export function checkListening(leaves: readonly Leaf[], parts: readonly Part[]): readonly Mistake[] {
  const ours = usesOf(leaves, parts);
  const turn = concerns('turn.ports.to', parts) ? turnUses(leaves, WHEREVER) : [];
  const [relays, others] = [turn.filter(isRange), turn.filter((use) => !isRange(use))];
  const remedy = 'Give one of the two other ports.';
  const clashes = [
    ...ours.flatMap((use, index) => clashesOf(use, ours.slice(0, index))),
    ...relays.flatMap((use) => clashesOf(use, others)),
    ...turnClashes(leaves, parts, isNamed(leaves, parts)),
  ];
  return [
    ...[...ours, ...relays].flatMap(outOfRange),
    ...checkTurnHosts(leaves, parts),
    ...clashes.map(({ path, place, ports, other }) =>
      mistake(place, `${path} takes ${ports}, which ${other} takes too.`, { path, remedy }),
    ),
  ];
}

/** Ports of coturn that are also some of the servers, on those of its hosts that are on this machine. */
export function turnClashes(
  leaves: readonly Leaf[],
  parts: readonly Part[],
  isHere: (host: TurnHostLeaves) => boolean,
): readonly Clash[] {
  const ours = usesOf(leaves, parts);
  const here = turnHostsIn(leaves).filter(isHere);
  const clashes = here.flatMap(({ ips }) => turnUses(leaves, ips).flatMap((use) => clashesOf(use, ours)));
  // All hosts have the same ports.
  return [...new Map(clashes.map((clash) => [clash.path, clash])).values()];
}

/** Whether the file shows that a TURN host is on the machine of its servers, or behind the same public address. */
export function isNamed(leaves: readonly Leaf[], parts: readonly Part[]): (host: TurnHostLeaves) => boolean {
  const named = new Set(usesOf(leaves, parts).flatMap(({ ips }) => ips.filter((ip) => !isEveryIp(ip)).map(plainIp)));
  return ({ ips }) => ips.some((ip) => isEveryIp(ip) || named.has(plainIp(ip)));
}

function usesOf(leaves: readonly Leaf[], parts: readonly Part[]): readonly Use[] {
  return [...doors(leaves), ...media(leaves)].filter(({ path }) => concerns(path, parts));
}

function outOfRange({ path, place, from, to }: Use): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  if (to > 65_535) {
    const message = `${path}: the ports ${from} to ${to} end above 65535.`;
    mistakes.push(mistake(place, message, { path, remedy: 'Begin lower.' }));
  }
  if (to < from) {
    const remedy = 'Write the lower port in from, and the higher one in to.';
    mistakes.push(mistake(place, `${path}: the last port is below the first.`, { path, remedy }));
  }
  return mistakes;
}

function doors(leaves: readonly Leaf[]): readonly Use[] {
  return leaves.flatMap(({ path, schema, value, place }) => {
    const address =
      text(schema, 'kind') === 'listen' && typeof value === 'string' ? parseHostAndPort(value) : undefined;
    if (address === undefined) return [];
    const range = { from: address.port, to: address.port };
    return [{ path, place, begin: place, protocols: ['TCP' as const], ips: [address.host], ...range }];
  });
}

function media(leaves: readonly Leaf[]): readonly Use[] {
  const leaf = (path: string) => leaves.find((candidate) => candidate.path === path);
  const ipsOf = (section: string) =>
    ['listenIp', 'announcedIp'].flatMap((name) => leaf(`${section}.${name}`) ?? []).map(({ value }) => String(value));
  const port = leaf('sft.media.port');
  const written = leaf('sft.media.workers')?.value;
  const workers = workersHere({ workers: typeof written === 'number' ? written : undefined });
  const [from, to] = ['from', 'to'].map((name) => leaf(`sft.trunk.ports.${name}`));
  const uses: Use[] = [];
  if (port) {
    const first = Number(port.value);
    const range = { from: first, to: first + workers - 1 };
    const { path, place } = port;
    uses.push({ path, place, begin: place, protocols: ['TCP', 'UDP'], ips: ipsOf('sft.media'), ...range });
  }
  if (from && to) {
    const range = { from: Number(from.value), to: Number(to.value) };
    const at = { path: 'sft.trunk.ports', place: to.place, begin: from.place };
    uses.push({ ...at, protocols: ['UDP'], ips: ipsOf('sft.trunk'), ...range });
  }
  return uses;
}

/** Of coturn, on whichever machine it is. */
const WHEREVER = ['::'];

/** What coturn takes on each of its hosts. */
function turnUses(leaves: readonly Leaf[], ips: readonly string[]): readonly Use[] {
  const leaf = (name: string) => leaves.find(({ path }) => path === `turn.${name}`);
  const [port, tlsPort, from, to] = ['port', 'tlsPort', 'ports.from', 'ports.to'].map(leaf);
  if (!port || !tlsPort || !from || !to) return [];
  const single = ({ path, place, value }: Leaf, protocol: 'TCP' | 'UDP'): Use => {
    const range = { from: Number(value), to: Number(value) };
    return { path, place, begin: place, protocols: [protocol], ips, ...range };
  };
  const range = { from: Number(from.value), to: Number(to.value) };
  const relays = { path: 'turn.ports', place: to.place, begin: from.place, ips, ...range };
  return [single(port, 'UDP'), single(tlsPort, 'TCP'), { ...relays, protocols: ['UDP'] }];
}

function isRange({ path }: Use): boolean {
  return path === 'turn.ports';
}

/** At most one: whoever moves a part sees what else is in its way. */
function clashesOf(use: Use, others: readonly Use[]): readonly Clash[] {
  const other = others.find((each) => isClash(use, each));
  if (!other) return [];
  // Of a range, the end that lies within the other one is the one to move.
  const place = use.from >= other.from && use.from <= other.to ? use.begin : use.place;
  return [{ path: use.path, place, ports: inWords(use), other: other.path }];
}

function isClash(a: Use, b: Use): boolean {
  const atOne = a.ips.some((one) => b.ips.some((other) => meets(one, other)));
  return atOne && a.protocols.some((one) => b.protocols.includes(one)) && a.from <= b.to && b.from <= a.to;
}

function inWords({ protocols, from, to }: Use): string {
  return `${protocols.join(' and ')} port ${from === to ? from : `${from} to ${to}`}`;
}
