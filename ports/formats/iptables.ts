/** A script for iptables and ip6tables: chains of our own, filled anew each time, and what jumps into them. */
import { type Rule, rangeText } from '../rule.ts';
import type { FirewallOptions } from './nftables.ts';
import { byFamily, type FamilyRule } from './split.ts';

export function iptables(rules: readonly Rule[], { isStrict }: FirewallOptions): string {
  return [
    '#!/bin/sh',
    'set -e',
    ...(['iptables', 'ip6tables'] as const).flatMap((program) => {
      const ours = rules.flatMap(byFamily).filter(({ family }) => family === undefined || PROGRAMS[family] === program);
      const incoming = ours.filter(({ rule }) => rule.direction === 'in');
      const outgoing = ours.filter(({ rule }) => rule.direction === 'out');
      const chains = ['hawser-in', 'hawser-raw-in', 'hawser-raw-out', ...(isStrict ? ['hawser-out'] : [])];
      const icmp = program === 'iptables' ? 'icmp' : 'ipv6-icmp';
      return [
        ...chains.map(
          (chain) =>
            `${program}${tableOf(chain)} -w -N ${chain} 2>/dev/null || ${program}${tableOf(chain)} -w -F ${chain}`,
        ),
        ...jump(program, '', 'INPUT', 'hawser-in'),
        ...jump(program, ' -t raw', 'PREROUTING', 'hawser-raw-in'),
        ...jump(program, ' -t raw', 'OUTPUT', 'hawser-raw-out'),
        ...(isStrict ? jump(program, '', 'OUTPUT', 'hawser-out') : unjump(program, 'OUTPUT', 'hawser-out')),
        ...incoming
          .filter(isStateless)
          .map((one) => `${program} -w -t raw -A hawser-raw-in ${match(one)} -j CT --notrack`),
        ...outgoing
          .filter(isStateless)
          .map((one) => `${program} -w -t raw -A hawser-raw-out ${match(one)} -j CT --notrack`),
        `${program} -w -A hawser-in -i lo -j ACCEPT`,
        ...incoming.filter(({ rule }) => rule.id.startsWith('turn-udp-in')).map((one) => flood(program, one)),
        `${program} -w -A hawser-in -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
        `${program} -w -A hawser-in -p ${icmp} -j ACCEPT`,
        `${program} -w -A hawser-in -p tcp --dport 22 -m comment --comment "SSH. Narrow it to where administrators are." -j ACCEPT`,
        ...incoming.map(
          (one) => `${program} -w -A hawser-in ${match(one)} -m comment --comment "${one.rule.id}" -j ACCEPT`,
        ),
        `${program} -w -A hawser-in -j DROP`,
        ...(isStrict
          ? [
              `${program} -w -A hawser-out -o lo -j ACCEPT`,
              `${program} -w -A hawser-out -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
              `${program} -w -A hawser-out -p ${icmp} -j ACCEPT`,
              ...outgoing.map(
                (one) => `${program} -w -A hawser-out ${match(one)} -m comment --comment "${one.rule.id}" -j ACCEPT`,
              ),
              `${program} -w -A hawser-out -j REJECT`,
            ]
          : []),
      ];
    }),
  ].join('\n');
}

const PROGRAMS = { ip: 'iptables', ip6: 'ip6tables' } as const;

function tableOf(chain: string): string {
  return chain.startsWith('hawser-raw') ? ' -t raw' : '';
}

function isStateless({ rule }: FamilyRule): boolean {
  return rule.isStateless;
}

function jump(program: string, table: string, from: string, to: string): readonly string[] {
  return [`${program}${table} -w -C ${from} -j ${to} 2>/dev/null || ${program}${table} -w -I ${from} -j ${to}`];
}

/** Takes away what the script put there when it was strict. */
function unjump(program: string, from: string, to: string): readonly string[] {
  return [`if ${program} -w -D ${from} -j ${to} 2>/dev/null; then ${program} -w -F ${to}; ${program} -w -X ${to}; fi`];
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

/** As in nftables.ts, and as there before what is established: requests of STUN, 50 a second for one address. */
function flood(program: string, one: FamilyRule): string {
  const name = program === 'iptables' ? 'stun4' : 'stun6';
  const payload = program === 'iptables' ? '0>>22&0x3C@8>>16&0xC110=0' : '48>>16&0xC110=0';
  const limit = `-m hashlimit --hashlimit-above 50/sec --hashlimit-burst 500 --hashlimit-mode srcip --hashlimit-name ${name}`;
  return `${program} -w -A hawser-in ${match(one)} -m u32 --u32 "${payload}" ${limit} -j DROP`;
}
