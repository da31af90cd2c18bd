/**
 * Whose devices were compared by eye or ear. A device counts as verified with the very key that was compared; any other, and
 * each new device of the same person, does not.
 */
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ComparedDevice, Comparison } from '#client/content/content.ts';
import { MAX_COMPARED } from '#client/content/limits.ts';
import type { Group } from '#mls/group.ts';
import type { Changes } from '#mls/journal.ts';
import { Base64Url } from '#signalling/base64.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import { fingerprintOf } from './fingerprint.ts';

/** A device with the key with which it speaks in a group. */
export type SeenDevice = ComparedDevice;

/** Tells the other own devices, and stores `also` together with that. */
export type TellComparison = (comparison: Comparison, also: Changes) => Promise<void>;

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
  readonly #tell: TellComparison;
  readonly #vault: Vault;
  /** Own devices that are known to trust this one, and were told everything. */
  readonly #told = new Set<DeviceId>();

  private constructor(vault: Vault, verified: Verified, tell: TellComparison) {
    this.#vault = vault;
    this.#tell = tell;
    this.store = new Store(verified);
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(vault: Vault, tell: TellComparison = (_, also) => vault.write(also)): Promise<Verification> {
    const records = [...(await vault.list(PREFIX)).values()].map(read);
    return new Verification(vault, new Map(records.map(({ device, fingerprint }) => [device, fingerprint])), tell);
  }

  /**
   * These were compared, and are the same on both sides.
   * @throws HawserError where the other own devices cannot be told: then it does not count
   */
  async verify(devices: readonly SeenDevice[]): Promise<void> {
    await this.#tell({ devices }, recordsOf(devices));
    this.#add(devices);
  }

  /** What was compared counts no longer, for all devices of a person. @throws as `verify` */
  async withdraw(user: UserId): Promise<void> {
    await this.#tell({ devices: [], withdrawn: user }, this.#withdrawal(user));
    this.#drop(user);
  }

  /**
   * Another own device compared somebody, or withdrew it. It is believed where that device itself was compared with this one: a device
   * that an intruder added to the account can vouch for nobody.
   * @param by the device that says it, with its key
   * @param self this one
   */
  async take(by: SeenDevice, { devices, withdrawn }: Comparison, self: SeenDevice): Promise<void> {
    if (!isVerified(this.store.state, by)) return;
    const gone = withdrawn === undefined ? new Map() : this.#withdrawal(withdrawn);
    await this.#vault.write(new Map([...gone, ...recordsOf(devices)]));
    if (withdrawn !== undefined) this.#drop(withdrawn);
    this.#add(devices);
    const trustsThis = devices.some(({ device, fingerprint }) => isVerified(new Map([[device, fingerprint]]), self));
    if (!trustsThis || this.#told.has(by.device)) return;
    // From now on it believes this one, and passed over what it was told before.
    this.#told.add(by.device);
    const all = [...this.store.state].map(([device, fingerprint]) => ({ device, fingerprint }));
    for (let from = 0; from < all.length; from += MAX_COMPARED) {
      await this.#tell({ devices: all.slice(from, from + MAX_COMPARED) }, new Map());
    }
  }

  #add(devices: readonly SeenDevice[]): void {
    const fresh = devices.map(({ device, fingerprint }): [DeviceId, string] => [device, fingerprint]);
    this.store.set(new Map([...this.store.state, ...fresh]));
  }

  #drop(user: UserId): void {
    this.store.set(new Map([...this.store.state].filter(([device]) => userOfDevice(device) !== user)));
  }

  #withdrawal(user: UserId): Changes {
    const gone = [...this.store.state.keys()].filter((device) => userOfDevice(device) === user);
    return new Map(gone.map((device) => [`${PREFIX}${device}`, undefined]));
  }
}

function recordsOf(devices: readonly SeenDevice[]): Changes {
  const records = devices.map((each): [string, Uint8Array] => {
    const stored: Static<typeof Stored> = { device: each.device, fingerprint: each.fingerprint };
    return [`${PREFIX}${each.device}`, new TextEncoder().encode(JSON.stringify(stored))];
  });
  return new Map(records);
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
