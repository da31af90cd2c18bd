/** Prefixes of which one lies within another. There may be a million: they are sorted, and gone through once. */
import { numberOfIp } from '#site/ip.ts';
import type { Prefix } from '#trust/prefixes.ts';
import type { Option } from './finding.ts';

export interface OwnedPrefix {
  readonly domain: string;
  readonly option: Option<string>;
  readonly prefix: Prefix;
}

interface Span {
  readonly owned: OwnedPrefix;
  /** In the order of the list. */
  readonly order: number;
  /** First and last address. */
  readonly from: bigint;
  readonly to: bigint;
}

/** Pairs of two domains, each prefix once: the one that stands later in the list, then the other. */
export function overlaps(all: readonly OwnedPrefix[]): readonly (readonly [OwnedPrefix, OwnedPrefix])[] {
  const pairs: (readonly [OwnedPrefix, OwnedPrefix])[] = [];
  // Two prefixes are apart, or one holds the other: what holds the next one is still open when it comes. Of those, one each of
  // two domains is enough, since whoever comes next is another one than at least one of them.
  let open: readonly Span[] = [];
  for (const span of all.map(spanOf).toSorted(byBegin)) {
    open = open.filter(({ to }) => to >= span.from);
    const other = open.find(({ owned }) => owned.domain !== span.owned.domain);
    if (other) pairs.push(other.order < span.order ? [span.owned, other.owned] : [other.owned, span.owned]);
    if (open.length < 2 && open.every(({ owned }) => owned.domain !== span.owned.domain)) open = [...open, span];
  }
  return pairs;
}

function byBegin(a: Span, b: Span): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to !== b.to) return a.to > b.to ? -1 : 1;
  return a.order - b.order;
}

function spanOf(owned: OwnedPrefix, order: number): Span {
  const { address, length, family } = owned.prefix;
  const free = BigInt((family === 'ipv4' ? 32 : 128) - length);
  const from = (numberOfIp(address) >> free) << free;
  // Beyond all of IPv4, with which it has nothing in common.
  const base = family === 'ipv4' ? 0n : 1n << 32n;
  return { owned, order, from: from + base, to: from + base + (1n << free) - 1n };
}
