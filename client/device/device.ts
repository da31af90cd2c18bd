/**
 * This device: its key, its certificate, and what others add it to groups with. Set up once after signing in; from then on
 * it proves with each new session that it is the same, and renews by itself what ends.
 */

import type { Changes } from '#mls/journal.ts';
import { type DeviceKeys, keyPackageEnds, makeKeyPackage } from '#mls/key-package.ts';
import { keyPackageReference } from '#mls/welcome.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import {
  CertifiedDevice,
  FEW_KEY_PACKAGES,
  KeyPackageCount,
  type KnownDevice,
  type NewDevice,
  type NewKeyPackages,
} from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import type { Vault } from '../vault/vault.ts';
import { certificationRequest, makeSignatureKeys, proofFor, type SignatureKeys } from './keys.ts';
import { type DeviceRecord, readRecord, writeRecord } from './record.ts';

export interface DeviceOptions {
  readonly account: Account;
  readonly vault: Vault;
  /** What people call it: `Firefox on Linux`. */
  readonly name: string;
  /** ms since 1970 */
  readonly now?: () => number;
  /** Key packages that are brought at once, beside the last one. Each lets somebody add this device to one group while it is away. */
  readonly keyPackages?: number;
}

type Certified = NonNullable<DeviceRecord['certified']>;

const KEY_PACKAGES = 60;
/** The certificate is renewed when this part of its time is over. */
const RENEW_AFTER = 2 / 3;

const RECORD = 'device';
const KEY_PACKAGE = 'key-package/';
/** Of key packages that are used more than once. */
const LAST_RESORT = 'last-resort/';

export class Device {
  readonly id: DeviceId;
  readonly #options: Required<DeviceOptions>;
  readonly #keys: SignatureKeys;
  #certified: Certified;

  private constructor(options: Required<DeviceOptions>, keys: SignatureKeys, certified: Certified) {
    this.#options = options;
    this.#keys = keys;
    this.#certified = certified;
    this.id = certified.device;
  }

  /**
   * The device that the vault knows, or a new one.
   * @throws HawserError HOME_TOO_MANY_DEVICES; HOME_DEVICE_GONE where somebody removed it, or it is another person's, and VAULT_DAMAGED:
   * then see `setUpAnew`
   */
  static async open(given: DeviceOptions): Promise<Device> {
    const options = { now: Date.now, keyPackages: KEY_PACKAGES, ...given };
    const { vault } = options;
    const bytes = await vault.get(RECORD);
    const record = bytes && readRecord(bytes);
    // Key packages are brought by a device that has been set up.
    if (!record && (await vault.list(LAST_RESORT)).size > 0) throw new HawserError('VAULT_DAMAGED', 'the device');
    const device = record?.certified
      ? await Device.#resume(options, record.keys, record.certified)
      : await Device.#setUp(options, record?.keys);
    await device.maintain();
    return device;
  }

