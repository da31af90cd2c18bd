/** Commands for firewalld: rich rules of the default zone. */
import { type Rule, rangeText } from '../rule.ts';
import { byFamily, type FamilyRule } from './split.ts';

/** Only what comes in: firewalld lets everything out where nobody made a policy against it. */
export function firewalld(rules: readonly Rule[]): string {
  return [
    '#!/bin/sh',
    'set -e',
    '# The zone stays as it is; these rules add what Hawser needs, and take nothing away. Look at the rest with: firewall-cmd --list-all',
    "# One that holds no more goes as it came, with --remove-rich-rule='…' in place of --add-rich-rule='…', and firewall-cmd --reload.",
    'zone=$(firewall-cmd --get-default-zone)',
    ...rules
      .filter(({ direction }) => direction === 'in')
      .flatMap((rule) => [`# ${rule.id}: ${rule.why}`, ...byFamily(rule).flatMap(commands)]),
    'firewall-cmd --reload',
  ].join('\n');
}

function commands(one: FamilyRule): readonly string[] {
  const { rule, family, own, others } = one;
  const port = `port port="${rangeText(rule.ownPorts)}" protocol="${rule.protocol}"`;
  const name = family === 'ip6' ? ' family="ipv6"' : family === 'ip' ? ' family="ipv4"' : '';
  const destination = own === undefined ? '' : ` destination address="${own}"`;
  const sources = others.length === 0 ? [''] : others.map((each) => ` source address="${each}"`);
  return sources.map(
    (source) =>
      `firewall-cmd --permanent --zone="$zone" --add-rich-rule='rule${name}${source}${destination} ${port} accept'`,
  );
}
