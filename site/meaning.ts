/** What single values cannot show: two servers on one port, a page that no browser gives a camera. */
import { isIP } from 'node:net';
import { parseHostAndPort } from './address.ts';
import { wrongDatabase } from './database.ts';
import type { Mistake } from './mistakes.ts';
import { concerns, type Part } from './part.ts';
import { type Leaf, mistake, type Place, text } from './yaml.ts';

/** Names and addresses that are well formed and mean nothing all the same. */
export function checkNames(leaves: readonly Leaf[]): readonly Mistake[] {
  const unannounced = leaves.flatMap(({ path, value, place }) => {
    const announced = path.replace(/listenIp$/, 'announcedIp');
    const silent = announced !== path && isAny(String(value)) && !leaves.some((leaf) => leaf.path === announced);
    const remedy = `Add announcedIp with the address that others reach, for instance: announcedIp: 203.0.113.7`;
    const message = `${path} is every address; say in ${announced} which one others reach.`;
    return silent ? [mistake(place, message, { path, remedy })] : [];
  });
  const wrong = leaves.flatMap(({ path, schema, value, place }) => {
    const wrong = typeof value === 'string' ? wrongName(path, value, text(schema, 'kind')) : undefined;
    return wrong === undefined ? [] : [mistake(place, `${path}: ${wrong[0]}`, { path, remedy: wrong[1] })];
  });
  return [...unannounced, ...wrong, ...checkEntrance(leaves), ...checkPassword(leaves), ...checkRegistration(leaves)];
}

/** Without a database the password's file would be there for nothing, and SQLite be used in silence. */
function checkPassword(leaves: readonly Leaf[]): readonly Mistake[] {
  const file = leaves.find(({ path }) => path === 'homeserver.databasePasswordFile');
  if (!file || leaves.some(({ path }) => path === 'homeserver.database')) return [];
  const { path, place } = file;
  const remedy = 'Add homeserver.database with the URL of the database, or take the password out.';
  return [mistake(place, `${path} is for homeserver.database, which is not there.`, { path, remedy })];
}

/** Ways to register that lead nowhere, and a password that is asked for nowhere. */
function checkRegistration(leaves: readonly Leaf[]): readonly Mistake[] {
  const leaf = (path: string) => leaves.find((candidate) => candidate.path === `homeserver.${path}`);
  const mode = leaf('registration.mode');
  const domains = leaf('registration.emailDomains');
  const password = leaf('mail.passwordFile');
  const mistakes: Mistake[] = [];
  if (mode && mode.value !== 'closed' && !leaf('mail.url')) {
    const why = 'people register by e-mail, so homeserver.mail must say how it is sent.';
    mistakes.push(
      mistake(mode.place, `${mode.path}: ${why}`, { path: mode.path, remedy: 'Add homeserver.mail, or write closed.' }),
    );
  }
  if (mode?.value === 'domains' && Array.isArray(domains?.value) && domains.value.length === 0) {
    const why = 'homeserver.registration.emailDomains must name at least one domain.';
    mistakes.push(
      mistake(mode.place, `${mode.path}: ${why}`, { path: mode.path, remedy: 'Add the list, or take another mode.' }),
    );
  }
  if (password && !leaf('mail.user')) {
    const { path, place } = password;
    mistakes.push(
      mistake(place, `${path}: a password needs homeserver.mail.user.`, {
        path,
        remedy: 'Add user, or take the password out.',
      }),
    );
  }
  return mistakes;
}

/** Whoever sends the first packet is taken for the client, so that nobody else may be able to. */
function checkEntrance(leaves: readonly Leaf[]): readonly Mistake[] {
  const entrance = leaves.find(({ path, value }) => path === 'sft.media.entrance' && value === 'plain');
  const listens = leaves.find(({ path }) => path === 'sft.media.listenIp');
  if (!entrance || /^127\./.test(String(listens?.value))) return [];
  const { path, place } = entrance;
  const remedy = 'Take it out: people come by WebRTC.';
  return [
    mistake(place, `${path}: plain RTP is for load tests with sft.media.listenIp on loopback.`, { path, remedy }),
  ];
}

