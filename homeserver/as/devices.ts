/**
 * The devices of this domain's people. Each has a key that never leaves it and a certificate for it, which names the device
 * and its user: end-to-end encryption stands on these, so every new one is told to all the others.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { type CertifiedDevice, DEVICE_PROOF, type Device, MAX_DEVICES, type NewDevice } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { DeviceAuthority } from '#trust/device-authority.ts';
import { type DeviceCertificate, deviceKeyIn } from '#trust/issue-devices.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { DeviceRow } from '../store/tables.ts';
import { randomToken, type World } from '../world.ts';

export interface DevicesOptions {
  readonly store: Store;
  readonly world: World;
  readonly authority: DeviceAuthority;
  /** In the transaction that makes a device. */
  readonly onCreated: (tx: Db, user: UserId, device: Device) => Promise<void>;
  /** A person has one device more. */
  readonly onAdded: (user: UserId, device: Device) => void;
  /** A device is gone, its certificates are revoked, and these sessions of it have ended. */
  readonly onRemoved: (user: UserId, device: DeviceId, sessions: readonly string[]) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

export interface Session {
  readonly session: string;
  readonly user: UserId;
  /** IP address that it comes from. */
  readonly address: string;
}

const DEVICE_ID_BYTES = 16;
/** When and from where a device was last used is written once a minute at most. ms */
const NOTE_EVERY = 60_000;
/** SPKI of Ed25519: 12 bytes of header (RFC 8410, section 4). */
const SPKI_HEADER = 12;

export class Devices {
  readonly #options: DevicesOptions;
  /** When a use was last written, ms since 1970. */
  readonly #noted = new Map<DeviceId, number>();

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  /**
   * Makes a device and binds the session to it. The same request again in the same session is answered the same.
   * @throws HawserError HOME_BAD_DEVICE_KEY, HOME_TOO_MANY_DEVICES (its detail names them), HOME_HAS_DEVICE
   */
  async add({ session, user, address }: Session, { name, request }: NewDevice): Promise<CertifiedDevice> {
    const { store, world, authority, onCreated, onAdded } = this.#options;
    const publicKey = await keyOf(request);
    const again = await this.#madeBefore(session, publicKey);
    if (again) return again;
    const now = world.now();
    const device = `${user}/d/${randomToken(world, DEVICE_ID_BYTES)}` as DeviceId;
    const row = {
      device_id: device,
      user_id: user,
      name,
      public_key: toBase64Url(publicKey),
      created_at: now,
      last_used_at: now,
      last_address: address,
    };
    // Before the transaction, which shall be short. A certificate that is thrown away hurts nobody: no device has its name.
    const certificate = await authority.certify(device, publicKey, now);
    await store.transaction(async (tx) => {
      const before = await rowsOf(tx, user);
      if (before.length >= MAX_DEVICES) {
        throw new HawserError('HOME_TOO_MANY_DEVICES', before.map((each) => each.name).join(', '));
      }
      await bind(tx, session, device);
      const { numInsertedOrUpdatedRows } = await tx
        .insertInto('devices')
        .values(row)
        .onConflict((c) => c.column('public_key').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) throw new HawserError('HOME_BAD_DEVICE_KEY', 'another device has this key');
      await keep(tx, device, certificate);
      await onCreated(tx, user, deviceOf(row));
    });
    onAdded(user, deviceOf(row));
    return this.#certified(device, certificate);
  }

  /**
   * Binds a new session to a device that is known, by a proof that its key is there. A certificate that has ended is renewed.
   * @throws HawserError HOME_BAD_DEVICE_KEY, HOME_NOT_FOUND, HOME_HAS_DEVICE
   */
  async resume(
    { session, user, address }: Session,
    accessToken: string,
    { device, signature }: { readonly device: DeviceId; readonly signature: string },
  ): Promise<CertifiedDevice> {
    const { store, world, authority } = this.#options;
    const row = (await rowsOf(store.db, user)).find((each) => each.device_id === device);
    if (!row) throw new HawserError('HOME_NOT_FOUND', 'device');
    const key = createPublicKey({ key: Buffer.from(row.public_key, 'base64url'), format: 'der', type: 'spki' });
    const proof = Buffer.from(`${DEVICE_PROOF}${accessToken}`);
    if (!verify(null, proof, key, Buffer.from(signature, 'base64url'))) throw new HawserError('HOME_BAD_DEVICE_KEY');
    await store.transaction((tx) => bind(tx, session, device));
    await this.used(device, address);
    const newest = await store.db
      .selectFrom('device_certificates')
      .selectAll()
      .where('device_id', '=', device)
      .where('not_after', '>', world.now())
      .orderBy('not_after', 'desc')
      .executeTakeFirst();
    const certificate = newest && Buffer.from(newest.certificate, 'base64url');
    // One of an intermediate that was replaced, with a new key, is worth nothing any more.
    if (!certificate || !authority.issued(certificate)) {
      return this.#certify(device, fromBase64Url(row.public_key) ?? refuseKey());
    }
    const { serial, not_before: notBefore, not_after: notAfter } = newest;
    return this.#certified(device, { certificate, serial, notBefore, notAfter });
  }

