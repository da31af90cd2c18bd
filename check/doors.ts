/** What browsers and other domains are told, held against where the servers listen. */
import { isIP } from 'node:net';
import { parseHostAndPort } from '#site/address.ts';
import { isLocalHost } from '#site/ip.ts';
import { kindOf } from './address-kind.ts';
import { hostOf } from './addresses.ts';
import { type Facts, isUsed } from './facts.ts';
import { type Option, type Remark, refuse, warn } from './finding.ts';

export function checkDoors(facts: Facts): readonly Remark[] {
  return [...checkPorts(facts), ...checkHosts(facts), ...checkOrigins(facts), ...checkHome(facts)];
}

interface Door {
  readonly listen: string;
  /** What others are told. */
  readonly told: string;
  /** What says that no reverse proxy is in between; undefined where none can be. */
  readonly tls?: string;
}

const DOORS: readonly Door[] = [
  { listen: 'homeserver.client.listen', told: 'homeserver.client.url', tls: 'homeserver.client.tls.certificate' },
  { listen: 'homeserver.federation.listen', told: 'homeserver.federation.address' },
  { listen: 'sft.client.listen', told: 'sft.client.url', tls: 'sft.client.tls.certificate' },
  { listen: 'sft.link.listen', told: 'sft.link.url' },
];

function checkPorts(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  return DOORS.flatMap(({ listen, told, tls }) => {
    const [at, to] = [options.text(listen), options.text(told)];
    const own = parseHostAndPort(at?.value ?? '');
    const port = to && portOf(to.value);
    if (!to || !own || port === undefined || !isUsed(to, facts)) return [];
    const isPlain = tls !== undefined && !options.text(tls);
    const isSecure = /^(?:https|wss):/.test(to.value);
    if (isPlain && isSecure && port === own.port && kindOf(own.host) !== 'loopback') {
      const section = tls.replace('.certificate', '');
      const reason = `whoever comes to port ${port} speaks TLS, which ${listen} does not without ${section}.`;
      return [warn(to, reason, `Add ${section}, or let a reverse proxy have port ${port} and listen on another one.`)];
    }
    // A proxy, which the site says nothing of, hands one port on to another.
    if (port === own.port || (isPlain && isSecure)) return [];
    const reason = `it leads to port ${port}, and ${listen} is port ${own.port}.`;
    return [warn(to, reason, `Write the same port in both, unless a firewall hands port ${port} on to ${own.port}.`)];
  });
}

/** Of a URL or of `host:port`. */
function portOf(told: string): number | undefined {
  if (!told.includes('://')) return parseHostAndPort(told)?.port;
  if (!URL.canParse(told)) return undefined;
  const { port, protocol } = new URL(told);
  return port === '' ? (/^(?:https|wss):$/.test(protocol) ? 443 : 80) : Number(port);
}

/** Whether others find a host, and whether they are meant to. */
function checkHosts(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const domain = options.text('domain');
  const paths = [
    'homeserver.client.url',
    'homeserver.federation.address',
    'sft.client.url',
    'sft.link.url',
    'sft.homeserver',
  ];
  return paths.flatMap((path) => {
    const option = options.text(path);
    const host = option && (option.value.includes('://') ? hostOf(option.value) : parseHostAndPort(option.value)?.host);
    if (!option || host === undefined || !isUsed(option, facts) || isIP(host) !== 0 || isLocalHost(host)) return [];
    if (!isDnsName(host)) {
      return [
        refuse(
          option,
          `${host} is no name that DNS knows.`,
          'Write letters, digits and hyphens between dots, such as hs.alpha.example.',
        ),
      ];
    }
    if (!host.includes('.') && path !== 'sft.homeserver') {
      return [
        warn(
          option,
          `others do not find ${host}, a name of your own network.`,
          `Write the whole name, such as ${host}.${domain?.value ?? 'alpha.example'}.`,
        ),
      ];
    }
    const isBelow = !domain || host === domain.value || host.endsWith(`.${domain.value}`);
    if (path !== 'homeserver.client.url' || isBelow) return [];
    const reason = `${host} does not lie below ${domain.value}: people see another name than that of the organisation.`;
    return [warn(option, reason, `Write ${domain.value} or a name below it, unless that is what you want.`)];
  });
}

/** RFC 1123, section 2.1; a last label of digits alone would be half an address. */
function isDnsName(host: string): boolean {
  const labels = host.toLowerCase().split('.');
  const isLabel = (label: string) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label);
  return host.length <= 253 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? '');
}

function checkOrigins(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const page = options.text('homeserver.client.url');
  const list = options.list('sft.client.origins');
  const origins = options.texts('sft.client.origins');
  if (!list || !origins || !isUsed(list, facts)) return [];
  const remarks = origins.flatMap((origin) => {
    const said = originOf(origin.value);
    if (said === undefined || said === origin.value) return [];
    return [warn(origin, `browsers say ${said}, and so nobody comes from ${origin.value}.`, `Write ${said}.`)];
  });
  const own = page && originOf(page.value);
  if (own === undefined || origins.some(({ value }) => originOf(value) === own)) return remarks;
  const reason = `the page of ${page?.path}, ${own}, is not among them: no call would work.`;
  return [...remarks, refuse(list, reason, `Add ${own}.`)];
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** The SFT comes to the door for other servers, perhaps by another way than those. */
function checkHome(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const home = options.text('sft.homeserver');
  const address = options.text('homeserver.federation.address');
  const listen = options.text('homeserver.federation.listen');
  const port = home && portOf(home.value);
  const doors = [address, listen].flatMap(
    (door: Option<string> | undefined) => parseHostAndPort(door?.value ?? '')?.port ?? [],
  );
  if (!home || port === undefined || doors.length === 0 || doors.includes(port) || !isUsed(home, facts)) return [];
  const reason = `it leads to port ${port}, where no door of the homeserver is: that for its SFT is port ${[...new Set(doors)].join(' or ')}.`;
  return [warn(home, reason, `Write wss://${address?.value ?? 'hs.alpha.example:8448'}/sft/v1.`)];
}
