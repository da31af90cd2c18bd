/**
 * Files that people of this domain send, as ciphertext. An upload is a row and a file that grow together: what is counted
 * is on disk. Nobody but its owner sees it before it is complete, which its hash has to prove.
 */
import type { Readable } from 'node:stream';
import {
  type AssetKind,
  type AssetPolicy,
  type AssetUpload,
  LimitRefusal,
  MAX_PART,
  type NewAsset,
  plainSize,
  refusalBy,
  sealedSize,
  WrongOffset,
} from '#signalling/assets.ts';
import { HawserError } from '#signalling/errors.ts';
import { type AssetId, assetIdOf, type DomainName, type UserId } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import type { AssetRow } from '../store/tables.ts';
import { randomToken, type World } from '../world.ts';
import { rangeOf } from './range.ts';
import { release } from './release.ts';
import { type AssetRules, DAY_MS } from './rules.ts';
import type { AssetName, AssetStore, ByteRange } from './store.ts';
import * as table from './table.ts';
import { Turns } from './turns.ts';

/**
 * 128 bits. Whoever of the domain knows an id may fetch what it names: ids stand in encrypted messages only, beside the key,
 * and without the key there is nothing to read. A list of who may fetch would tell the server who talks to whom.
 */
const TOKEN_BYTES = 16;
/** Of one person at once; a device sends a few files at a time. */
const MAX_UPLOADS = 32;
/** What belongs to nothing is left alone for this long, in case it is about to. */
const ORPHAN_MS = 3_600_000;
const ORPHAN_BATCH = 500;

export interface AssetsOptions {
  readonly store: Store;
  readonly files: AssetStore;
  readonly domain: DomainName;
  readonly rules: AssetRules;
  readonly world: World;
}

export interface Part {
  readonly offset: number;
  /** Of `bytes`. */
  readonly length: number;
  /** Its pieces are used up: each is released when it is on its way to the disk. */
  readonly bytes: Readable;
}

/** What is known of a file besides its bytes. */
export interface AssetInfo {
  /** Of the ciphertext, bytes. */
  readonly size: number;
  readonly kind: AssetKind;
}

export interface OpenAsset {
  /** Of the whole file, bytes. */
  readonly size: number;
  readonly range: ByteRange;
  readonly isWhole: boolean;
  /** Whoever got it reads or destroys it. */
  readonly bytes: Readable;
}

/** HOME_ASSET_RANGE, with the size that the answer has to name (RFC 9110, section 15.5.17). */
export class WrongRange extends HawserError {
  readonly size: number;

  constructor(size: number) {
    super('HOME_ASSET_RANGE');
    this.size = size;
  }
}

export class Assets {
  readonly #options: AssetsOptions;
  readonly #turns = new Turns();
  readonly #completing = new Map<AssetId, { readonly sha256: string; readonly result: Promise<AssetUpload> }>();

  constructor(options: AssetsOptions) {
    this.#options = options;
  }

  async policy(user: UserId): Promise<AssetPolicy> {
    const { store, rules } = this.#options;
    const { bytes } = await table.usageOf(store.db, user);
    return {
      maxBytes: rules.maxBytes,
      kinds: [...rules.kinds],
      quotaBytes: rules.userBytes,
      usedBytes: bytes,
      maxPartBytes: MAX_PART,
      ...(rules.keepDays !== undefined && { keepDays: rules.keepDays }),
    };
  }

