/**
 * The keys with which this domain signs its requests to others. In the database, encrypted under a key that is not in it. A new one is
 * used at once, because whoever does not know it asks again; the old one stays published for a while, for requests that are under way.
 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { seal, unseal } from '../mail/seal.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import type { RequestSigner } from './signature.ts';

const DAY_MS = 24 * 3_600_000;
/** A key is used for so long. ms */
const LIFE_MS = 90 * DAY_MS;
/** Longer than any request is good for, which is a day. ms */
const OVERLAP_MS = 7 * DAY_MS;
/** The schema of what is published takes no more. */
const MAX_KEYS = 4;
/** SPKI and PKCS #8 of Ed25519 in a JWK have the key in `x`. */
const ID_LENGTH = 16;

const Stored = Type.Array(Type.Object({ key: Type.String(), privateKey: Type.String(), madeAt: Type.Number() }), {
  minItems: 1,
});
const validator = Compile(Stored);
type StoredKey = Type.Static<typeof Stored>[number];

export interface SigningKeysOptions {
  readonly store: Store;
  /** Under which the keys are encrypted; where it has changed, a new one is made. */
  readonly secret: Buffer;
  readonly world: World;
  /** A key is used from now on. */
  readonly onNew?: (id: string) => void;
}

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  /** Newest first. */
  #keys: readonly StoredKey[] = [];
  #signer: RequestSigner | undefined;

  private constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const keys = new SigningKeys(options);
    const known = await keys.#read(options.store.db);
    if (known) keys.#use(known);
    else await keys.rotate();
    return keys;
  }

  /** What signs now. */
  get signer(): RequestSigner {
    if (!this.#signer) throw new Error('there is no signing key');
    return this.#signer;
  }

  /** For `DomainKeys`. */
  get published(): { id: string; key: string }[] {
    return this.#keys.map(({ key }) => ({ id: key.slice(0, ID_LENGTH), key }));
  }

  /** Signs with a new key from now on. */
  async rotate(): Promise<void> {
    const { store, world, onNew } = this.#options;
    const fresh = makeKey(world.now());
    await store.transaction(async (tx) => {
      const before = (await this.#read(tx)) ?? [];
      await this.#write(tx, [fresh, ...before].slice(0, MAX_KEYS));
    });
    this.#use((await this.#read(store.db)) ?? []);
    onNew?.(fresh.key.slice(0, ID_LENGTH));
  }

  /** To be called now and then. */
  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    const [newest] = this.#keys;
    if (!newest || world.now() - newest.madeAt >= LIFE_MS) await this.rotate();
    // One goes when the next one has been in use for long enough.
    const kept = this.#keys.filter((_, index) => {
      const next = this.#keys[index - 1];
      return !next || world.now() - next.madeAt < OVERLAP_MS;
    });
    if (kept.length === this.#keys.length) return;
    await store.transaction((tx) => this.#write(tx, kept));
    this.#use(kept);
  }

  #use(keys: readonly StoredKey[]): void {
    const [newest] = keys;
    if (!newest) throw new Error('the signing key cannot be read back');
    const key = createPrivateKey({ key: Buffer.from(newest.privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
    this.#keys = keys;
    this.#signer = { id: newest.key.slice(0, ID_LENGTH), sign: (bytes) => sign(null, bytes, key) };
  }

  async #read(db: Db): Promise<StoredKey[] | undefined> {
    const row = await db.selectFrom('properties').select('value').where('name', '=', 'signing').executeTakeFirst();
    const text = row && unseal(this.#options.secret, row.value);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return validator.Check(value) ? value : undefined;
  }

  async #write(tx: Db, keys: readonly StoredKey[]): Promise<void> {
    const value = seal(this.#options.secret, JSON.stringify(keys), this.#options.world);
    await tx
      .insertInto('properties')
      .values({ name: 'signing', value })
      .onConflict((c) => c.column('name').doUpdateSet({ value }))
      .execute();
  }
}

function makeKey(now: number): StoredKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return {
    key: x,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
    madeAt: now,
  };
}
