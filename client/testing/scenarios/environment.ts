/** For tests: what a scenario needs of the place that it runs in, Node or a browser. */
import type { Vault } from '../../vault/vault.ts';

export { until } from '#signalling/testing-until.ts';

export interface Environment {
  /** As for `Account`. */
  readonly origin: string;
  readonly password: string;
  /** An account on the homeserver. */
  makeAccount(handle: string): Promise<void>;
  /** One name is one storage: what was written before is there. Made where it is missing. */
  openVault(name: string): Promise<Vault>;
  /** Whether it can be read or not. */
  deleteVault(name: string): Promise<void>;
  /** To one that is closed. Undefined where storage cannot be damaged. */
  readonly damageVault: ((name: string, how: Damage) => Promise<void>) | undefined;
  /** The homeserver goes away, and comes back with all that it has accepted. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
}

/** A bit in a record of a group, the record of the device, or what opens all of it. */
export const DAMAGES = ['a bit is another', 'a record is missing', 'it cannot be opened'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Values of JSON, since what runs the tests is not in the browser. */
export function same(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: found ${left}, wanted ${right}`);
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${error.code}` : `${error}`;
  }
}