/** What is wrong, and what to do. */
type Wrong = readonly [message: string, remedy: string];

function wrongName(path: string, value: string, kind: string): Wrong | undefined {
  if (path === 'domain' && value.startsWith('sft.')) {
    const message = 'a domain cannot begin with sft., which is the name of the SFT of another one.';
    return [message, 'Write the domain of the organisation, as it stands in the addresses of its people.'];
  }
  if (kind === 'database') {
    const wrong = wrongDatabase(value);
    return wrong === undefined ? undefined : [wrong, 'A right one is postgresql://hawser@db.alpha.example/hawser.'];
  }
  if (kind === 'ip' && isIP(value) === 0) return [`${value} is not an IP address.`, AN_ADDRESS];
  if (kind === 'listen' || kind === 'address') {
    const parsed = parseHostAndPort(value);
    if (parsed === undefined) return ['the port must be 1 to 65535.', 'Write such a port behind the last colon.'];
    if (kind === 'listen' && isIP(parsed.host) === 0) return [`${parsed.host} is not an IP address.`, AN_ADDRESS];
  }
  if (kind === 'url') {
    if (!URL.canParse(value)) return ['this is not a URL.', 'Write a name, or four numbers from 0 to 255.'];
    const { protocol, hostname } = new URL(value);
    if ((protocol === 'http:' || protocol === 'ws:') && !isLocal(hostname)) {
      const secure = protocol === 'http:' ? 'https' : 'wss';
      const message = `without ${secure} browsers give no camera and no microphone, except on localhost.`;
      return [message, `Write ${secure}://, with a certificate in tls beside it or at a reverse proxy.`];
    }
  }
  return undefined;
}

const AN_ADDRESS = 'Write four numbers from 0 to 255 with dots between them, or an IPv6 address.';

/** Where browsers see a secure context without TLS (W3C Secure Contexts, section 3.1). */
function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);
}

interface Use {
  readonly path: string;
  readonly place: Place;
  /** Of its first port. */
  readonly begin: Place;
  readonly protocols: readonly ('TCP' | 'UDP')[];
  readonly ip: string;
  readonly from: number;
  readonly to: number;
}

/** Ports that two parts of the site would both take. */
export function checkListening(leaves: readonly Leaf[], parts: readonly Part[]): readonly Mistake[] {
  const ours = [...doors(leaves), ...media(leaves)].filter(({ path }) => concerns(path, parts));
  const uses = [...ours, ...turn(leaves, ours)];
  const ranges = concerns('turn.ports.to', parts) ? relays(leaves) : [];
  const mistakes: Mistake[] = [];
  for (const { path, place, from, to } of [...ours, ...ranges]) {
    if (to > 65_535)
      mistakes.push(
        mistake(place, `${path}: the ports ${from} to ${to} end above 65535.`, { path, remedy: 'Begin lower.' }),
      );
    if (to < from)
      mistakes.push(
        mistake(place, `${path}: the last port is below the first.`, {
          path,
          remedy: 'Write the lower port in from, and the higher one in to.',
        }),
      );
  }
  const remedy = 'Give one of the two other ports.';
  for (const [index, use] of uses.entries()) {
    const other = uses.slice(0, index).find((earlier) => clash(earlier, use));
    if (!other) continue;
    const { path } = use;
    // Of a range, the end that lies within the other one is the one to move.
    const place = use.from >= other.from && use.from <= other.to ? use.begin : use.place;
    mistakes.push(mistake(place, `${path} takes ${ports(use)}, which ${other.path} takes too.`, { path, remedy }));
  }
  return mistakes;
}

