/** What follows from a transaction, once it is on disk: in the order in which transactions were committed. */
import type { Db } from './store.ts';

type Hook = () => void;

const hooksOf = new WeakMap<Db, Hook[]>();

/** Calls back when the transaction is committed, and never where it is rolled back. The hook must not throw. */
export function afterCommit(tx: Db, hook: Hook): void {
  const hooks = hooksOf.get(tx);
  if (!hooks) throw new Error('afterCommit needs a transaction of Store.transaction');
  hooks.push(hook);
}

/** For the store: notes the hooks of a transaction from now on. */
export function collectHooks(tx: Db): readonly Hook[] {
  const hooks: Hook[] = [];
  hooksOf.set(tx, hooks);
  return hooks;
}

/** Runs a part of a transaction that is undone where it throws, with the hooks that it set. */
export async function undoable<T>(tx: Db, part: () => Promise<T>, savepoint: Savepoint): Promise<T> {
  const hooks = hooksOf.get(tx) ?? [];
  const before = hooks.length;
  await savepoint.begin(tx);
  try {
    const result = await part();
    await savepoint.keep(tx);
    return result;
  } catch (error) {
    hooks.length = before;
    await savepoint.undo(tx);
    throw error;
  }
}

export interface Savepoint {
  begin(tx: Db): Promise<unknown>;
  keep(tx: Db): Promise<unknown>;
  undo(tx: Db): Promise<unknown>;
}
