/** What the administrator of another domain has to open towards this one, ready to be mailed. Pure. */
import type { DomainName } from '#signalling/ids.ts';
import { hostAndPort, parseHostAndPort } from '#site/address.ts';
import { plainIp } from '#site/ip.ts';
import type { Site } from '#site/schema.ts';
import { plainPrefix } from '#trust/prefixes.ts';
import { rangeText } from './rule.ts';

export interface PartnerRow {
  /** The same word as in the partner's own list of rules. */
  readonly id: string;
  /** As the partner sees it. */
  readonly direction: 'in' | 'out';
  readonly protocol: 'tcp' | 'udp';
  /** Of this site. */
  readonly address: string;
  /** Of this site; undefined where its system chooses. */
  readonly ports: string | undefined;
  /** Which of the partner's doors or ports it is about; how they are numbered, its own `hawser ports` says. */
  readonly partner: string;
  readonly why: string;
}

export function partnerRows(site: Site): readonly PartnerRow[] {
  const { domain } = site;
  const door = parseHostAndPort(site.homeserver.federation.address) ?? hostAndPort(site.homeserver.federation.listen);
  const link = new URL(site.sft.link.url);
  const trunk = site.sft.trunk.announcedIp ?? site.sft.trunk.listenIp;
  const home = { protocol: 'tcp', address: door.host } as const;
  const media = { protocol: 'udp', address: trunk, ports: rangeText(site.sft.trunk.ports) } as const;
  const trunks = 'the trunk ports of your SFT (sft.trunk.ports)';
  return [
    {
      ...{ ...home, id: `federation-out:${domain}`, direction: 'out', ports: String(door.port) },
      ...{ partner: 'your homeserver', why: 'messages and calls that begin at yours' },
    },
    {
      ...{ ...home, id: `federation-in:${domain}`, direction: 'in', ports: undefined },
      ...{ partner: 'the federation port of your homeserver', why: 'messages and calls that begin at ours' },
    },
    {
      ...{
        id: `link-out:${domain}`,
        direction: 'out',
        protocol: 'tcp',
        address: link.hostname,
        ports: link.port || '443',
      },
      ...{ partner: 'your SFT', why: 'your people in calls that begin at ours' },
    },
    {
      ...{ id: `link-in:${domain}`, direction: 'in', protocol: 'tcp', address: trunk, ports: undefined },
      ...{ partner: 'the link port of your SFT', why: 'our people in calls that begin at yours' },
    },
    { ...media, id: `trunk-out:${domain}`, direction: 'out', partner: trunks, why: 'sound and picture to ours' },
    { ...media, id: `trunk-in:${domain}`, direction: 'in', partner: trunks, why: 'sound and picture to yours' },
  ];
}

/** The text of a mail. @param partner its domain, where it is known */
export function partnerLetter(site: Site, partner?: DomainName): string {
  const { announcedIp, listenIp, ports } = site.sft.trunk;
  const trunk = announcedIp ?? listenIp;
  const prefix = plainPrefix(plainIp(trunk));
  return [
    `Subject: Ports between ${partner ?? 'your servers'} and ${site.domain}`,
    '',
    'For calls and messages between our organisations please open, on every firewall between your servers and ours:',
    '',
    ...partnerRows(site).map(lineOf),
    '',
    'Nothing on the way may end TLS, and nothing may change UDP ports. Every connection shows certificates on both sides.',
    '',
    `Put us on your allow list, with the file authority.pem that we gave you, after comparing its fingerprint by telephone:`,
    '',
    `  hawser peers allow ${site.domain} --authority authority.pem --homeserver ${site.homeserver.federation.address} \\`,
    `    --media-prefix ${prefix} --link-port ${new URL(site.sft.link.url).port || 443} --trunk-ports ${rangeText(ports)}`,
    '',
    `Then this says whether all of it works, and if not, what to do: hawser doctor ${site.domain}`,
    'What to open for your own people: hawser ports',
  ].join('\n');
}

function lineOf({ id, direction, protocol, address, ports, partner, why }: PartnerRow): string {
  const ours = ports === undefined ? address : `${address} port ${ports}`;
  const [from, to] = direction === 'out' ? [partner, ours] : [ours, partner];
  return `  ${id}\n      ${protocol.toUpperCase()} from ${from} to ${to}: ${why}`;
}
