/**
 * Whose devices were compared by eye or ear. A device counts as verified with the very key that was compared; any other, and
 * each new device of the same person, does not.
 */
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Group } from '#mls/group.ts';
import { Base64Url } from '#signalling/base64.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import { fingerprintOf } from './fingerprint.ts';

export interface SeenDevice {
  readonly device: DeviceId;
  /** Of the key with which it speaks in the group: SHA-256, base64url. */
  readonly fingerprint: string;
}

/** By device, the fingerprint that was compared. */
export type Verified = ReadonlyMap<DeviceId, string>;

/** How far somebody is verified: `partly` where he has a device that was not compared, for instance a new one. */
export type Trust = 'verified' | 'partly' | 'unverified';

const PREFIX = 'verified/';
const Stored = Closed({ device: DeviceId, fingerprint: Base64Url(32) });
const validator = Compile(Stored);

/** The devices of everybody in a group, as its tree proves them. @throws HawserError MLS_NOT_MEMBER */
export async function devicesIn(group: Group): Promise<readonly SeenDevice[]> {
  const keys = [...group.signatureKeys];
  return Promise.all(keys.map(async ([device, key]) => ({ device, fingerprint: await fingerprintOf(key) })));
}

export function isVerified(verified: Verified, { device, fingerprint }: SeenDevice): boolean {
  return verified.get(device) === fingerprint;
}

export function trustOf(verified: Verified, devices: readonly SeenDevice[], user: UserId): Trust {
  const own = devices.filter(({ device }) => userOfDevice(device) === user);
  const compared = own.filter((each) => isVerified(verified, each)).length;
  if (own.length > 0 && compared === own.length) return 'verified';
  const wasCompared = [...verified.keys()].some((device) => userOfDevice(device) === user);
  return compared > 0 || wasCompared ? 'partly' : 'unverified';
}

export class Verification {
  readonly store: Store<Verified>;
  readonly #vault: Vault;

  private constructor(vault: Vault, verified: Verified) {
    this.#vault = vault;
    this.store = new Store(verified);
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(vault: Vault): Promise<Verification> {
    const records = [...(await vault.list(PREFIX)).values()].map(read);
    return new Verification(vault, new Map(records.map(({ device, fingerprint }) => [device, fingerprint])));
  }

  /** These were compared, and are the same on both sides. */
  async verify(devices: readonly SeenDevice[]): Promise<void> {
    const records = devices.map((each): [string, Uint8Array] => {
      const stored: Static<typeof Stored> = { device: each.device, fingerprint: each.fingerprint };
      return [`${PREFIX}${each.device}`, new TextEncoder().encode(JSON.stringify(stored))];
    });
    await this.#vault.write(new Map(records));
    const fresh = devices.map(({ device, fingerprint }): [DeviceId, string] => [device, fingerprint]);
    this.store.set(new Map([...this.store.state, ...fresh]));
  }

  /** What was compared counts no longer, for all devices of a person. */
  async withdraw(user: UserId): Promise<void> {
    const gone = [...this.store.state.keys()].filter((device) => userOfDevice(device) === user);
    await this.#vault.write(new Map(gone.map((device) => [`${PREFIX}${device}`, undefined])));
    this.store.set(new Map([...this.store.state].filter(([device]) => !gone.includes(device))));
  }
}

function read(bytes: Uint8Array): Static<typeof Stored> {
  try {
    const stored: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(stored)) return stored;
  } catch {
    // told below
  }
  throw new HawserError('VAULT_DAMAGED', 'who was verified');
}
