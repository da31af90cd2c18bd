/** For tests: a page with a vault in a real browser. Built by the test; `window.page` is what it drives. */
import { HawserError } from '#signalling/errors.ts';
import { type BrowserVaultOptions, deleteBrowserVault, openBrowserVault } from '../indexed-db.ts';
import { ordinal } from '../record-key.ts';
import type { Vault } from '../vault.ts';
import { type Figures, measure } from './measure.ts';
import { play, type Shown, type Step } from './play.ts';
import { RECORDS } from './written.ts';

type Options = Pick<BrowserVaultOptions, 'name' | 'ifMissing' | 'ifInUse'>;

/** Of what was asked for: `done`, or the code of the error. */
type Outcome = string;

class VaultPage {
  #vault: Vault | undefined;
  readonly #waiting = new AbortController();
  /** What the page was told meanwhile. */
  readonly told: string[] = [];

  open(options: Options): Promise<Outcome> {
    return outcome(async () => {
      this.#vault = await openBrowserVault({
        ...options,
        onWaiting: () => this.told.push('waiting'),
        onLost: (error) => this.told.push(error.code),
        signal: this.#waiting.signal,
      });
    });
  }

  stopWaiting(): void {
    this.#waiting.abort(new HawserError('VAULT_CLOSED'));
  }

  /** Records of so many random bytes, by key. */
  write(keys: readonly string[], bytes: number): Promise<Outcome> {
    const values = keys.map((key) => {
      const value = new Uint8Array(bytes);
      for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(value.subarray(at, at + 65_536));
      return [key, value] as const;
    });
    return outcome(() => this.#open.write(new Map(values)));
  }

  get(key: string): Promise<Outcome> {
    return outcome(() => this.#open.get(key));
  }

  /** The keys under a prefix. */
  async keys(prefix: string): Promise<string[]> {
    return [...(await this.#open.list(prefix)).keys()];
  }

  close(): Promise<Outcome> {
    return outcome(() => this.#open.close());
  }

  destroy(): Promise<Outcome> {
    return outcome(() => this.#open.destroy());
  }

  /** Whether it can be opened or not. */
  delete(name: string): Promise<Outcome> {
    return outcome(() => deleteBrowserVault({ name, ifInUse: 'refuse' }));
  }

  play(steps: readonly Step[], options: Options): Promise<Shown[]> {
    return play(steps, () => openBrowserVault(options));
  }

  /** As `writer.ts` does on Node: writes until it is stopped from outside, and reports each write that is done. */
  async pound(first: number): Promise<never> {
    for (let round = first; ; round++) {
      const value = new Uint8Array(500).fill(round & 0xff);
      new DataView(value.buffer).setUint32(0, round);
      const records = Array.from(
        { length: RECORDS },
        (_, index) => [`round/${ordinal(round)}/${index}`, value] as const,
      );
      await this.#open.write(new Map([...records, ['latest', value]]));
      window.report(round);
    }
  }

  /** What `pound` has left: how many records of each round, and the round of the one that each overwrites. */
  async left(): Promise<{ readonly rounds: [round: number, records: number][]; readonly latest: number }> {
    const rounds = new Map<number, number>();
    for await (const page of this.#open.pages('round/', { size: 500 })) {
      for (const [key, value] of page) {
        const round = roundOf(value);
        const isWhole = value.length === 500 && value.subarray(4).every((byte) => byte === (round & 0xff));
        if (!isWhole || !key.startsWith(`round/${ordinal(round)}/`)) throw new Error(`a record is not whole: ${key}`);
        rounds.set(round, (rounds.get(round) ?? 0) + 1);
      }
    }
    const latest = await this.#open.get('latest');
    return { rounds: [...rounds], latest: latest === undefined ? -1 : roundOf(latest) };
  }

  measure(name: string): Promise<Figures> {
    return measure((ifMissing) => openBrowserVault({ name, ifMissing, ifInUse: 'wait' }));
  }

  get #open(): Vault {
    if (this.#vault === undefined) throw new Error('no vault is open');
    return this.#vault;
  }
}

function roundOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}

async function outcome(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    await work();
    return 'done';
  } catch (error) {
    return error instanceof HawserError ? error.code : String(error);
  }
}

declare global {
  interface Window {
    page: VaultPage;
    /** Given by the test. */
    report: (round: number) => void;
  }
}
window.page = new VaultPage();
