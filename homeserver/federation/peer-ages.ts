/** Since when each domain is allowed: in the database, because a domain does not become new by a start of the homeserver. */
import type { DomainName } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { World } from '../world.ts';

export class PeerAges {
  readonly #db: Db;
  readonly #world: World;
  readonly #since: Map<DomainName, number>;

  private constructor(db: Db, world: World, since: Map<DomainName, number>) {
    this.#db = db;
    this.#world = world;
    this.#since = since;
  }

  static async open(db: Db, world: World): Promise<PeerAges> {
    const rows = await db.selectFrom('peer_ages').selectAll().execute();
    return new PeerAges(db, world, new Map(rows.map(({ domain, first_at }) => [domain, first_at])));
  }

  /** ms since 1970; undefined of a domain that is not allowed. */
  readonly since = (domain: DomainName): number | undefined => this.#since.get(domain);

  /** It is allowed: from now on, unless it was already. */
  async begin(domain: DomainName): Promise<void> {
    if (this.#since.has(domain)) return;
    const now = this.#world.now();
    this.#since.set(domain, now);
    await this.#db
      .insertInto('peer_ages')
      .values({ domain, first_at: now })
      .onConflict((c) => c.column('domain').doNothing())
      .execute();
  }

  /** It was blocked or removed: if it comes back it is new. */
  async end(domain: DomainName): Promise<void> {
    this.#since.delete(domain);
    await this.#db.deleteFrom('peer_ages').where('domain', '=', domain).execute();
  }

  /** Those that went while the homeserver did not run. */
  async keepOnly(allowed: ReadonlySet<DomainName>): Promise<void> {
    for (const domain of [...this.#since.keys()]) if (!allowed.has(domain)) await this.end(domain);
  }
}
