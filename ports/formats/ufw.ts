/** Commands for ufw. */
import { type Rule, rangeText } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import { type FirewallOptions, type Ssh, sshComment } from './host.ts';
import { byFamily, type FamilyRule } from './split.ts';

export function ufw(rules: readonly Rule[], { isStrict, ssh }: FirewallOptions): string {
  return [
    '#!/bin/sh',
    'set -e',
    '# This adds rules, and takes none away. Those that hold no more: ufw status numbered, and ufw delete NUMBER, one at a time, since each',
    '# changes the numbers. A rule of several names goes with the last of them.',
    'ufw default deny incoming',
    ...(isStrict ? ['ufw default reject outgoing'] : []),
    ...sshIn(ssh),
    ...withComments(rules.filter(({ direction }) => isStrict || direction === 'in')),
    '# When all of it is there: ufw enable',
  ].join('\n');
}

function sshIn(ssh: Ssh): readonly string[] {
  const sources = ssh.from === 'anyone' ? ['any'] : ssh.from;
  return sources.flatMap((source) =>
    ssh.ports.map((port) => `ufw allow in proto tcp from ${source} to any port ${port} comment '${sshComment(ssh)}'`),
  );
}

/** Of rules that are alike ufw keeps one, with the last comment: it names them all. */
function withComments(rules: readonly Rule[]): readonly string[] {
  const ids = new Map<string, readonly string[]>();
  for (const rule of rules) {
    for (const command of byFamily(rule).flatMap(commands)) {
      ids.set(command, [...(ids.get(command) ?? []), commentOf(rule.id)]);
    }
  }
  return [...ids].map(([command, comments]) => `${command} comment '${comments.join(' ')}'`);
}

function commands({ rule, own, others }: FamilyRule): readonly string[] {
  const { direction, protocol, ownPorts, othersPorts } = rule;
  const port = (range: Rule['ownPorts']) => (range ? ` port ${rangeText(range, ':')}` : '');
  const near = `${own ?? 'any'}${port(ownPorts)}`;
  const fars = others.length === 0 ? ['any'] : others;
  return fars.map((far) => {
    const there = `${far}${port(othersPorts)}`;
    const [from, to] = direction === 'in' ? [there, near] : [near, there];
    return `ufw allow ${direction} proto ${protocol} from ${from} to ${to}`;
  });
}
