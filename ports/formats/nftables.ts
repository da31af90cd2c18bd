/** A table for nftables: the rules, and nothing else gets in. */
import type { PortRange, Rule } from '../rule.ts';
import { rangeText } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import { DHCPV6, type FirewallOptions, type Ssh, sshComment, sshSources } from './host.ts';
import { byFamily, type FamilyRule } from './split.ts';
import { STUN } from './stun.ts';

/**
 * Replaces the rules of the table `hawser` and touches no other one. Sets stay, with whom they know: one that is to have another size or
 * time needs another name.
 * @param rules those of one machine
 */
export function nftables(rules: readonly Rule[], { isStrict, ssh }: FirewallOptions): string {
  const lines = (select: (rule: Rule) => boolean, write: (one: FamilyRule) => string) =>
    rules.filter(select).flatMap((rule) => byFamily(rule).map(write));
  const incoming = ({ direction }: Rule) => direction === 'in';
  const outgoing = ({ direction }: Rule) => direction === 'out';
  const stateless = ({ isStateless }: Rule) => isStateless;
  const strangers = lines(({ id }) => id.startsWith('turn-udp-in'), stranger);
  return [
    // Emptied and not deleted: chains that go and come again let some packets of a reload through.
    'table inet hawser',
    'flush table inet hawser',
    'table inet hawser {',
    ...(strangers.length > 0 ? STRANGERS : []),
    ...chain('untracked_in', 'prerouting', 'raw', 'accept', [
      '# Media between SFTs needs no memory of who spoke first, and would fill it.',
      ...lines(
        (rule) => stateless(rule) && incoming(rule),
        (one) => `${match(one)} notrack`,
      ),
    ]),
    ...chain('untracked_out', 'output', 'raw', 'accept', [
      ...lines(
        (rule) => stateless(rule) && outgoing(rule),
        (one) => `${match(one)} notrack`,
      ),
    ]),
    ...chain('incoming', 'input', 'filter', 'drop', [
      'iif lo accept',
      // Before what is established: a request that was answered makes those after it a part of the same flow.
      ...strangers,
      'ct state established,related accept',
      ...ICMP,
      `icmpv6 type { ${MULTICAST.join(', ')} } accept`,
      `ip6 saddr ${DHCPV6.link} udp dport ${DHCPV6.client} accept comment "dhcpv6-in"`,
      ...sshIn(ssh),
      ...lines(incoming, (one) => `${match(one)} accept comment "${commentOf(one.rule.id)}"`),
    ]),
    ...(isStrict
      ? chain('outgoing', 'output', 'filter', 'accept', [
          'oif lo accept',
          'ct state established,related accept',
          ...ICMP,
          `icmpv6 type { nd-router-solicit, ${MULTICAST.join(', ')} } accept`,
          `ip6 daddr { ${DHCPV6.servers}, ${DHCPV6.link} } udp dport ${DHCPV6.server} accept comment "dhcpv6-out"`,
          ...lines(outgoing, (one) => `${match(one)} accept comment "${commentOf(one.rule.id)}"`),
          '# At once, and not after a time-out, so that programs here can say why.',
          'reject with icmpx admin-prohibited',
        ])
      : []),
    '}',
  ].join('\n');
}

/** Without these, switches that look at who listens to which group send no requests for neighbours any more (RFC 4890, section 4.4.1). */
const MULTICAST = ['mld-listener-query', 'mld-listener-report', 'mld-listener-done', 'mld2-listener-report'];

/** Without these there are paths on which only small packets arrive (RFC 4890, RFC 1191). */
const ICMP = [
  'icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept',
  'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept',
];

function sshIn(ssh: Ssh): readonly string[] {
  const accept = `tcp dport { ${ssh.ports.join(', ')} } accept comment "${sshComment(ssh)}"`;
  if (ssh.from === 'anyone') return [accept];
  // Each by itself: a set takes none that lies within another one.
  return (['ip', 'ip6'] as const).flatMap((family) =>
    (sshSources(ssh, family) ?? []).map((source) => `${family} saddr ${source} ${accept}`),
  );
}

function chain(
  name: string,
  hook: string,
  priority: string,
  policy: string,
  lines: readonly string[],
): readonly string[] {
  const begin = [`  chain ${name} {`, `    type filter hook ${hook} priority ${priority}; policy ${policy};`];
  return [...begin, ...lines.map((line) => `    ${line}`), '  }'];
}

function match({ rule, family, own, others }: FamilyRule): string {
  const [near, far] = rule.direction === 'in' ? ['daddr', 'saddr'] : ['saddr', 'daddr'];
  const [nearPort, farPort] = rule.direction === 'in' ? ['dport', 'sport'] : ['sport', 'dport'];
  const parts = [
    ...(family && others.length > 0 ? [`${family} ${far} { ${others.join(', ')} }`] : []),
    ...(family && own !== undefined ? [`${family} ${near} ${own}`] : []),
    ...port(rule, nearPort, rule.ownPorts),
    ...port(rule, farPort, rule.othersPorts),
  ];
  // A rule without ports is about the protocol itself.
  if (rule.ownPorts === undefined && rule.othersPorts === undefined) parts.push(`meta l4proto ${rule.protocol}`);
  return parts.join(' ');
}

function port({ protocol }: Rule, name: string, range: PortRange | undefined): readonly string[] {
  return range === undefined ? [] : [`${protocol} ${name} ${rangeText(range)}`];
}

/**
 * A source that is not known yet, while the set is full, is not limited by it; the last line is for all of them together, so that a flood
 * of invented sources is limited all the same.
 */
const STRANGERS: readonly string[] = [
  ...(['ip', 'ip6'] as const).map(
    (family) =>
      `  set stun_${family} { type ipv${family === 'ip' ? 4 : 6}_addr; size ${STUN.sources}; flags dynamic,timeout; timeout ${STUN.seconds}s; }`,
  ),
  '  chain stun {',
  ...[
    `update @stun_ip { ip saddr ${over(STUN.each)} } drop`,
    // Whoever has one address of IPv6 has a network of them.
    `update @stun_ip6 { ip6 saddr & ffff:ffff:ffff:ffff:: ${over(STUN.each)} } drop`,
    `${over(STUN.all)} drop`,
  ].map((line) => `    ${line}`),
  '  }',
];

function over({ rate, burst }: { readonly rate: number; readonly burst: number }): string {
  return `limit rate over ${rate}/second burst ${burst} packets`;
}

function stranger({ rule, family, own }: FamilyRule): string {
  const here = family === undefined || own === undefined ? '' : `${family} daddr ${own} `;
  return `${here}udp dport ${rangeText(rule.ownPorts)} @th,64,16 & 0xc110 == 0x0000 jump stun`;
}
