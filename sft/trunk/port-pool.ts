/** UDP ports for trunks, each in use by one trunk at a time. */
import { HawserError } from '#signalling/errors.ts';

export class PortPool {
  readonly #free: number[];
  readonly range: { readonly from: number; readonly to: number };

  /** Both ends of the range belong to it. */
  constructor(from: number, to: number) {
    this.range = { from, to };
    this.#free = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  }

  /** @throws HawserError SFT_FULL when every port is in use */
  take(): number {
    const port = this.#free.shift();
    if (port === undefined) throw new HawserError('SFT_FULL', 'no trunk port left; widen sft.trunk.ports');
    return port;
  }

  /** Goes to the end of the row, so that late packets of the old trunk do not meet a new one at once. */
  give(port: number): void {
    this.#free.push(port);
  }

  /**
   * Lends up to half of those that are free, for a moment: whoever probes, calls go on and begin. Given back one by one they stand at the end
   * of the row, so that who asks again gets those that were left.
   */
  lend(most: number): number[] {
    return this.#free.splice(0, Math.min(most, Math.floor(this.#free.length / 2)));
  }

  /** In ascending order. */
  get inUse(): number[] {
    const free = new Set(this.#free);
    const all = Array.from({ length: this.range.to - this.range.from + 1 }, (_, i) => this.range.from + i);
    return all.filter((port) => !free.has(port));
  }

  get free(): number {
    return this.#free.length;
  }
}
