/** The rules as people read them. */
import { countOf, type Rule, rangeText } from '../rule.ts';

export const HEADS = ['RULE', 'PORT', 'PROTOCOL', 'FROM', 'TO', 'WHY', 'PORTS', 'WITHOUT IT'] as const;

/** For a terminal of 80 columns or more: the way in one line, the reason below it. */
export function list(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap((rule) => {
    const [id = '', port = '', protocol = '', from = '', to = '', why = '', count = '', without = ''] = rowOf(rule);
    const many = Number(count) > 1 ? ` (${count} ports)` : '';
    return [
      `${id}`,
      `    ${protocol} ${port === 'any' ? 'any port' : `port ${port}`}${many}, from ${from} to ${to}`,
      `    ${why} Without it: ${/^[A-Z]{2}/.test(without) ? without : `${without[0]?.toLowerCase()}${without.slice(1)}`}`,
    ];
  });
}

/** One row a rule, in the order of `HEADS`. */
export function rowOf(rule: Rule): readonly string[] {
  const { id, direction, protocol, others, othersAre, othersPorts, ownPorts, why, without } = rule;
  const at = [rule.at, ...(rule.alsoAt ?? [])].map((machine) => MACHINES[machine]).join(', ');
  const own = `${at}${rule.own === undefined ? '' : ` ${rule.own}`}${direction === 'out' && ownPorts ? `, port ${rangeText(ownPorts)}` : ''}`;
  const far = others === 'anyone' ? othersAre : `${othersAre}: ${others.join(' ')}`;
  const port = rangeText(direction === 'in' ? ownPorts : othersPorts);
  const count = countOf(rule);
  const [from, to] = direction === 'in' ? [far, own] : [own, far];
  return [id, port, protocol.toUpperCase(), from, to, why, count === undefined ? '' : String(count), without];
}

const MACHINES = { homeserver: 'homeserver', sft: 'SFT', turn: 'TURN' } as const;

export function markdown(rules: readonly Rule[]): string {
  const cells = (row: readonly string[]) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    cells(HEADS.map((head) => head.toLowerCase())),
    cells(HEADS.map(() => '---')),
    ...rules.map((rule) => cells(rowOf(rule))),
  ].join('\n');
}
