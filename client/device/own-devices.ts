/** The devices of this person, and which of them came since he last looked: one that he does not know is an intruder's. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { HomeEvent } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { type Device, Devices } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';

export interface OwnDevicesState {
  /** Oldest first; undefined until they are fetched. */
  readonly devices?: readonly Device[];
  /** Of these, the ones that were added and not looked at. */
  readonly added: readonly Device[];
}

export interface OwnDevicesOptions {
  readonly account: Account;
  readonly vault: Vault;
  readonly self: DeviceId;
}

const RECORD = 'devices/known';
const Known = Closed({ devices: Type.Array(DeviceId, { maxItems: 1_000 }) });
const validator = Compile(Known);

export class OwnDevices {
  readonly store = new Store<OwnDevicesState>({ added: [] });
  readonly #options: OwnDevicesOptions;

  constructor(options: OwnDevicesOptions) {
    this.#options = options;
  }

  /** Fetches them. @throws HawserError where they cannot be fetched; VAULT_DAMAGED */
  async refresh(): Promise<void> {
    const { account, vault, self } = this.#options;
    const before = this.store.state;
    const { devices } = await account.call({ method: 'GET', path: 'devices', answer: Devices });
    const bytes = await vault.get(RECORD);
    // What has changed since they were asked for may not be among them.
    if (this.store.state !== before) return this.refresh();
    // At the first time all are his but those that were added meanwhile.
    const told = new Set(before.added.map(({ device }) => device));
    const known = bytes ? read(bytes) : new Set(devices.map(({ device }) => device).filter((each) => !told.has(each)));
    const added = devices.filter(({ device }) => device !== self && !known.has(device));
    this.store.set({ devices, added });
    if (!bytes) await this.#know(devices.filter((each) => !added.includes(each)));
  }

  /** What was added was his. */
  async acknowledge(): Promise<void> {
    const { devices } = this.store.state;
    if (!devices) return;
    this.store.set({ devices, added: [] });
    await this.#know(devices);
  }

  /** Its session ends, and it is removed from every group. @throws HawserError where the server cannot be reached */
  async remove(device: DeviceId): Promise<void> {
    await this.#options.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(device)}` });
    this.#forget(device);
  }

  /** To be told every event of the homeserver. */
  readonly hear = (event: HomeEvent): void => {
    if (event.type === 'deviceRemoved') this.#forget(event.device);
    if (event.type !== 'deviceAdded' || event.device.device === this.#options.self) return;
    const { devices, added } = this.store.state;
    const without = (list: readonly Device[]) => list.filter(({ device }) => device !== event.device.device);
    this.store.set({
      ...(devices && { devices: [...without(devices), event.device] }),
      added: [...without(added), event.device],
    });
  };

  #forget(gone: DeviceId): void {
    const { devices, added } = this.store.state;
    const without = (list: readonly Device[]) => list.filter(({ device }) => device !== gone);
    this.store.set({ ...(devices && { devices: without(devices) }), added: without(added) });
  }

  #know(devices: readonly Device[]): Promise<void> {
    const known = { devices: devices.map(({ device }) => device) };
    return this.#options.vault.write(new Map([[RECORD, new TextEncoder().encode(JSON.stringify(known))]]));
  }
}

function read(bytes: Uint8Array): ReadonlySet<DeviceId> {
  try {
    const stored: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(stored)) return new Set(stored.devices);
  } catch {
    // told below
  }
  throw new HawserError('VAULT_DAMAGED', 'the list of known devices');
}
