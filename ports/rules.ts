/** Every way that the servers of a site need, as a function of the files that those servers read. Pure. */
import { isIP } from 'node:net';
import type { DomainName } from '#signalling/ids.ts';
import { hostAndPort, parseHostAndPort } from '#site/address.ts';
import { isEveryIp, isLocalHost, plainIp } from '#site/ip.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import { isPrefix, plainPrefix, withinPrefixes } from '#trust/prefixes.ts';
import { doorOf, forwarded, hostOf, portOf } from './door.ts';
import { type Machine, type PortRange, type Rule, single } from './rule.ts';
import { homeRuleIds, type TurnRule, turnRuleId } from './rule-ids.ts';

/** One that says how many media workers it has. Else its ports would be those of the machine on which somebody asks. */
export type KnownSite = Site & { readonly sft: { readonly media: { readonly workers: number } } };

export function isKnown(site: Site): site is KnownSite {
  return site.sft.media.workers !== undefined;
}

/** What the allow list says of a domain, as far as ports go. */
export type PortsPeer = Pick<Peer, 'domain' | 'state' | 'mediaPrefixes' | 'linkPort' | 'trunkPorts'>;

export interface PeerDoor {
  /** IP addresses. */
  readonly addresses: readonly string[];
  /** Undefined where they have several, or none is known. */
  readonly port: number | undefined;
}

