/** One tab at a time: a lock of the browser (Web Locks), which goes with the tab that holds it, however that ends. */
import { HawserError } from '#signalling/errors.ts';

export interface TabLockOptions {
  /** Where another tab holds it: say so at once, or wait for it. */
  readonly ifInUse: 'refuse' | 'wait';
  /** Called once where it has to wait, so that the page can say why. */
  readonly onWaiting?: (() => void) | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns what gives it back
 * @throws {HawserError} VAULT_IN_USE; VAULT_UNAVAILABLE where the browser has no such locks. The reason of the signal, where it aborts.
 */
export async function lockTab(name: string, { ifInUse, onWaiting, signal }: TabLockOptions): Promise<() => void> {
  signal?.throwIfAborted();
  // Missing in old browsers, and outside of secure contexts, whatever the types say.
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) throw new HawserError('VAULT_UNAVAILABLE', 'no locks');
  const free = await hold(locks, name, { ifAvailable: true });
  if (free !== undefined) return free;
  if (ifInUse === 'refuse') throw new HawserError('VAULT_IN_USE');
  onWaiting?.();
  const waited = await hold(locks, name, signal === undefined ? {} : { signal });
  if (waited === undefined) throw new HawserError('VAULT_IN_USE');
  return waited;
}

/** Undefined where it is not available at once and that was asked for. */
function hold(locks: LockManager, name: string, options: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const held = locks.request(name, options, (lock) => {
      if (lock === null) return resolve(undefined);
      return new Promise<void>((release) => resolve(release));
    });
    held.catch((cause: unknown) => reject(options.signal?.aborted ? options.signal.reason : unavailable(cause)));
  });
}

/** A page without an origin of its own, a sandboxed frame for instance, gets a SecurityError. */
function unavailable(cause: unknown): HawserError {
  return new HawserError('VAULT_UNAVAILABLE', cause instanceof Error ? cause.name : undefined, { cause });
}
