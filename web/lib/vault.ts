/** Where this browser keeps what must survive, for each person who uses it. */
import { askToKeep, deleteBrowserVault, openBrowserVault } from '#client/vault/indexed-db.ts';
import type { Vault } from '#client/vault/vault.ts';
import { HawserError } from '#signalling/errors.ts';
import type { UserId } from '#signalling/ids.ts';

/** A page that is reloaded waits for its former self; another tab does not go away by itself. ms */
const WAIT_MS = 4_000;

const open = new Map<UserId, Promise<Vault>>();

/** @throws HawserError of the VAULT family, VAULT_IN_USE where Hawser is open in another tab */
export function openVault(user: UserId): Promise<Vault> {
  const known = open.get(user);
  if (known) return known;
  const opening = openHere(user);
  open.set(user, opening);
  opening.catch(() => open.delete(user));
  return opening;
}

/** Forgets all that this browser keeps for a person, whether it can be read or not. @throws as `openVault` */
export async function deleteVault(user: UserId): Promise<void> {
  const opening = open.get(user);
  open.delete(user);
  await opening?.then((vault) => vault.close());
  await withLimit((signal) => deleteBrowserVault({ name: user, ifInUse: 'wait', signal }));
}

async function openHere(user: UserId): Promise<Vault> {
  const onLost = () => open.delete(user);
  const vault = await withLimit((signal) =>
    openBrowserVault({ name: user, ifMissing: 'create', ifInUse: 'wait', signal, onLost }),
  );
  void askToKeep();
  return vault;
}

async function withLimit<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(new HawserError('VAULT_IN_USE')), WAIT_MS);
  try {
    return await work(waiting.signal);
  } finally {
    clearTimeout(timer);
  }
}