export interface PortsInput {
  readonly site: KnownSite;
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
export function mediaPorts({ media: { port, workers } }: KnownSite['sft']): PortRange {
  return { from: port, to: port + workers - 1 };
}

const STATEFUL = { isStateless: false } as const;

function people(site: KnownSite): readonly Rule[] {
  const { sft, homeserver } = site;
  const { proxies, tls, url } = homeserver.client;
  // Elsewhere than here, and only where one ends TLS: whoever forwards a port leaves it as it is.
  const isPlain = !tls && url.startsWith('https:');
  const isKnownHere = isPlain && proxies.length > 0;
  const known = proxies.filter((each) => isPrefix(each) && !isLocalHost(each.replace(/\/.*/, '')));
  const media = { ...PEOPLE, at: 'sft', own: own(sft.media.listenIp), ownPorts: mediaPorts(sft) } as const;
  return [
    ...comeIn(homeserver.client, {
      ...{ id: 'page-in', behind: 'page-behind-in', at: 'homeserver', proxies: isKnownHere ? known : undefined },
      why: 'The page, its API, and the events by which calls ring.',
      without: 'Nobody can open the page or sign in.',
    }),
    ...comeIn(sft.client, {
      ...{ id: 'signalling-in', behind: 'signalling-behind-in', at: 'sft', proxies: undefined },
      why: 'The WebSocket by which a browser enters a call.',
      without: 'The page opens, and every call fails at once.',
    }),
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

const PEOPLE = {
  ...STATEFUL,
  direction: 'in',
  others: 'anyone',
  othersPorts: undefined,
  othersAre: 'your people',
} as const;

interface Entrance extends Pick<Rule, 'id' | 'at' | 'why' | 'without'> {
  /** Of the second rule, where something in front hands on to a port that others reach. */
  readonly behind: string;
  /** Prefixes of those on other machines; undefined where they are not known. */
  readonly proxies: readonly string[] | undefined;
}

function comeIn(client: { readonly listen: string; readonly url: string }, entrance: Entrance): readonly Rule[] {
  const { inner, port, kind } = doorOf(client.listen, client.url);
  const { id, behind, at, why, without, proxies } = entrance;
  const rule = { ...PEOPLE, at, protocol: 'tcp' } as const;
  if (kind === 'direct') {
    return [{ ...rule, id, own: own(inner.host), ownPorts: single(inner.port), why, without }];
  }
  const who = kind === 'proxy' ? 'The reverse proxy on this machine' : 'A reverse proxy or a port forward';
  const handedOn = `${who} takes it and has to hand it on to ${client.listen}.`;
  const outer = { ...rule, id, own: undefined, ownPorts: single(port), why: `${why} ${handedOn}`, without };
  // All proxies are on this machine, where no firewall is between the two.
  if (kind === 'proxy' || proxies?.length === 0) return [outer];
  const from = proxies === undefined ? {} : { others: prefixes(proxies), othersAre: 'your reverse proxies' };
  return [
    outer,
    {
      ...{ ...rule, id: behind, own: own(inner.host), ownPorts: single(inner.port), ...from },
      why: `Where ${id} is handed on to from another machine. For a reverse proxy on this one listen on 127.0.0.1:${inner.port}, and the rule is gone.`,
      without,
    },
  ];
}

function relays({ turn, sft }: KnownSite): readonly Rule[] {
  if (!turn) return [];
  const media = sft.media.announcedIp ?? sft.media.listenIp;
  const names = turn.hosts.map(({ name }) => name);
  return turn.hosts.flatMap(({ name, listenIp }): readonly Rule[] => {
    const id = (rule: TurnRule) => turnRuleId(rule, name, names);
    const common = { ...STATEFUL, at: 'turn', own: own(listenIp) } as const;
    const client = { ...common, ...PEOPLE } as const;
    return [
      {
        ...client,
        ...{ id: id('turn-udp-in'), protocol: 'udp', ownPorts: single(turn.port) },
        why: `TURN over UDP on ${name}, for networks that open only a few UDP ports.`,
        without: 'People behind such networks need TURN over TLS.',
      },
      {
        ...client,
        ...{ id: id('turn-tls-in'), protocol: 'tcp', ownPorts: single(turn.tlsPort) },
        why: `TURN over TLS on ${name}, for networks that let nothing out but the web.`,
        without: 'People behind such networks cannot take part in calls.',
      },
      {
        ...common,
        ...{ id: id('relay-out'), direction: 'out', protocol: 'udp', ownPorts: turn.ports },
        ...{ others: [prefix(media)], othersPorts: mediaPorts(sft), othersAre: 'your SFT' },
        why: `From relays of ${name} to the media of the SFT, and to no other port of it.`,
        without: 'TURN takes clients, and their calls stay silent.',
      },
    ];
  });
}

function federation(site: Site, peer: PortsPeer, found: PeerDoor | undefined): readonly Rule[] {
  const { domain, mediaPrefixes } = peer;
  const { listen, address } = site.homeserver.federation;
  const door = hostAndPort(listen);
  const outside = (found?.addresses ?? []).map(plainIp).filter((ip) => !withinPrefixes(ip, mediaPrefixes));
  const others = prefixes([...mediaPrefixes, ...outside]);
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
      why: `Messages and calls that begin at ${domain}. TLS 1.3 with certificates on both sides.${forwarded(listen, hostAndPort(address).port)}`,
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
    others: prefixes(mediaPrefixes),
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
      why: `The link by which the SFT of ${domain} joins calls that begin here.${forwarded(sft.link.listen, portOf(new URL(sft.link.url)))}`,
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
  const homeHost = hostOf(home);
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
    ...{ othersPorts: single(portOf(home)), othersAre: 'your homeserver' },
    why: 'The same from the side of the SFT.',
    without: 'Nobody can join a call.',
  };
  const ids: readonly string[] = homeRuleIds(site);
  return [incoming, outgoing].filter(({ id }) => ids.includes(id));
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
    if (url === undefined) continue;
    const to = new URL(url);
    const host = hostOf(to);
    if (isLocalHost(host)) continue;
    const others = isIP(host) === 0 ? ('anyone' as const) : [prefix(host)];
    rules.push({
      ...common,
      id,
      at: 'homeserver',
      protocol: 'tcp',
      others,
      othersPorts: single(portOf(to)),
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
    others: prefixes(parsed.map(({ host }) => host).filter(isPrefix)),
    othersPorts: port === undefined ? undefined : single(port),
    othersAre,
  };
}

/** Undefined for every address of the machine. */
function own(ip: string): string | undefined {
  return isEveryIp(ip) ? undefined : plainIp(ip);
}

/** As every firewall takes it. A single address becomes the prefix of one. */
function prefix(text: string): string {
  return plainPrefix(plainIp(text));
}

function prefixes(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.map(prefix))];
}
