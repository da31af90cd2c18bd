/** The trunk ports of one side in a probe: which of them had their turn, and why others did not. Pure. */
import type { PortsLeft } from '#signalling/probe.ts';

/** Both ends belong to it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export class PortRow {
  readonly #untried: Set<number>;
  readonly #busy = new Set<number>();
  readonly #taken = new Set<number>();
  readonly #missing: 'busy' | 'taken';
  #isRound = false;

  /** @param missing what those are that never come: pools lend their ports by turns, and leave out what cannot be had */
  constructor({ from, to }: PortRange, missing: 'busy' | 'taken') {
    this.#untried = new Set(Array.from({ length: to - from + 1 }, (_, index) => from + index));
    this.#missing = missing;
  }

  /** Calls use them. */
  busy(ports: readonly number[]): void {
    for (const port of ports) if (this.#untried.delete(port)) this.#busy.add(port);
  }

  /** They were lent, and could not be had. */
  taken(ports: readonly number[]): void {
    for (const port of ports) {
      if (this.#untried.delete(port)) this.#taken.add(port);
      else this.#isRound = true;
    }
  }

  /** What was lent and had. None: there is none. One that comes again shows that each has had its turn. */
  tried(ports: readonly number[]): void {
    if (ports.length === 0) this.#isRound = true;
    for (const port of ports) if (!this.#untried.delete(port)) this.#isRound = true;
  }

  get isDone(): boolean {
    return this.#isRound || this.#untried.size === 0;
  }

  get left(): PortsLeft {
    const rest = [...this.#untried];
    const missing = (what: 'busy' | 'taken') => (this.#isRound && this.#missing === what ? rest : []);
    return {
      busy: [...this.#busy, ...missing('busy')],
      taken: [...this.#taken, ...missing('taken')],
      late: this.#isRound ? [] : rest,
    };
  }
}