function doors(leaves: readonly Leaf[]): readonly Use[] {
  return leaves.flatMap(({ path, schema, value, place }) => {
    const address =
      text(schema, 'kind') === 'listen' && typeof value === 'string' ? parseHostAndPort(value) : undefined;
    if (address === undefined) return [];
    const range = { from: address.port, to: address.port };
    return [{ path, place, begin: place, protocols: ['TCP' as const], ip: address.host, ...range }];
  });
}

function media(leaves: readonly Leaf[]): readonly Use[] {
  const leaf = (path: string) => leaves.find((candidate) => candidate.path === path);
  const [ip, workers, port] = ['listenIp', 'workers', 'port'].map((name) => leaf(`sft.media.${name}`));
  const [trunkIp, from, to] = ['listenIp', 'ports.from', 'ports.to'].map((name) => leaf(`sft.trunk.${name}`));
  const uses: Use[] = [];
  if (ip && workers && port) {
    const first = Number(port.value);
    const range = { from: first, to: first + Number(workers.value) - 1 };
    const { path, place } = port;
    uses.push({ path, place, begin: place, protocols: ['TCP', 'UDP'], ip: String(ip.value), ...range });
  }
  if (trunkIp && from && to) {
    const range = { from: Number(from.value), to: Number(to.value) };
    const at = { path: 'sft.trunk.ports', place: to.place, begin: from.place };
    uses.push({ ...at, protocols: ['UDP'], ip: String(trunkIp.value), ...range });
  }
  return uses;
}

/** On whichever machine it is. */
function relays(leaves: readonly Leaf[]): readonly Pick<Use, 'path' | 'place' | 'begin' | 'from' | 'to'>[] {
  const [from, to] = ['from', 'to'].map((name) => leaves.find(({ path }) => path === `turn.ports.${name}`));
  if (!from || !to) return [];
  return [{ path: 'turn.ports', place: to.place, begin: from.place, from: Number(from.value), to: Number(to.value) }];
}

/** What coturn takes on a host that is also one of the site's own; on other machines it is in nobody's way. */
function turn(leaves: readonly Leaf[], ours: readonly Use[]): readonly Use[] {
  const leaf = (path: string) => leaves.find((candidate) => candidate.path === path);
  const [port, tlsPort] = ['port', 'tlsPort'].map((name) => leaf(`turn.${name}`));
  const [range] = relays(leaves);
  if (!port || !tlsPort || !range) return [];
  const hosts = leaves
    .filter(({ path }) => /^turn\.hosts\.[0-9]+\.listenIp$/.test(path))
    .map(({ value }) => String(value));
  const here = hosts.filter((ip) => isAny(ip) || ours.some((use) => use.ip === ip));
  return here.flatMap((ip): Use[] => {
    const single = ({ path, place, value }: Leaf) => ({
      ...{ path, place, begin: place, ip },
      ...{ from: Number(value), to: Number(value) },
    });
    return [
      { ...single(port), protocols: ['UDP'] },
      { ...single(tlsPort), protocols: ['TCP'] },
      { ...range, ip, protocols: ['UDP'] },
    ];
  });
}

function clash(a: Use, b: Use): boolean {
  return meet(a.ip, b.ip) && a.protocols.some((one) => b.protocols.includes(one)) && a.from <= b.to && b.from <= a.to;
}

/** Whether who listens on one address takes the ports of the other. `::` takes those of IPv4 too. */
function meet(a: string, b: string): boolean {
  if (a === '::' || b === '::') return true;
  const [one, other] = [plainIp(a), plainIp(b)];
  return one === other || (isIP(one) === isIP(other) && (isAny(one) || isAny(other)));
}

/** An address in the one form that there is of it: `0:0::1` is `::1`, and `::ffff:127.0.0.1` is `127.0.0.1`. */
function plainIp(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  return mapped?.[1] ?? new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

function ports({ protocols, from, to }: Use): string {
  return `${protocols.join(' and ')} port ${from === to ? from : `${from} to ${to}`}`;
}
