/** Every way that the servers of a site need, as a function of the files that those servers read. Pure. */
import { isIP } from 'node:net';
import type { DomainName } from '#signalling/ids.ts';
import { type HostAndPort, hostAndPort, parseHostAndPort } from '#site/address.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import { withinPrefixes } from '#trust/prefixes.ts';
import { type Machine, type PortRange, type Rule, single } from './rule.ts';

/** What the allow list says of a domain, as far as ports go. */
export type PortsPeer = Pick<Peer, 'domain' | 'state' | 'mediaPrefixes' | 'linkPort' | 'trunkPorts'>;

export interface PeerDoor {
  /** IP addresses. */
  readonly addresses: readonly string[];
  readonly port: number | undefined;
}

export interface PortsInput {
  readonly site: Site;
  readonly peers: readonly PortsPeer[];
  /** Where the homeservers of the peers are, by the allow list or by DNS. */
  readonly doors: ReadonlyMap<DomainName, PeerDoor>;
}

/** In the order in which somebody would open them: people first, then other organisations, then what the servers themselves ask for. */
export function rulesOf({ site, peers, doors }: PortsInput): readonly Rule[] {
  const allowed = peers.filter(({ state }) => state === 'allowed');
  return [
    ...people(site),
    ...relays(site),
    ...allowed.flatMap((peer) => [...federation(site, peer, doors.get(peer.domain)), ...media(site, peer)]),
    ...inside(site),
    ...outside(site),
  ];
}

/** The media ports of clients: one for each worker. */
export function mediaPorts({ media: { port, workers } }: Site['sft']): PortRange {
  return { from: port, to: port + workers - 1 };
}

const STATEFUL = { isStateless: false } as const;

function people(site: Site): readonly Rule[] {
  const { sft, homeserver } = site;
  const page = hostAndPort(homeserver.client.listen);
  const signalling = hostAndPort(sft.client.listen);
  const common = {
    ...STATEFUL,
    direction: 'in',
    others: 'anyone',
    othersPorts: undefined,
    othersAre: 'your people',
  } as const;
  const media = { ...common, at: 'sft', own: own(sft.media.listenIp), ownPorts: mediaPorts(sft) } as const;
  return [
    {
      ...common,
      ...{ id: 'page-in', at: 'homeserver', protocol: 'tcp', own: own(page.host), ownPorts: single(page.port) },
      why: 'The page, its API, and the events by which calls ring.',
      without: 'Nobody can open the page or sign in.',
    },
    {
      ...common,
      ...{
        id: 'signalling-in',
        at: 'sft',
        protocol: 'tcp',
        own: own(signalling.host),
        ownPorts: single(signalling.port),
      },
      why: 'The WebSocket by which a browser enters a call.',
      without: 'The page opens, and every call fails at once.',
    },
    {
      ...media,
      ...{ id: 'media-udp-in', protocol: 'udp' },
      why: 'Sound and picture of your people, all of a worker on one port.',
      without: 'Calls go by TCP or TURN where those are open: later, and worse when packets are lost.',
    },
    {
      ...media,
      ...{ id: 'media-tcp-in', protocol: 'tcp' },
      why: 'The same for networks that let no UDP out.',
      without: 'People behind such networks can take part by TURN only, or not at all.',
    },
  ];
}

function relays({ turn, sft }: Site): readonly Rule[] {
  if (!turn) return [];
  const media = sft.media.announcedIp ?? sft.media.listenIp;
  return turn.hosts.flatMap(({ name, listenIp }): readonly Rule[] => {
    const suffix = turn.hosts.length > 1 ? `:${name}` : '';
    const common = { ...STATEFUL, at: 'turn', own: own(listenIp) } as const;
    const client = {
      ...common,
      direction: 'in',
      others: 'anyone',
      othersPorts: undefined,
      othersAre: 'your people',
    } as const;
    return [
      {
        ...client,
        ...{ id: `turn-udp-in${suffix}`, protocol: 'udp', ownPorts: single(turn.port) },
        why: `TURN over UDP on ${name}, for networks that open only a few UDP ports.`,
        without: 'People behind such networks need TURN over TLS.',
      },
      {
        ...client,
        ...{ id: `turn-tls-in${suffix}`, protocol: 'tcp', ownPorts: single(turn.tlsPort) },
        why: `TURN over TLS on ${name}, for networks that let nothing out but the web.`,
        without: 'People behind such networks cannot take part in calls.',
      },
      {
        ...common,
        ...{ id: `relay-out${suffix}`, direction: 'out', protocol: 'udp', ownPorts: turn.ports },
        ...{ others: [prefix(media)], othersPorts: mediaPorts(sft), othersAre: 'your SFT' },
        why: `From relays of ${name} to the media of the SFT, and to no other port of it.`,
        without: 'TURN takes clients, and their calls stay silent.',
      },
    ];
  });
}

