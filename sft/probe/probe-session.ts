/** What one probe of a peer has taken here, and what it may still ask for: one thing at a time, and each only so often. */
import { HawserError } from '#signalling/errors.ts';
import { MOST_VOLLEYS } from '#signalling/probe.ts';
import type { PortPool } from '../trunk/port-pool.ts';
import { ProbePorts, type Remote } from './probe-ports.ts';

export interface ProbeSessionOptions {
  readonly listenIp: string;
  readonly ports: PortPool;
  /** ms of a clock that only goes forward */
  readonly now: () => number;
}

/** Most ports of one volley: one of 128 pairs is 10 Mbit/s for two thirds of a second. */
const MOST_PORTS = 128;
/** How often a probe may ask for each. */
const BUDGET = { back: 1, open: MOST_VOLLEYS, volley: MOST_VOLLEYS, stream: 1 } as const;

export class ProbeSession {
  readonly #options: ProbeSessionOptions;
  readonly #left: Record<keyof typeof BUDGET, number> = { ...BUDGET };
  #lent: readonly number[] = [];
  #open: ProbePorts | undefined;
  /** What goes on; it never rejects. */
  #work: Promise<unknown> | undefined;
  #ended = false;

  constructor(options: ProbeSessionOptions) {
    this.#options = options;
  }

  /** The peer is dialled once, whatever comes of it. */
  back<T>(dial: () => Promise<T>): Promise<T> {
    return this.#alone('back', dial);
  }

  /** Takes ports, and what comes from the remote is for them. @returns those that could be had, and those of the range that calls use */
  open(remote: Remote, key: Buffer): Promise<{ ports: readonly number[]; busy: readonly number[] }> {
    return this.#alone('open', async () => {
      if (this.#open) throw new HawserError('SIG_ORDER', 'open twice');
      const { listenIp, ports, now } = this.#options;
      const busy = ports.inUse.slice(0, MOST_PORTS);
      this.#lent = ports.lend(MOST_PORTS);
      this.#open = await ProbePorts.open(listenIp, this.#lent, key, now);
      this.#open.connect(remote);
      return { ports: this.#open.ports, busy };
    });
  }

  /** @returns how many datagrams the own system did not let out */
  volley(): Promise<number> {
    return this.#alone('volley', async () => {
      const { opened } = this;
      await opened.volley();
      return opened.unsent;
    });
  }

  stream(kbps: number, ms: number): Promise<{ packets: number; bytes: number }> {
    return this.#alone('stream', () => this.opened.stream(kbps, ms));
  }

  /** @throws HawserError SIG_ORDER */
  get opened(): ProbePorts {
    if (!this.#open) throw new HawserError('SIG_ORDER', 'open first');
    return this.#open;
  }

  /** Gives the ports back; others may be taken afterwards. */
  async close(): Promise<void> {
    // What goes on sends nothing any more; ports that are just being taken are waited for.
    await this.#open?.close();
    await this.#work;
    await this.#open?.close();
    const lent = this.#lent;
    this.#open = undefined;
    this.#lent = [];
    for (const port of lent) this.#options.ports.give(port);
  }

  /** Gives everything back; nothing is taken any more. */
  end(): Promise<void> {
    this.#ended = true;
    return this.close();
  }

  async #alone<T>(what: keyof typeof BUDGET, work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new HawserError('SIG_ORDER', 'the probe is over');
    if (this.#work) throw new HawserError('SIG_BUSY', 'one thing at a time');
    if (this.#left[what] === 0) throw new HawserError('SIG_BUSY', `no ${what} is left of this probe`);
    this.#left[what] -= 1;
    const working = work();
    this.#work = working
      .catch(() => undefined)
      .then(() => {
        this.#work = undefined;
      });
    return working;
  }
}
