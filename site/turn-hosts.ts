/** The TURN hosts of a site, each once. */
import { plainIp } from './ip.ts';
import type { Mistake } from './mistakes.ts';
import { concerns, type Part } from './part.ts';
import { type Leaf, mistake } from './yaml.ts';

export interface TurnHostLeaves {
  /** `turn.hosts.1` */
  readonly section: string;
  readonly name: Leaf | undefined;
  /** Where coturn listens, and the address by which browsers come there. */
  readonly ips: readonly string[];
  /** That by which browsers come. */
  readonly shown: Leaf | undefined;
}

export function turnHostsIn(leaves: readonly Leaf[]): readonly TurnHostLeaves[] {
  const sections = new Set(leaves.flatMap(({ path }) => /^(turn\.hosts\.\d+)\./.exec(path)?.[1] ?? []));
  return [...sections].map((section) => {
    const leaf = (name: string) => leaves.find(({ path }) => path === `${section}.${name}`);
    const [listen, announced] = [leaf('listenIp'), leaf('announcedIp')];
    const ips = [listen, announced].flatMap((each) => (each ? String(each.value) : []));
    return { section, name: leaf('name'), ips, shown: announced ?? listen };
  });
}

/** Rules of firewalls are made for each by its name, and browsers are told of each. */
export function checkTurnHosts(leaves: readonly Leaf[], parts: readonly Part[]): readonly Mistake[] {
  const hosts = turnHostsIn(leaves).filter(({ section }) => concerns(`${section}.name`, parts));
  return (['name', 'shown'] as const).flatMap((what) => {
    const seen = new Map<string, string>();
    return hosts.flatMap((host) => {
      const leaf = host[what];
      if (!leaf) return [];
      const value = plainIp(String(leaf.value));
      const other = seen.get(value);
      if (other === undefined) {
        seen.set(value, leaf.path);
        return [];
      }
      const remedy = 'Take one of the two hosts out, or correct it.';
      return [mistake(leaf.place, `${leaf.path}: ${leaf.value} is ${other} already.`, { path: leaf.path, remedy })];
    });
  });
}
