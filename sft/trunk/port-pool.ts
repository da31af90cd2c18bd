/** UDP ports for trunks, each in use by one trunk at a time. */
import { HawserError } from '#signalling/errors.ts';

export class PortPool {
  readonly #free: number[];

  /** Both ends of the range belong to it. */
  constructor(from: number, to: number) {
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

  get free(): number {
    return this.#free.length;
  }
}