  /** A new device. @param keys those of a set-up that was cut short */
  static async #setUp(options: Required<DeviceOptions>, known: SignatureKeys | undefined): Promise<Device> {
    const { account, vault, name } = options;
    let keys = known ?? (await makeSignatureKeys());
    // Written before they are certified: a device without its key would be one that nobody can remove by himself.
    await vault.write(new Map([[RECORD, writeRecord({ keys })]]));
    const certify = async () => {
      const body: NewDevice = { name, request: toBase64Url(await certificationRequest(keys)) };
      return account.call({ method: 'POST', path: 'devices', body, answer: CertifiedDevice });
    };
    const certified = await certify().catch(async (error: unknown) => {
      // The key of a set-up that was cut short after it was certified, in another session.
      if (known === undefined || !isCode(error, 'HOME_BAD_DEVICE_KEY')) throw error;
      keys = await makeSignatureKeys();
      await vault.write(new Map([[RECORD, writeRecord({ keys })]]));
      return certify();
    });
    return new Device(options, keys, await keep(options.vault, keys, certified));
  }

  static async #resume(options: Required<DeviceOptions>, keys: SignatureKeys, known: Certified): Promise<Device> {
    const { account, vault } = options;
    const { device } = known;
    const { state } = account.store;
    if (state.phase === 'signedIn' && state.user.user !== userOfDevice(device)) {
      throw new HawserError('HOME_DEVICE_GONE', 'it belongs to another person');
    }
    try {
      const call = { method: 'POST', path: 'devices/current', answer: CertifiedDevice } as const;
      const certified = await account.callAbout(call, async (accessToken): Promise<KnownDevice> => {
        return { device, signature: toBase64Url(await proofFor(keys, accessToken)) };
      });
      return new Device(options, keys, await keep(vault, keys, certified));
    } catch (error) {
      if (isCode(error, 'HOME_NOT_FOUND')) throw new HawserError('HOME_DEVICE_GONE');
      // Without the server it still can read what it has.
      if (error instanceof HawserError && error.retry) return new Device(options, keys, known);
      throw error;
    }
  }

  get user(): UserId {
    return userOfDevice(this.id);
  }

  /** What it shows in groups. */
  get keys(): DeviceKeys {
    return { ...this.#keys, certificates: this.#certified.certificates };
  }

  /** Renews the certificate in time, and brings key packages where few are left. To be called at the start and each hour. */
  async maintain(): Promise<void> {
    const { account, now } = this.#options;
    const { notBefore, notAfter } = this.#certified;
    if (now() > notBefore + (notAfter - notBefore) * RENEW_AFTER) await this.#renew();
    const { left } = await account.call({
      method: 'GET',
      path: 'devices/current/key-packages',
      answer: KeyPackageCount,
    });
    if (left < FEW_KEY_PACKAGES) await this.bringKeyPackages();
  }

  /** Makes new key packages and gives them to the homeserver. Their secrets are stored before. */
  async bringKeyPackages(): Promise<void> {
    const { account, vault, now, keyPackages: count } = this.#options;
    const changes = new Map<string, Uint8Array>();
    const packages: string[] = [];
    for (let i = 0; i <= count; i++) {
      const { bytes, secrets } = await makeKeyPackage(this.keys, now());
      const prefix = i === 0 ? LAST_RESORT : KEY_PACKAGE;
      changes.set(`${prefix}${toBase64Url(await keyPackageReference(bytes))}`, secrets);
      packages.push(toBase64Url(bytes));
    }
    const [lastResort = '', ...keyPackages] = packages;
    await vault.write(changes);
    const body: NewKeyPackages = { keyPackages, lastResort };
    await account.call({ method: 'PUT', path: 'devices/current/key-packages', body, answer: KeyPackageCount });
  }

  /**
   * The secrets to one of the key packages that a Welcome was made for, and what is to be forgotten when it was joined.
   * @param references RFC 9420, section 5.2
   */
  async secretsFor(references: readonly Uint8Array[]): Promise<{ secrets: Uint8Array; used: Changes } | undefined> {
    const { vault } = this.#options;
    for (const reference of references.map(toBase64Url)) {
      const secrets = await vault.get(`${KEY_PACKAGE}${reference}`);
      if (secrets) return { secrets, used: new Map([[`${KEY_PACKAGE}${reference}`, undefined]]) };
      const last = await vault.get(`${LAST_RESORT}${reference}`);
      if (last) return { secrets: last, used: new Map() };
    }
    return undefined;
  }

  /** Key packages whose time is over, to be forgotten. */
  async expiredKeyPackages(): Promise<Changes> {
    const { vault, now } = this.#options;
    const records = [...(await vault.list(KEY_PACKAGE)), ...(await vault.list(LAST_RESORT))];
    const gone = records.filter(([, secrets]) => keyPackageEnds(secrets) < now());
    return new Map(gone.map(([key]) => [key, undefined]));
  }

  async #renew(): Promise<void> {
    const { account, vault } = this.#options;
    const body = { request: toBase64Url(await certificationRequest(this.#keys)) };
    const path = 'devices/current/certificate';
    const certified = await account.call({ method: 'POST', path, body, answer: CertifiedDevice });
    this.#certified = await keep(vault, this.#keys, certified);
    // What waits at the homeserver shows the old certificate, which ends before they do.
    await this.bringKeyPackages();
  }
}

async function keep(vault: Vault, keys: SignatureKeys, answer: CertifiedDevice): Promise<Certified> {
  const certified = { ...answer, certificates: answer.certificates.map(bytesOf) };
  await vault.write(new Map([[RECORD, writeRecord({ keys, certified })]]));
  return certified;
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (!bytes) throw new HawserError('SIG_SCHEMA', 'base64url');
  return bytes;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof HawserError && error.code === code;
}