  /**
   * Makes room for a file, or finds the upload that the same request has made.
   * @throws HawserError HOME_ASSET_TOO_LARGE, HOME_ASSET_KIND, HOME_ASSET_QUOTA, HOME_ASSET_UPLOADS, HOME_ASSET_NO_ROOM,
   * HOME_ASSET_CONFLICT
   */
  async create(user: UserId, { request, size, kind }: NewAsset): Promise<AssetUpload> {
    const { store, files, domain, rules, world } = this.#options;
    const same = (row: AssetRow): Promise<AssetUpload> => {
      if (row.size !== size || row.kind !== kind) throw new HawserError('HOME_ASSET_CONFLICT');
      return this.#show(row);
    };
    const known = await table.findRequest(store.db, user, request);
    if (known) return same(known);
    if (size > sealedSize(rules.maxBytes)) throw new LimitRefusal('HOME_ASSET_TOO_LARGE', rules.maxBytes);
    if (!rules.kinds.includes(kind)) throw new HawserError('HOME_ASSET_KIND', kind);
    await files.refuseFull(size);
    const now = world.now();
    const row: AssetRow = {
      id: assetIdOf(domain, randomToken(world, TOKEN_BYTES)),
      owner: user,
      request,
      kind,
      size,
      received: 0,
      created_at: now,
      completed_at: null,
      expires_at: now + rules.stalledMs,
      sha256: null,
    };
    const isNew = await store.transaction(async (tx) => {
      if (!(await table.insertUpload(tx, row))) return false;
      const usage = await table.addUsage(tx, user, { bytes: size, uploads: 1 });
      if (usage.uploads > MAX_UPLOADS) throw new LimitRefusal('HOME_ASSET_UPLOADS', MAX_UPLOADS);
      if (usage.bytes > rules.userBytes) throw new LimitRefusal('HOME_ASSET_QUOTA', rules.userBytes);
      if ((await table.usageOfAll(tx)).bytes > rules.totalBytes) throw new HawserError('HOME_ASSET_NO_ROOM');
      return true;
    });
    const made = isNew ? row : await table.findRequest(store.db, user, request);
    if (!made) throw new HawserError('HOME_NOT_FOUND');
    return same(made);
  }

  /** Where an upload or a file of the caller stands. @throws HawserError HOME_NOT_FOUND */
  async progress(user: UserId, asset: AssetId): Promise<AssetUpload> {
    return this.#show(await this.#own(user, asset));
  }

