/**
 * What this device had stored is lost or damaged: it becomes a new device in the place of the old one. The conversations come back by
 * themselves, and what is said from then on; messages that only this device had, and those that it had not sent yet, do not.
 */
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import type { Vault } from '../vault/vault.ts';
import { Device } from './device.ts';
import { readRecord } from './record.ts';

export interface AnewOptions {
  /** Signed in again, so that its session belongs to no device yet: one that does ends together with the device. */
  readonly account: Account;
  /** Which device it was, where that is known; see `deviceIn`. It is removed from the account, from its groups, and its queue is dropped. */
  readonly was: DeviceId | undefined;
  /** Deletes what is stored, whether it can be read or not. */
  readonly deleteVault: () => Promise<void>;
  readonly openVault: () => Promise<Vault>;
  /** What people call it. */
  readonly name: string;
}

/**
 * Nothing is deleted before it is certain that a new device may be made; cut short, it can be called again.
 * @returns the new vault, with the new device in it
 * @throws HawserError HOME_HAS_DEVICE where the account has to sign in again; HOME_TOO_MANY_DEVICES where it is not known which one
 * it was; and what the vault throws
 */
export async function setUpAnew({ account, was, deleteVault, openVault, name }: AnewOptions): Promise<Vault> {
  if (await isBound(account)) throw new HawserError('HOME_HAS_DEVICE');
  if (was !== undefined) await remove(account, was);
  await deleteVault();
  const vault = await openVault();
  try {
    await Device.open({ account, vault, name });
    return vault;
  } catch (error) {
    await vault.close();
    throw error;
  }
}

/** Which device a vault is of, as far as it can be read. */
export async function deviceIn(vault: Vault): Promise<DeviceId | undefined> {
  try {
    const bytes = await vault.get('device');
    return bytes && readRecord(bytes).certified?.device;
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    return undefined;
  }
}

async function isBound(account: Account): Promise<boolean> {
  try {
    await account.call({ method: 'GET', path: 'devices/current/key-packages' });
    return true;
  } catch (error) {
    if (error instanceof HawserError && error.code === 'HOME_NO_DEVICE') return false;
    throw error;
  }
}

async function remove(account: Account, device: DeviceId): Promise<void> {
  try {
    await account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(device)}` });
  } catch (error) {
    // Removed already, by the person or by a first attempt.
    if (!(error instanceof HawserError) || error.code !== 'HOME_NOT_FOUND') throw error;
  }
}
