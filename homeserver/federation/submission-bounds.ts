/** How much may wait for other domains: for one, and of one device. Counted in memory, because adding up a table takes too long. */
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import type { Waits } from './submission-table.ts';

export interface Bound {
  readonly rows: number;
  /** Characters of messages in base64. */
  readonly length: number;
}

export interface SubmissionBounds {
  readonly hub: Bound;
  readonly device: Bound;
}

/** A week of a busy organisation; what somebody types in a week, or a service says in some hours. */
export const SUBMISSION_BOUNDS: SubmissionBounds = {
  hub: { rows: 250_000, length: 1024 ** 3 },
  device: { rows: 10_000, length: 64 * 1024 ** 2 },
};

interface Sum {
  rows: number;
  length: number;
}

export class Tally {
  readonly #bounds: SubmissionBounds;
  readonly #hubs = new Map<DomainName, Sum>();
  readonly #devices = new Map<DeviceId, Sum>();

  constructor(bounds: SubmissionBounds) {
    this.#bounds = bounds;
  }

  hasRoom({ hub, device, rows, length }: Waits): boolean {
    const fits = (sum: Sum | undefined, bound: Bound) =>
      (sum?.rows ?? 0) + rows <= bound.rows && (sum?.length ?? 0) + length <= bound.length;
    return fits(this.#hubs.get(hub), this.#bounds.hub) && fits(this.#devices.get(device), this.#bounds.device);
  }

  add({ hub, device, rows, length }: Waits): void {
    count(this.#hubs, hub, rows, length);
    count(this.#devices, device, rows, length);
  }

  remove({ hub, device, rows, length }: Waits): void {
    count(this.#hubs, hub, -rows, -length);
    count(this.#devices, device, -rows, -length);
  }

  /** For how many hubs something waits, and how much. */
  depths(): ReadonlyMap<DomainName, number> {
    return new Map([...this.#hubs].map(([hub, { rows }]) => [hub, rows]));
  }
}

function count<K>(sums: Map<K, Sum>, key: K, rows: number, length: number): void {
  const sum = sums.get(key) ?? { rows: 0, length: 0 };
  sum.rows += rows;
  sum.length += length;
  if (sum.rows > 0) sums.set(key, sum);
  else sums.delete(key);
}
