/** Commands for ufw. */
import { type Rule, rangeText } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import type { FirewallOptions } from './nftables.ts';
import { byFamily, type FamilyRule } from './split.ts';

export function ufw(rules: readonly Rule[], { isStrict }: FirewallOptions): string {
  return [
    '#!/bin/sh',
    'set -e',
    'ufw default deny incoming',
    ...(isStrict ? ['ufw default reject outgoing'] : []),
    "ufw allow in proto tcp to any port 22 comment 'SSH. Narrow it to where administrators are.'",
    ...rules
      .filter(({ direction }) => isStrict || direction === 'in')
      .flatMap((rule) => byFamily(rule).flatMap(commands)),
    '# When all of it is there: ufw enable',
  ].join('\n');
}

function commands({ rule, own, others }: FamilyRule): readonly string[] {
  const { direction, protocol, ownPorts, othersPorts, id } = rule;
  const port = (range: Rule['ownPorts']) => (range ? ` port ${rangeText(range, ':')}` : '');
  const near = `${own ?? 'any'}${port(ownPorts)}`;
  const fars = others.length === 0 ? ['any'] : others;
  return fars.map((far) => {
    const there = `${far}${port(othersPorts)}`;
    const [from, to] = direction === 'in' ? [there, near] : [near, there];
    return `ufw allow ${direction} proto ${protocol} from ${from} to ${to} comment '${commentOf(id)}'`;
  });
}