function federation(site: Site, peer: PortsPeer, found: PeerDoor | undefined): readonly Rule[] {
  const { domain, mediaPrefixes } = peer;
  const door = hostAndPort(site.homeserver.federation.listen);
  const outside = (found?.addresses ?? []).filter((ip) => !withinPrefixes(ip, mediaPrefixes));
  const others = [...mediaPrefixes.map(prefix), ...outside.map(prefix)];
  const common = {
    ...STATEFUL,
    at: 'homeserver',
    protocol: 'tcp',
    others,
    othersAre: `homeserver of ${domain}`,
  } as const;
  return [
    {
      ...common,
      ...{
        id: `federation-in:${domain}`,
        direction: 'in',
        own: own(door.host),
        ownPorts: single(door.port),
        othersPorts: undefined,
      },
      why: `Messages and calls that begin at ${domain}. TLS 1.3 with certificates on both sides.`,
      without: `Messages of ${domain} do not arrive, and its calls do not ring.`,
    },
    {
      ...common,
      ...{ id: `federation-out:${domain}`, direction: 'out', own: undefined, ownPorts: undefined },
      othersPorts: found?.port === undefined ? undefined : single(found.port),
      why: `Messages and calls that begin here for ${domain}.`,
      without: `Messages to ${domain} wait, and it cannot be called.`,
    },
  ];
}

function media({ sft }: Site, { domain, mediaPrefixes, linkPort, trunkPorts }: PortsPeer): readonly Rule[] {
  if (mediaPrefixes.length === 0) return [];
  const link = hostAndPort(sft.link.listen);
  const common = {
    at: 'sft',
    others: mediaPrefixes.map(prefix),
    othersPorts: undefined,
    othersAre: `SFT of ${domain}`,
  } as const;
  const trunk = {
    ...common,
    isStateless: true,
    protocol: 'udp',
    othersPorts: trunkPorts,
    own: own(sft.trunk.listenIp),
    ownPorts: sft.trunk.ports,
  } as const;
  return [
    {
      ...{ ...common, ...STATEFUL, protocol: 'tcp', own: own(link.host), ownPorts: single(link.port) },
      ...{ id: `link-in:${domain}`, direction: 'in' },
      why: `The link by which the SFT of ${domain} joins calls that begin here.`,
      without: `People of ${domain} are alone in calls that begin here.`,
    },
    {
      ...{ ...common, ...STATEFUL, protocol: 'tcp', own: undefined, ownPorts: undefined },
      ...{ id: `link-out:${domain}`, direction: 'out' },
      othersPorts: linkPort === undefined ? undefined : single(linkPort),
      why: `The link by which your SFT joins calls that begin at ${domain}.`,
      without: `Your people are alone in calls that begin at ${domain}.`,
    },
    {
      ...trunk,
      ...{ id: `trunk-in:${domain}`, direction: 'in' },
      why: `Sound and picture from ${domain}, SRTP.`,
      without: `Nobody here hears or sees ${domain}.`,
    },
    {
      ...trunk,
      ...{ id: `trunk-out:${domain}`, direction: 'out' },
      why: `Sound and picture to ${domain}, SRTP.`,
      without: `Nobody at ${domain} hears or sees your people.`,
    },
  ];
}

/** Between the machines of the site; where both servers run on one, it never leaves it. */
function inside(site: Site): readonly Rule[] {
  const door = hostAndPort(site.homeserver.federation.listen);
  const { listenIp } = site.sft.trunk;
  const common = { ...STATEFUL, protocol: 'tcp' } as const;
  const home = new URL(site.sft.homeserver);
  const homeHost = home.hostname.replace(/^\[|\]$/g, '');
  // On one address both are on one machine.
  if (isLoopback(listenIp) || isLoopback(homeHost) || door.host === listenIp) return [];
  const incoming: Rule = {
    ...{ ...common, id: 'sft-to-homeserver', at: 'homeserver', direction: 'in' },
    ...{ own: own(door.host), ownPorts: single(door.port) },
    ...{ others: [prefix(listenIp)], othersPorts: undefined, othersAre: 'your SFT' },
    why: `Your SFT asks ${home.hostname} who may join. Not needed where both run on one machine.`,
    without: 'Nobody can join a call.',
  };
  const outgoing: Rule = {
    ...{ ...common, id: 'homeserver-out', at: 'sft', direction: 'out', own: undefined, ownPorts: undefined },
    // A firewall knows no names: where only a name is known, the port has to do.
    others: isIP(homeHost) === 0 ? 'anyone' : [prefix(homeHost)],
    ...{ othersPorts: single(Number(home.port || 443)), othersAre: 'your homeserver' },
    why: 'The same from the side of the SFT.',
    without: 'Nobody can join a call.',
  };
  // From which address an SFT on every address comes is not known.
  return own(listenIp) === undefined ? [outgoing] : [incoming, outgoing];
}

