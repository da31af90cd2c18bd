/** Where this browser keeps what must survive, for one person. */
import { MemoryVault } from '#client/vault/memory.ts';
import type { Vault } from '#client/vault/vault.ts';
import type { UserId } from '#signalling/ids.ts';

const open = new Map<UserId, Vault>();

export async function openVault(user: UserId): Promise<Vault> {
  const vault = open.get(user) ?? new MemoryVault();
  open.set(user, vault);
  return vault;
}