  /**
   * Adds a part. What came before something failed is on disk and counts. A part that is still coming over an older
   * connection is ended.
   * @throws HawserError WrongOffset, HOME_ASSET_OVERTAKEN, HOME_ASSET_COMPLETE, HOME_ASSET_NO_ROOM, HOME_NOT_FOUND,
   * HOME_BAD_REQUEST where it is longer than the file, SIG_CLOSED where the connection ended early
   */
  append(user: UserId, asset: AssetId, part: Part): Promise<AssetUpload> {
    return this.#turns.take(asset, async (signal) => {
      const { files } = this.#options;
      const row = await this.#own(user, asset);
      if (row.completed_at !== null) throw new HawserError('HOME_ASSET_COMPLETE');
      const received = await this.#received(row);
      if (part.offset !== received) throw new WrongOffset(received);
      if (part.length > row.size - received) throw new HawserError('HOME_BAD_REQUEST', 'longer than the file');
      const source = new Source(part.bytes, part.length, signal);
      const { stored, failure } = await files.append(nameOf(asset), received, source);
      const upload = await this.#advance(row, received + stored);
      if (failure === undefined) return upload;
      if (signal.aborted) throw signal.reason;
      if (failure === source.failure) throw new HawserError('SIG_CLOSED', undefined, { cause: failure });
      throw failure;
    });
  }

  /**
   * Makes the upload a file, once its length and hash are those of what is on disk. The same again gives the same answer.
   * @throws HawserError HOME_ASSET_INCOMPLETE, HOME_ASSET_HASH, HOME_ASSET_COMPLETE where it was completed with another
   * hash, HOME_ASSET_NO_ROOM, HOME_ASSET_STORE, HOME_NOT_FOUND
   */
  async complete(user: UserId, asset: AssetId, sha256: string): Promise<AssetUpload> {
    await this.#own(user, asset);
    const running = this.#completing.get(asset);
    if (running?.sha256 === sha256) return running.result;
    const result = this.#turns.take(asset, () => this.#complete(user, asset, sha256));
    this.#completing.set(asset, { sha256, result });
    try {
      return await result;
    } finally {
      if (this.#completing.get(asset)?.result === result) this.#completing.delete(asset);
    }
  }

  /**
   * Opens a file for whoever knows its id: people of this domain, and other domains' homeservers for theirs.
   * @param range a Range header, undefined for the whole
   * @throws HawserError HOME_NOT_FOUND, WrongRange, HOME_ASSET_STORE
   */
  async open(asset: AssetId, range?: string): Promise<OpenAsset> {
    const { files } = this.#options;
    const row = await this.#file(asset);
    const wanted = rangeOf(range, row.size);
    if (wanted === 'unsatisfiable') throw new WrongRange(row.size);
    const bounds = wanted === 'whole' ? { from: 0, to: row.size - 1 } : wanted;
    const bytes = await files.read(nameOf(asset), bounds);
    return { size: row.size, range: bounds, isWhole: wanted === 'whole', bytes };
  }

  /** For the same people. @throws HawserError HOME_NOT_FOUND */
  async about(asset: AssetId): Promise<AssetInfo> {
    const { size, kind } = await this.#file(asset);
    return { size, kind };
  }

  /** Why the organisation does not accept a file, to be sent or fetched; undefined where it does. */
  refusalOf({ size, kind }: AssetInfo): HawserError | undefined {
    // What is no size of an encrypted file is not smaller for that.
    return refusalBy(
      { ...this.#options.rules, kinds: [...this.#options.rules.kinds] },
      { size: plainSize(size) ?? size, kind },
    );
  }

  /** Deletes a file or gives up an upload. @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN for somebody else's */
  async remove(user: UserId, asset: AssetId): Promise<void> {
    const { store, files } = this.#options;
    await this.#own(user, asset);
    await this.#turns.take(asset, async () => {
      await store.transaction((tx) => table.deleteAsset(tx, asset));
      await files.remove(nameOf(asset));
    });
  }

  /** Throws away uploads that stalled and files whose time is over. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, files, world } = this.#options;
    const now = world.now();
    for (let due = await table.expired(store.db, now); due.length > 0; due = await table.expired(store.db, now)) {
      for (const asset of due) {
        const isGone = await store.transaction((tx) => table.deleteAsset(tx, asset, now));
        if (isGone) await files.remove(nameOf(asset));
      }
    }
  }

  /** Removes bytes that no row knows, such as those of a file whose removal was cut off. To be called once in a while. */
  async sweepOrphans(): Promise<void> {
    const { files, world } = this.#options;
    const young = world.now() - ORPHAN_MS;
    let batch: AssetName[] = [];
    for await (const { name, modified } of files.list()) {
      if (modified > young) continue;
      batch.push(name);
      if (batch.length < ORPHAN_BATCH) continue;
      await this.#removeUnknown(batch);
      batch = [];
    }
    await this.#removeUnknown(batch);
    await files.tidy(young);
  }

  /** What everybody's files take up. */
  usage(): Promise<table.Usage> {
    return table.usageOfAll(this.#options.store.db);
  }

  async #file(asset: AssetId): Promise<AssetRow> {
    const { store, world } = this.#options;
    const row = await table.findAsset(store.db, asset);
    const isOver = row?.expires_at != null && row.expires_at <= world.now();
    if (!row || row.completed_at === null || isOver) throw new HawserError('HOME_NOT_FOUND');
    return row;
  }

  async #complete(user: UserId, asset: AssetId, sha256: string): Promise<AssetUpload> {
    const { store, files, rules, world } = this.#options;
    const row = await this.#own(user, asset);
    if (row.completed_at !== null) {
      if (row.sha256 === sha256) return this.#show(row);
      throw new HawserError('HOME_ASSET_COMPLETE');
    }
    if ((await this.#received(row)) < row.size) throw new HawserError('HOME_ASSET_INCOMPLETE');
    try {
      await files.finish(nameOf(asset), { size: row.size, sha256 });
    } catch (error) {
      // Nobody can say which of its bytes are wrong, so none of them is worth keeping.
      if (error instanceof HawserError && error.code === 'HOME_ASSET_HASH') await this.#throwAway(asset);
      throw error;
    }
    const completed_at = world.now();
    const expires_at = rules.keepDays === undefined ? null : completed_at + rules.keepDays * DAY_MS;
    const as = { completed_at, expires_at, sha256 };
    const isMarked = await store.transaction((tx) => table.markComplete(tx, row, as));
    if (!isMarked) {
      await this.#removeUnknown([nameOf(asset)]);
      throw new HawserError('HOME_NOT_FOUND');
    }
    return this.#show({ ...row, ...as, received: row.size });
  }

  async #advance(row: AssetRow, received: number): Promise<AssetUpload> {
    const { store, rules, world } = this.#options;
    const next = { received, expires_at: world.now() + rules.stalledMs };
    if (received === row.received) return this.#show(row);
    if (await table.advance(store.db, row.id, row.received, next)) return this.#show({ ...row, ...next });
    // Deleted or swept while the part came: what was written belongs to nothing.
    const now = await table.findAsset(store.db, row.id);
    if (now) throw new WrongOffset(await this.#received(now));
    await this.#options.files.remove(nameOf(row.id));
    throw new HawserError('HOME_NOT_FOUND');
  }

  async #throwAway(asset: AssetId): Promise<void> {
    const { store, files } = this.#options;
    await store.transaction((tx) => table.deleteAsset(tx, asset));
    await files.remove(nameOf(asset));
  }

  async #removeUnknown(names: readonly AssetName[]): Promise<void> {
    const { store, files, domain } = this.#options;
    const assets = new Map(names.map((name) => [idOf(domain, name), name]));
    const known = await table.known(store.db, [...assets.keys()]);
    for (const [asset, name] of assets) if (!known.has(asset)) await files.remove(name);
  }

  /** Somebody else's upload is not there; somebody else's file is, for whoever knows its id, and stays. */
  async #own(user: UserId, asset: AssetId): Promise<AssetRow> {
    const row = await table.findAsset(this.#options.store.db, asset);
    if (!row || (row.owner !== user && row.completed_at === null)) throw new HawserError('HOME_NOT_FOUND');
    if (row.owner !== user) throw new HawserError('HOME_FORBIDDEN');
    return row;
  }

  /** The database counts what was synced. Where the disk has less, for instance after a restore, the disk is right. */
  async #received(row: AssetRow): Promise<number> {
    if (row.completed_at !== null) return row.size;
    return Math.min(row.received, (await this.#options.files.size(nameOf(row.id))) ?? 0);
  }

  async #show(row: AssetRow): Promise<AssetUpload> {
    return {
      asset: row.id,
      size: row.size,
      received: await this.#received(row),
      ...(row.expires_at !== null && { expires: row.expires_at }),
      ...(row.sha256 !== null && { sha256: row.sha256 }),
    };
  }
}

