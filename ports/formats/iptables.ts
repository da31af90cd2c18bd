/**
 * A script for iptables and ip6tables: chains of our own, filled anew each time, and what jumps into them. Each table is put into effect
 * at once or not at all, so that nothing is open meanwhile, and what was there before stays where a line is refused.
 */
import { type Rule, rangeText } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import { DHCPV6, type FirewallOptions, type Ssh, sshComment, sshSources } from './host.ts';
import { byFamily, type FamilyRule } from './split.ts';
import { STUN } from './stun.ts';

type Program = 'iptables' | 'ip6tables';
const PROGRAMS = { ip: 'iptables', ip6: 'ip6tables' } as const;

export function iptables(rules: readonly Rule[], options: FirewallOptions): string {
  const each = Object.values(PROGRAMS);
  return [
    '#!/bin/sh',
    'set -e',
    '# A jump into one of our chains, where there is none yet.',
    'jump() { "$1" -w -t "$2" -C "$3" -j "$4" 2>/dev/null || echo "-I $3 -j $4"; }',
    '# Takes away a chain that an earlier call made.',
    'away() {',
    `  if "$1" -w -C "$2" -j "$3" 2>/dev/null; then printf '%s\\n' "-D $2 -j $3" "-F $3" "-X $3"; fi`,
    '}',
    ...each.flatMap((program) => [
      `rules_of_${program}() {`,
      'cat <<END',
      ...tables(program, rules, options),
      'END',
      '}',
    ]),
    '# Both are read before either is changed.',
    ...each.map((program) => `rules_of_${program} | ${program}-restore -w --noflush --test`),
    ...each.map((program) => `rules_of_${program} | ${program}-restore -w --noflush`),
  ].join('\n');
}

function tables(program: Program, rules: readonly Rule[], { isStrict, ssh }: FirewallOptions): readonly string[] {
  const ours = rules.flatMap(byFamily).filter(({ family }) => family === undefined || PROGRAMS[family] === program);
  const incoming = ours.filter(({ rule }) => rule.direction === 'in');
  const outgoing = ours.filter(({ rule }) => rule.direction === 'out');
  const strangers = incoming.filter(({ rule }) => rule.id.startsWith('turn-udp-in'));
  const isSix = program === 'ip6tables';
  const icmp = isSix ? 'ipv6-icmp' : 'icmp';
  const untracked = (chain: string, all: readonly FamilyRule[]) =>
    all.filter(({ rule }) => rule.isStateless).map((one) => `-A ${chain} ${match(one)} -j CT --notrack`);
  const accepted = (chain: string, all: readonly FamilyRule[]) =>
    all.map((one) => `-A ${chain} ${match(one)} -m comment --comment "${commentOf(one.rule.id)}" -j ACCEPT`);
  return [
    '*raw',
    ...['hawser-raw-in', 'hawser-raw-out'].map(emptied),
    `$(jump ${program} raw PREROUTING hawser-raw-in)`,
    `$(jump ${program} raw OUTPUT hawser-raw-out)`,
    ...untracked('hawser-raw-in', incoming),
    ...untracked('hawser-raw-out', outgoing),
    'COMMIT',
    '*filter',
    ...['hawser-in', 'hawser-stun', ...(isStrict ? ['hawser-out'] : [])].map(emptied),
    `$(jump ${program} filter INPUT hawser-in)`,
    isStrict ? `$(jump ${program} filter OUTPUT hawser-out)` : `$(away ${program} OUTPUT hawser-out)`,
    ...(strangers.length > 0 ? limits(program) : []),
    '-A hawser-in -i lo -j ACCEPT',
    // Before what is established: a request that was answered makes those after it a part of the same flow.
    ...strangers.map((one) => `-A hawser-in ${match(one)} -m u32 --u32 "${IS_REQUEST[program]}" -j hawser-stun`),
    '-A hawser-in -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    `-A hawser-in -p ${icmp} -j ACCEPT`,
    ...(isSix ? [`-A hawser-in -s ${DHCPV6.link} -p udp --dport ${DHCPV6.client} -j ACCEPT`] : []),
    ...sshIn(program, ssh),
    ...accepted('hawser-in', incoming),
    '-A hawser-in -j DROP',
    ...(isStrict
      ? [
          '-A hawser-out -o lo -j ACCEPT',
          '-A hawser-out -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
          `-A hawser-out -p ${icmp} -j ACCEPT`,
          ...(isSix
            ? [`-A hawser-out -d ${DHCPV6.servers},${DHCPV6.link} -p udp --dport ${DHCPV6.server} -j ACCEPT`]
            : []),
          ...accepted('hawser-out', outgoing),
          '-A hawser-out -j REJECT',
        ]
      : []),
    'COMMIT',
  ];
}

function sshIn(program: Program, ssh: Ssh): readonly string[] {
  const sources = sshSources(ssh, program === 'iptables' ? 'ip' : 'ip6');
  if (sources?.length === 0) return [];
  const source = sources ? ` -s ${sources.join(',')}` : '';
  return ssh.ports.map(
    (port) => `-A hawser-in${source} -p tcp --dport ${port} -m comment --comment "${sshComment(ssh)}" -j ACCEPT`,
  );
}

/** To iptables-restore: make this chain, or empty it. */
function emptied(chain: string): string {
  return `:${chain} - [0:0]`;
}

function match({ rule, own, others }: FamilyRule): string {
  const [near, far, nearPort, farPort] =
    rule.direction === 'in' ? ['-d', '-s', '--dport', '--sport'] : ['-s', '-d', '--sport', '--dport'];
  return [
    `-p ${rule.protocol}`,
    ...(others.length > 0 ? [`${far} ${others.join(',')}`] : []),
    ...(own === undefined ? [] : [`${near} ${own}`]),
    ...(rule.ownPorts ? [`${nearPort} ${rangeText(rule.ownPorts, ':')}`] : []),
    ...(rule.othersPorts ? [`${farPort} ${rangeText(rule.othersPorts, ':')}`] : []),
  ].join(' ');
}

/** What is behind the header of UDP begins as a request does; see stun.ts. */
const IS_REQUEST = { iptables: '0>>22&0x3C@8>>16&0xC110=0', ip6tables: '48>>16&0xC110=0' } as const;

/** When no more sources can be counted, the kernel drops what comes from others. */
function limits(program: Program): readonly string[] {
  const [name, mask] = program === 'iptables' ? ['hawser4', 32] : ['hawser6', 64];
  const above = ({ rate, burst }: { readonly rate: number; readonly burst: number }) =>
    `-A hawser-stun -m hashlimit --hashlimit-above ${rate}/sec --hashlimit-burst ${burst}`;
  const table = `--hashlimit-htable-max ${STUN.sources} --hashlimit-htable-expire ${STUN.seconds * 1_000}`;
  return [
    `${above(STUN.each)} --hashlimit-mode srcip --hashlimit-srcmask ${mask} ${table} --hashlimit-name ${name}-each -j DROP`,
    `${above(STUN.all)} --hashlimit-name ${name}-all -j DROP`,
  ];
}
