/** A table for nftables: the rules, and nothing else gets in. */
import type { PortRange, Rule } from '../rule.ts';
import { rangeText } from '../rule.ts';
import { byFamily, type FamilyRule } from './split.ts';

export interface FirewallOptions {
  /** Also what goes out is limited to the rules. */
  readonly isStrict: boolean;
}

/**
 * Replaces the table `hawser` and touches no other one.
 * @param rules those of one machine
 */
export function nftables(rules: readonly Rule[], { isStrict }: FirewallOptions): string {
  const lines = (select: (rule: Rule) => boolean, write: (one: FamilyRule) => string) =>
    rules.filter(select).flatMap((rule) => byFamily(rule).map(write));
  const incoming = ({ direction }: Rule) => direction === 'in';
  const outgoing = ({ direction }: Rule) => direction === 'out';
  const stateless = ({ isStateless }: Rule) => isStateless;
  const floods = rules
    .filter(({ id }) => id.startsWith('turn-udp-in'))
    .flatMap((rule) => byFamily(rule).flatMap(flood));
  return [
    'table inet hawser',
    'delete table inet hawser',
    'table inet hawser {',
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
      ...floods,
      'ct state established,related accept',
      ...ICMP,
      'tcp dport 22 accept comment "SSH. Narrow it to where administrators are."',
      ...lines(incoming, (one) => `${match(one)} accept comment "${one.rule.id}"`),
    ]),
    ...(isStrict
      ? chain('outgoing', 'output', 'filter', 'accept', [
          'oif lo accept',
          'ct state established,related accept',
          ...ICMP,
          ...lines(outgoing, (one) => `${match(one)} accept comment "${one.rule.id}"`),
          '# At once, and not after a time-out, so that programs here can say why.',
          'reject with icmpx admin-prohibited',
        ])
      : []),
    '}',
  ].join('\n');
}

/** Without these there are paths on which only small packets arrive (RFC 4890, RFC 1191). */
const ICMP = [
  'icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept',
  'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept',
];

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
 * Requests of TURN without a credential are answered, to whoever they say they come from. coturn 4.6 limits that by nothing, so this
 * does: 50 requests a second for one address, and 500 at once. Whoever is in a call sends some in minutes. Requests are told by the
 * first two bytes (RFC 8489, section 5): two bits that are 0, and a class of 0. What is sent by a relay is no request.
 */
function flood({ rule, family, own }: FamilyRule): readonly string[] {
  const families = family === undefined ? (['ip', 'ip6'] as const) : [family];
  return families.map((each) => {
    const here = own === undefined ? '' : `${each} daddr ${own} `;
    const limit = `meter stun_${each} { ${each} saddr limit rate over 50/second burst 500 packets } drop`;
    return `${here}udp dport ${rangeText(rule.ownPorts)} @th,64,16 & 0xc110 == 0x0000 ${limit}`;
  });
}
