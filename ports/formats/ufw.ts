/** Commands for ufw. */
import { type Rule, rangeText } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import { type FirewallOptions, type Ssh, sshComment } from './host.ts';
import { byFamily, type FamilyRule } from './split.ts';

export function ufw(rules: readonly Rule[], { isStrict, ssh }: FirewallOptions): string {
  return [
    '#!/bin/sh',
    'set -e',
    'ufw default deny incoming',
    ...(isStrict ? ['ufw default reject outgoing'] : []),
    ...sshIn(ssh),
    ...rules
      .filter(({ direction }) => isStrict || direction === 'in')
      .flatMap((rule) => byFamily(rule).flatMap(commands)),
    '# When all of it is there: ufw enable',
  ].join('\n');
}

function sshIn(ssh: Ssh): readonly string[] {
  const sources = ssh.from === 'anyone' ? ['any'] : ssh.from;
  return sources.flatMap((source) =>
    ssh.ports.map((port) => `ufw allow in proto tcp from ${source} to any port ${port} comment '${sshComment(ssh)}'`),
  );
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