/** What the servers ask of the rest of the world. */
function outside({ homeserver, turn }: Site): readonly Rule[] {
  const alsoAt: readonly Machine[] = turn ? ['sft', 'turn'] : ['sft'];
  const common = { ...STATEFUL, direction: 'out', own: undefined, ownPorts: undefined, others: 'anyone' } as const;
  const rules: Rule[] = (['udp', 'tcp'] as const).map((protocol) => ({
    ...{ ...common, id: `dns-${protocol}-out`, at: 'homeserver', alsoAt, protocol },
    ...resolversOf(homeserver.federation.resolvers),
    why: 'Names of other domains, of your own hosts and of services. For each machine.',
    without: 'Other organisations cannot be found where the allow list names them by name.',
  }));
  rules.push({
    ...{ ...common, id: 'time-out', at: 'homeserver', alsoAt, protocol: 'udp' },
    ...{ othersPorts: single(123), othersAre: 'time servers' },
    why: 'A clock that is right: certificates, tickets and credentials are judged by it. For each machine.',
    without: 'After some weeks others refuse what is signed here.',
  });
  const web = [
    ...(homeserver.pushServices.length > 0 ? ['waking browsers that are closed'] : []),
    'directories of domains that are found by their web server',
  ];
  rules.push({
    ...{ ...common, id: 'web-out', at: 'homeserver', protocol: 'tcp' },
    ...{ othersPorts: single(443), othersAre: 'push services and web servers of other domains' },
    why: `HTTPS: ${web.join(', ')}.`,
    without: 'Closed browsers do not ring.',
  });
  const services = [
    [
      'mail-out',
      homeserver.mail?.url,
      'your mail server',
      'E-mail to people.',
      'Nobody can register or reset a password.',
    ],
    [
      'files-out',
      homeserver.assets.s3?.endpoint,
      'your S3 service',
      'Files that people send.',
      'No file can be sent or fetched.',
    ],
  ] as const;
  for (const [id, url, othersAre, why, without] of services) {
    const at = url === undefined ? undefined : portOfUrl(url);
    if (at === undefined || isLoopback(at.host)) continue;
    const others = isIP(at.host) === 0 ? ('anyone' as const) : [prefix(at.host)];
    rules.push({
      ...common,
      id,
      at: 'homeserver',
      protocol: 'tcp',
      others,
      othersPorts: single(at.port),
      othersAre,
      why,
      without,
    });
  }
  return rules;
}

function resolversOf(resolvers: readonly string[] | undefined): Pick<Rule, 'others' | 'othersPorts' | 'othersAre'> {
  const parsed = (resolvers ?? []).map(
    (text) => parseHostAndPort(text) ?? { host: text.replace(/^\[|\]$/g, ''), port: 53 },
  );
  const othersAre = 'your DNS servers';
  if (parsed.length === 0) return { others: 'anyone', othersPorts: single(53), othersAre };
  const [first] = parsed;
  const port = parsed.every((each) => each.port === first?.port) ? first?.port : undefined;
  return {
    others: parsed.map(({ host }) => prefix(host)),
    othersPorts: port === undefined ? undefined : single(port),
    othersAre,
  };
}

const PORT_OF: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465, 'http:': 80, 'https:': 443 };

function portOfUrl(text: string): HostAndPort | undefined {
  const { protocol, port, hostname } = new URL(text);
  const number = port === '' ? PORT_OF[protocol] : Number(port);
  return number === undefined ? undefined : { host: hostname.replace(/^\[|\]$/g, ''), port: number };
}

/** Undefined for every address of the machine. */
function own(ip: string): string | undefined {
  return ip === '0.0.0.0' || ip === '::' ? undefined : ip;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** A single address becomes the prefix of one. */
function prefix(text: string): string {
  if (text.includes('/')) return text;
  return isIP(text) === 6 ? `${text}/128` : `${text}/32`;
}
