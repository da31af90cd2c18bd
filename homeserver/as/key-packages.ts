/**
 * Key packages (RFC 9420, section 10): what a device leaves here so that others can add it to groups while it is away. Each
 * is given out once; when none is left, the one of last resort is given again and again (section 16.8).
 */
import { createHash } from 'node:crypto';
import type { Credentials } from '#mls/credentials.ts';
import { checkKeyPackage } from '#mls/key-package.ts';
import { parseKeyPackage } from '#mls/wire.ts';
import { fromBase64Url } from '#signalling/base64.ts';
import { FEW_KEY_PACKAGES, type NewKeyPackages } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, UserId } from '#signalling/ids.ts';
import type { Db, Store } from '../store/store.ts';
import type { KeyPackageRow } from '../store/tables.ts';
import type { World } from '../world.ts';

export interface KeyPackagesOptions {
  readonly store: Store;
  readonly world: World;
  readonly credentials: Credentials;
  /** A device has so few left that it should bring more. */
  readonly onFew: (device: DeviceId, left: number) => void;
}

export interface ClaimedKeyPackage {
  readonly device: DeviceId;
  /** MLSMessage, base64url. */
  readonly keyPackage: string;
}

export class KeyPackages {
  readonly #options: KeyPackagesOptions;

  constructor(options: KeyPackagesOptions) {
    this.#options = options;
  }

  /**
   * Takes the whole batch in the place of the one before, or leaves that as it is.
   * @returns how many can be claimed, the one of last resort not counted
   * @throws HawserError HOME_BAD_KEY_PACKAGE; HOME_NOT_FOUND where the device is gone
   */
  async replace(device: DeviceId, { keyPackages, lastResort }: NewKeyPackages): Promise<number> {
    const { store } = this.#options;
    const rows: KeyPackageRow[] = [];
    for (const keyPackage of keyPackages) rows.push(await this.#row(device, keyPackage, 0));
    rows.push(await this.#row(device, lastResort, 1));
    if (new Set(rows.map(({ id }) => id)).size !== rows.length) {
      throw new HawserError('HOME_BAD_KEY_PACKAGE', 'one comes twice');
    }
    await store.transaction(async (tx) => {
      const known = await tx
        .selectFrom('devices')
        .select('device_id')
        .where('device_id', '=', device)
        .executeTakeFirst();
      if (!known) throw new HawserError('HOME_NOT_FOUND', 'device');
      await tx.deleteFrom('key_packages').where('device_id', '=', device).execute();
      await tx.insertInto('key_packages').values(rows).execute();
    });
    return keyPackages.length;
  }

  /** One key package of each device of a person of this domain, but of the one that asks; devices that left none are not among them. */
  async claim(user: UserId, asker?: DeviceId): Promise<ClaimedKeyPackage[]> {
    const { store, world, onFew } = this.#options;
    const claimed: ClaimedKeyPackage[] = [];
    const few: [DeviceId, number][] = [];
    await store.transaction(async (tx) => {
      const devices = await tx
        .selectFrom('devices')
        .select('device_id')
        .where('user_id', '=', user)
        .orderBy('created_at')
        .execute();
      for (const { device_id: device } of devices) {
        if (device === asker) continue;
        const row = await next(tx, device, world.now());
        if (!row) continue;
        claimed.push({ device, keyPackage: row.key_package });
        if (row.last_resort === 0) await tx.deleteFrom('key_packages').where('id', '=', row.id).execute();
        const left = await this.left(device, tx);
        if (left < FEW_KEY_PACKAGES) few.push([device, left]);
      }
    });
    for (const [device, left] of few) onFew(device, left);
    return claimed;
  }

  /** How many of a device can be claimed, the one of last resort not counted. */
  async left(device: DeviceId, db: Db = this.#options.store.db): Promise<number> {
    const { n } = await db
      .selectFrom('key_packages')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('device_id', '=', device)
      .where('last_resort', '=', 0)
      .where('not_after', '>', this.#options.world.now())
      .executeTakeFirstOrThrow();
    return n;
  }

  /** Forgets what has ended. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    await store.db.deleteFrom('key_packages').where('not_after', '<=', world.now()).execute();
  }

  async #row(device: DeviceId, text: string, last_resort: 0 | 1): Promise<KeyPackageRow> {
    const { credentials, world } = this.#options;
    try {
      const bytes = fromBase64Url(text);
      if (!bytes) throw new HawserError('MLS_MALFORMED');
      const keyPackage = parseKeyPackage(bytes);
      const identity = await checkKeyPackage(keyPackage, credentials, { now: world.now() });
      if (identity.device !== device) throw new HawserError('HOME_BAD_KEY_PACKAGE', 'it is of another device');
      const { leafNode } = keyPackage;
      // Checked above: a leaf of a key package has a lifetime.
      const notAfter = 'lifetime' in leafNode ? Number(leafNode.lifetime.notAfter) * 1000 : 0;
      return {
        id: createHash('sha256').update(bytes).digest('base64url'),
        device_id: device,
        key_package: text,
        last_resort,
        not_after: notAfter,
      };
    } catch (error) {
      if (!(error instanceof HawserError) || error.code === 'HOME_BAD_KEY_PACKAGE') throw error;
      throw new HawserError('HOME_BAD_KEY_PACKAGE', error.code, { cause: error });
    }
  }
}

/** The next one to give out: any that is used once before the one that is used again. */
function next(tx: Db, device: DeviceId, now: number): Promise<KeyPackageRow | undefined> {
  return tx
    .selectFrom('key_packages')
    .selectAll()
    .where('device_id', '=', device)
    .where('not_after', '>', now)
    .orderBy('last_resort')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}
