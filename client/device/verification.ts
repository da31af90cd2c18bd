/**
 * Whose devices were compared by eye or ear. A device counts as verified with the very key that was compared; any other, and
 * each new device of the same person, does not.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ComparedDevice, Comparison } from '#client/content/content.ts';
import { MAX_COMPARED } from '#client/content/limits.ts';
import type { Group } from '#mls/group.ts';
import type { Changes } from '#mls/journal.ts';
import { Base64Url } from '#signalling/base64.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId, UserId, userOfDevice } from '#signalling/ids.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';
import { fingerprintOf } from './fingerprint.ts';

/** A device with the key with which it speaks in a group. */
export type SeenDevice = ComparedDevice;

/** Tells the other own devices, and stores what `also` gives together with that. */
export type TellComparison = (comparison: Comparison, also: () => Changes) => Promise<void>;

/** By device, the fingerprint that was compared. */
export type Verified = ReadonlyMap<DeviceId, string>;

/** How far somebody is verified: `partly` where he has a device that was not compared, for instance a new one. */
export type Trust = 'verified' | 'partly' | 'unverified';

const PREFIX = 'verified/';
const UNTOLD = 'untold';
const Stored = Closed({ device: DeviceId, fingerprint: Base64Url(32) });
const Untold = Closed({
  comparisons: Type.Array(Closed({ devices: Type.Array(Stored), withdrawn: Type.Optional(UserId) })),
});
const validator = Compile(Stored);
const untoldValidator = Compile(Untold);

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
  /** What the other own devices are still to be told, in order; it is stored. */
  #untold: readonly Comparison[];
  #telling: Promise<void> | undefined;
  /** Own devices that are known to trust this one, and were told everything. */
  readonly #told = new Set<DeviceId>();

  private constructor(vault: Vault, verified: Verified, untold: readonly Comparison[], tell: TellComparison) {
    this.#vault = vault;
    this.#untold = untold;
    this.#tell = tell;
    this.store = new Store(verified);
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(vault: Vault, tell: TellComparison = (_, also) => vault.write(also())): Promise<Verification> {
    const records = [...(await vault.list(PREFIX)).values()].map((bytes) => read(bytes, isSeen));
    const waiting = await vault.get(UNTOLD);
    const untold = waiting === undefined ? [] : read(waiting, isUntold).comparisons;
    return new Verification(vault, verifiedOf(records), untold, tell);
  }

  /** These were compared, and are the same on both sides. The other own devices are told as soon as that can be. */
  async verify(devices: readonly SeenDevice[]): Promise<void> {
    await this.#note({ devices: [...devices] }, recordsOf(devices));
    this.#add(devices);
    this.tellWaiting();
  }

  /** What was compared counts no longer, for all devices of a person. */
  async withdraw(user: UserId): Promise<void> {
    await this.#note({ devices: [], withdrawn: user }, this.#withdrawal(user));
    this.#drop(user);
    this.tellWaiting();
  }

  /** Tells what could not be told yet. To be called when there is a connection; what fails then waits for the next time. */
  tellWaiting(): void {
    if (this.#untold.length === 0) return;
    this.#telling ??= this.#tellAll()
      .catch(() => undefined)
      .finally(() => {
        this.#telling = undefined;
      });
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
    if (!isVerified(verifiedOf(devices), self) || this.#told.has(by.device)) return;
    // From now on it believes this one, and passed over what it was told before.
    this.#told.add(by.device);
    const all = [...this.store.state].map(([device, fingerprint]) => ({ device, fingerprint }));
    for (let from = 0; from < all.length; from += MAX_COMPARED) {
      await this.#note({ devices: all.slice(from, from + MAX_COMPARED) }, new Map());
    }
    this.tellWaiting();
  }

  /** Stores what is to be told, together with its effect here. */
  async #note(comparison: Comparison, also: Changes): Promise<void> {
    const untold = [...this.#untold, comparison];
    this.#untold = untold;
    await this.#vault.write(new Map([...also, [UNTOLD, untoldBytes(untold)]]));
  }

  async #tellAll(): Promise<void> {
    for (let first = this.#untold[0]; first !== undefined; first = this.#untold[0]) {
      const told = first;
      // Read when it is written: more may have been noted meanwhile.
      const also = () => {
        this.#untold = this.#untold.filter((each) => each !== told);
        return new Map([[UNTOLD, untoldBytes(this.#untold)]]);
      };
      await this.#tell(told, also);
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

function verifiedOf(devices: readonly SeenDevice[]): Verified {
  return new Map(devices.map(({ device, fingerprint }) => [device, fingerprint]));
}

function untoldBytes(comparisons: readonly Comparison[]): Uint8Array | undefined {
  return comparisons.length === 0 ? undefined : new TextEncoder().encode(JSON.stringify({ comparisons }));
}

const isSeen = (value: unknown): value is Static<typeof Stored> => validator.Check(value);
const isUntold = (value: unknown): value is Static<typeof Untold> => untoldValidator.Check(value);

function read<T>(bytes: Uint8Array, isWhole: (value: unknown) => value is T): T {
  try {
    const stored: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isWhole(stored)) return stored;
  } catch {
    // told below
  }
  throw new HawserError('VAULT_DAMAGED', 'who was verified');
}
