/** One way that a firewall has to leave open, with the reason. */

import type { PortRange } from '#trust/identity.ts';

export type { PortRange };

/** Which machine of the site it is about; they may be one. */
export type Machine = 'homeserver' | 'sft' | 'turn';

export interface Rule {
  /** A word that stays the same for as long as the site does: `link-in:beta.example`. The doctor names rules by it. */
  readonly id: string;
  readonly at: Machine;
  /** Which others need the same, where they are machines of their own. */
  readonly alsoAt?: readonly Machine[];
  readonly direction: 'in' | 'out';
  readonly protocol: 'tcp' | 'udp';
  /** IP address of this side; undefined where the server takes every address of the machine. */
  readonly own: string | undefined;
  /** Undefined where the system chooses the port. */
  readonly ownPorts: PortRange | undefined;
  /** CIDR prefixes. `anyone` only where people come from everywhere, or where the site goes to the open internet. */
  readonly others: readonly string[] | 'anyone';
  readonly othersPorts: PortRange | undefined;
  /** Who they are, in words: `SFT of beta.example`. */
  readonly othersAre: string;
  readonly why: string;
  /** What people see where it is closed. */
  readonly without: string;
  /** Both sides speak first: a firewall that remembers who did would be right by chance. Also spares it the load of media. */
  readonly isStateless: boolean;
}

/** Those that concern these machines, as far as they do. */
export function rulesAt(rules: readonly Rule[], machines: readonly Machine[]): readonly Rule[] {
  return rules.flatMap(({ at, alsoAt = [], ...rule }) => {
    const [first, ...others] = [at, ...alsoAt].filter((machine) => machines.includes(machine));
    return first === undefined ? [] : [{ ...rule, at: first, ...(others.length > 0 && { alsoAt: others }) }];
  });
}

/** How many ports of this side it opens; undefined where that is none in particular. */
export function countOf({ ownPorts, othersPorts, direction }: Rule): number | undefined {
  const range = direction === 'in' ? ownPorts : othersPorts;
  return range && range.to - range.from + 1;
}

export function single(port: number): PortRange {
  return { from: port, to: port };
}

export function rangeText(range: PortRange | undefined, dash = '-'): string {
  if (range === undefined) return 'any';
  return range.from === range.to ? String(range.from) : `${range.from}${dash}${range.to}`;
}
