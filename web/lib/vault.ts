/** Where this browser keeps what must survive, for each person who uses it. */
import { askToKeep, deleteBrowserVault, openBrowserVault } from '#client/vault/indexed-db.ts';
import type { Vault } from '#client/vault/vault.ts';
import { HawserError } from '#signalling/errors.ts';
import type { UserId } from '#signalling/ids.ts';
import { askTabs } from './tabs.ts';

/** A page that is reloaded waits for its former self; another tab does not go away by itself. ms */
const WAIT_MS = 4_000;
/** One that was asked does, as soon as it has ended what it does. ms */
const PATIENT_MS = 15_000;

const open = new Map<UserId, Promise<Vault>>();

/**
 * @param patient waits for a tab that was asked to let it go
 * @throws HawserError of the VAULT family, VAULT_IN_USE where Hawser is open in another tab
 */
export function openVault(user: UserId, patient = false): Promise<Vault> {
  const known = open.get(user);
  if (known) return known;
  const opening = openHere(user, patient);
  open.set(user, opening);
  opening.catch(() => open.delete(user));
  return opening;
}

/** Forgets all that this browser keeps for a person, whether it can be read or not. @throws as `openVault` */
export async function deleteVault(user: UserId): Promise<void> {
  await closeVault(user);
  await withLimit(WAIT_MS, (signal) => deleteBrowserVault({ name: user, ifInUse: 'wait', signal }));
}

/** Lets it go, so that another tab can have it. */
export async function closeVault(user: UserId): Promise<void> {
  const opening = open.get(user);
  open.delete(user);
  await opening?.then((vault) => vault.close());
}

async function openHere(user: UserId, patient: boolean): Promise<Vault> {
  const onLost = () => open.delete(user);
  const vault = await withLimit(patient ? PATIENT_MS : WAIT_MS, async (signal, giveUp) => {
    const stopAsking = patient ? undefined : askTabs(user, giveUp);
    try {
      return await openBrowserVault({ name: user, ifMissing: 'create', ifInUse: 'wait', signal, onLost });
    } finally {
      stopAsking?.();
    }
  });
  void askToKeep();
  return vault;
}

async function withLimit<T>(
  limitMs: number,
  work: (signal: AbortSignal, giveUp: () => void) => Promise<T>,
): Promise<T> {
  const waiting = new AbortController();
  const giveUp = () => waiting.abort(new HawserError('VAULT_IN_USE'));
  const timer = setTimeout(giveUp, limitMs);
  try {
    return await work(waiting.signal, giveUp);
  } finally {
    clearTimeout(timer);
  }
}
