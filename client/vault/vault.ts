/** Where a device keeps what must survive. */
import type { Changes } from '#mls/journal.ts';

export interface Vault {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All records whose key begins with the prefix, in order of the keys. */
  list(prefix: string): Promise<ReadonlyMap<string, Uint8Array>>;
  /** All of it or none, durable when the promise resolves; writes come one after the other in the order of the calls. */
  write(changes: Changes): Promise<void>;
  destroy(): Promise<void>;
  close(): void;
}