  /** A certificate for a longer time. @throws HawserError HOME_BAD_DEVICE_KEY, HOME_NOT_FOUND */
  async renew(device: DeviceId, request: string): Promise<CertifiedDevice> {
    const row = await this.#options.store.db
      .selectFrom('devices')
      .select('public_key')
      .where('device_id', '=', device)
      .executeTakeFirst();
    if (!row) throw new HawserError('HOME_NOT_FOUND', 'device');
    const publicKey = await keyOf(request);
    if (toBase64Url(publicKey) !== row.public_key) throw new HawserError('HOME_BAD_DEVICE_KEY');
    return this.#certify(device, publicKey);
  }

  /** Oldest first. */
  async list(user: UserId): Promise<Device[]> {
    return (await rowsOf(this.#options.store.db, user)).map(deviceOf);
  }

  /** @throws HawserError HOME_NOT_FOUND where it is no device of that person */
  async remove(user: UserId, device: DeviceId): Promise<void> {
    const { store, world, onRemoved } = this.#options;
    const sessions = await store.transaction(async (tx) => {
      const known = (await rowsOf(tx, user)).map(({ device_id }) => device_id);
      if (!known.includes(device)) throw new HawserError('HOME_NOT_FOUND', 'device');
      this.#noted.delete(device);
      return drop(tx, device, world.now());
    });
    await onRemoved(user, device, sessions);
  }

  /**
   * In a transaction: all devices of a person but that of a session, as after a change of the password.
   * @param kept the session whose device stays; none when left out
   */
  async removeOthers(tx: Db, user: UserId, kept: string | undefined): Promise<void> {
    const { world, onRemoved, onFault } = this.#options;
    for (const { device, sessions } of await dropDevices(tx, user, kept, world.now())) {
      this.#noted.delete(device);
      afterCommit(tx, () => void onRemoved(user, device, sessions).catch(onFault));
    }
  }

  /**
   * Does what follows from removals that nobody followed up: the process ended just then, or an administrator worked on the
   * database while none ran, or could not be asked. To be called at the start, and now and then.
   * @param devices that other services still know
   */
  async finishRemovals(devices: readonly DeviceId[]): Promise<void> {
    const { store, onRemoved, onFault } = this.#options;
    const rows = await store.db.selectFrom('devices').select('device_id').execute();
    const present = new Set(rows.map(({ device_id }) => device_id));
    for (const device of devices) {
      // One that fails holds no other.
      if (!present.has(device)) await onRemoved(userOfDevice(device), device, []).catch(onFault);
    }
  }

  /** Notes when and from where a device was used. */
  async used(device: DeviceId, address: string): Promise<void> {
    const { store, world } = this.#options;
    const now = world.now();
    if (now - (this.#noted.get(device) ?? Number.NEGATIVE_INFINITY) < NOTE_EVERY) return;
    this.#noted.set(device, now);
    await store.db
      .updateTable('devices')
      .set({ last_used_at: now, last_address: address })
      .where('device_id', '=', device)
      .execute();
  }

  /** The device that this session made with this key, and had no answer. */
  async #madeBefore(session: string, publicKey: Uint8Array<ArrayBuffer>): Promise<CertifiedDevice | undefined> {
    const row = await this.#options.store.db
      .selectFrom('sessions')
      .innerJoin('devices', 'devices.device_id', 'sessions.device_id')
      .select('devices.device_id')
      .where('sessions.id', '=', session)
      .where('devices.public_key', '=', toBase64Url(publicKey))
      .executeTakeFirst();
    return row && this.#certify(row.device_id, publicKey);
  }

  async #certify(device: DeviceId, publicKey: Uint8Array<ArrayBuffer>): Promise<CertifiedDevice> {
    const { store, world, authority } = this.#options;
    const certificate = await authority.certify(device, publicKey, world.now());
    await store.transaction(async (tx) => {
      // Removed meanwhile, and its certificates revoked: no new one comes after that.
      const row = await tx.selectFrom('devices').select('device_id').where('device_id', '=', device).executeTakeFirst();
      if (!row) throw new HawserError('HOME_NOT_FOUND', 'device');
      await keep(tx, device, certificate);
    });
    return this.#certified(device, certificate);
  }

  #certified(device: DeviceId, { certificate, notBefore, notAfter }: DeviceCertificate): CertifiedDevice {
    const chain = [certificate, this.#options.authority.current.certificate];
    return { device, certificates: chain.map(toBase64Url), notBefore, notAfter };
  }
}

/**
 * In a transaction: takes all devices of a person but that of a session out of the database, and revokes their certificates.
 * What follows from it is up to the caller, or to `finishRemovals` at the next start.
 * @param kept the session whose device stays; none when left out
 * @returns the devices that are gone, and the sessions that end with each
 */
export async function dropDevices(
  tx: Db,
  user: UserId,
  kept: string | undefined,
  now: number,
): Promise<{ readonly device: DeviceId; readonly sessions: readonly string[] }[]> {
  const stays =
    kept === undefined
      ? undefined
      : await tx.selectFrom('sessions').select('device_id').where('id', '=', kept).executeTakeFirst();
  const gone = [];
  for (const { device_id: device } of await rowsOf(tx, user)) {
    if (device !== stays?.device_id) gone.push({ device, sessions: await drop(tx, device, now) });
  }
  return gone;
}

/** Takes a device out of the database and revokes its certificates; returns the sessions that end with it. */
async function drop(tx: Db, device: DeviceId, now: number): Promise<string[]> {
  const sessions = await tx.selectFrom('sessions').select('id').where('device_id', '=', device).execute();
  await tx
    .updateTable('device_certificates')
    .set({ revoked_at: now })
    .where('device_id', '=', device)
    .where('revoked_at', 'is', null)
    .execute();
  await tx.deleteFrom('sessions').where('device_id', '=', device).execute();
  await tx.deleteFrom('devices').where('device_id', '=', device).execute();
  return sessions.map(({ id }) => id);
}

/** SHA-256 of the raw key, base64url. */
export function fingerprintOf(spki: Uint8Array): string {
  return createHash('sha256').update(spki.subarray(SPKI_HEADER)).digest('base64url');
}

async function keyOf(request: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = fromBase64Url(request);
  return (bytes && (await deviceKeyIn(bytes))) ?? refuseKey();
}

function refuseKey(): never {
  throw new HawserError('HOME_BAD_DEVICE_KEY');
}

function rowsOf(db: Db, user: UserId): Promise<DeviceRow[]> {
  return db
    .selectFrom('devices')
    .selectAll()
    .where('user_id', '=', user)
    .orderBy('created_at')
    .orderBy('device_id')
    .execute();
}

function deviceOf(row: DeviceRow): Device {
  return {
    device: row.device_id,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    lastAddress: row.last_address,
    fingerprint: fingerprintOf(Buffer.from(row.public_key, 'base64url')),
  };
}

/** @throws HawserError HOME_HAS_DEVICE; HOME_UNAUTHENTICATED where the session has ended meanwhile */
async function bind(tx: Db, session: string, device: DeviceId): Promise<void> {
  const row = await tx.selectFrom('sessions').select('device_id').where('id', '=', session).executeTakeFirst();
  if (!row) throw new HawserError('HOME_UNAUTHENTICATED');
  if (row.device_id !== null && row.device_id !== device) throw new HawserError('HOME_HAS_DEVICE');
  await tx.updateTable('sessions').set({ device_id: device }).where('id', '=', session).execute();
}

async function keep(tx: Db, device: DeviceId, certificate: DeviceCertificate): Promise<void> {
  await tx
    .insertInto('device_certificates')
    .values({
      serial: certificate.serial,
      device_id: device,
      certificate: toBase64Url(certificate.certificate),
      not_before: certificate.notBefore,
      not_after: certificate.notAfter,
      revoked_at: null,
    })
    .execute();
}
