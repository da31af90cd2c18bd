/** Rules as firewalls take them: one family of addresses a line. */
import type { Rule } from '../rule.ts';

export interface FamilyRule {
  readonly rule: Rule;
  /** Undefined where the rule holds for both. */
  readonly family: 'ip' | 'ip6' | undefined;
  readonly own: string | undefined;
  /** Empty for everybody. */
  readonly others: readonly string[];
}

/** A rule about addresses of both families becomes two; one that is about none holds for both. */
export function byFamily(rule: Rule): readonly FamilyRule[] {
  const isSix = (text: string) => text.includes(':');
  const { own } = rule;
  const others = rule.others === 'anyone' ? [] : rule.others;
  if (own === undefined && others.length === 0 && rule.others === 'anyone')
    return [{ rule, family: undefined, own, others }];
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const six = family === 'ip6';
    if (own !== undefined && isSix(own) !== six) return [];
    const mine = others.filter((each) => isSix(each) === six);
    return rule.others !== 'anyone' && mine.length === 0 ? [] : [{ rule, family, own, others: mine }];
  });
}
