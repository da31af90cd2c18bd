/** What an impaired line did to each direction between two readings. Pure. */
import type { Count } from './forwarder.ts';
import type { BorderReading } from './process.ts';

/** Packets of one direction, and what the other end could get, Mbit/s of UDP payload. */
export interface Impaired {
  readonly offered: number;
  readonly carried: number;
  readonly lost: number;
  readonly limited: number;
  readonly carriedMbps: number;
}

/** By direction; undefined where the line was not impaired. */
export function impairedBetween(
  before: BorderReading,
  after: BorderReading,
): Readonly<Record<string, Impaired>> | undefined {
  if (!after.outcomes) return undefined;
  const seconds = (after.at - before.at) / 1_000;
  const all = Object.entries(after.outcomes).map(([direction, now]) => {
    const then = before.outcomes?.[direction];
    const packets = (count: Count | undefined, old: Count | undefined) => (count?.packets ?? 0) - (old?.packets ?? 0);
    const impaired: Impaired = {
      offered: packets(after.counts[direction], before.counts[direction]),
      carried: packets(now.carried, then?.carried),
      lost: packets(now.lost, then?.lost),
      limited: packets(now.limited, then?.limited),
      carriedMbps: Number((((now.carried.bytes - (then?.carried.bytes ?? 0)) * 8) / 1e6 / seconds).toFixed(6)),
    };
    return [direction, impaired] as const;
  });
  return Object.fromEntries(all);
}