/** No more than was announced, until the signal ends it; and what ended it early told apart from what the disk says. */
class Source implements AsyncIterable<Uint8Array> {
  failure: unknown;
  readonly #bytes: Readable;
  readonly #signal: AbortSignal;
  #left: number;

  constructor(bytes: Readable, length: number, signal: AbortSignal) {
    this.#bytes = bytes;
    this.#left = length;
    this.#signal = signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    // Where the disk ends it, the connection must stay for the answer.
    const pieces = this.#bytes.iterator({ destroyOnReturn: false });
    const stop = () => void this.#bytes.destroy();
    this.#signal.addEventListener('abort', stop, { once: true });
    try {
      this.#signal.throwIfAborted();
      for (;;) {
        const { value, done } = await this.#next(pieces);
        if (done || this.#left <= 0) return;
        const piece = value.subarray(0, this.#left);
        this.#left -= piece.length;
        yield piece;
        release(value);
      }
    } finally {
      this.#signal.removeEventListener('abort', stop);
      await pieces.return?.();
    }
  }

  async #next(pieces: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      return await pieces.next();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

function nameOf(asset: AssetId): AssetName {
  return Buffer.from(asset.slice(asset.lastIndexOf('/') + 1), 'base64url').toString('hex');
}

function idOf(domain: DomainName, name: AssetName): AssetId {
  return assetIdOf(domain, Buffer.from(name, 'hex').toString('base64url'));
}
