/** The connections of this domain's people. Each has a side of their own; between two of this domain both change at once. */
import type { Connection, ConnectionOperation } from '#signalling/connections.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, domainOf, handleOf, type UserId } from '#signalling/ids.ts';
import { RateLimit } from '../http/rate.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import { findAccount } from './accounts.ts';
import { act, hear, isReachable, type Side, STRANGERS, stateOf, wants } from './connection.ts';

/** Who may reach each other without having asked: all people of one domain, or nobody. */
export type TeamMates = 'domain' | 'nobody';

export interface ConnectionsOptions {
  readonly store: Store;
  readonly domain: DomainName;
  readonly world: World;
  readonly teamMates: TeamMates;
  /** A person is to be told how it is now between them and another one. */
  readonly onChanged: (owner: UserId, connection: Connection) => void;
}

/** Requests of one person: twenty at once, for whoever is new, then one a minute. */
const REQUESTS = { burst: 20, perSecond: 1 / 60 };
/** What else one person decides. */
const DECISIONS_PER_SECOND = 5;
/** Of one person: bounds the table against whoever asks everybody, or is asked by everybody. */
export const MAX_SIDES = 5_000;
/** Another process changed the same side meanwhile; more often in a row than this is a fault. */
const ATTEMPTS = 4;

/** A side is not as it was when it was read. */
class Overtaken extends Error {}

interface Changed {
  readonly owner: UserId;
  readonly peer: UserId;
  readonly side: Side;
}

interface Step extends Changed {
  readonly before: Side;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #requests: RateLimit;
  readonly #decisions: RateLimit;

  constructor(options: ConnectionsOptions) {
    const { now } = options.world;
    this.#options = options;
    this.#requests = new RateLimit(REQUESTS.perSecond, now, REQUESTS.burst);
    this.#decisions = new RateLimit(DECISIONS_PER_SECOND, now);
  }

  /**
   * @returns how it is now
   * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN (oneself; a request to another domain), HOME_NO_REQUEST,
   * HOME_BLOCKED, HOME_SLOW_DOWN
   */
  async act(owner: UserId, peer: UserId, operation: ConnectionOperation): Promise<Connection> {
    const { domain, store, onChanged } = this.#options;
    if (owner === peer) throw new HawserError('HOME_FORBIDDEN', 'that is yourself');
    const limit = operation === 'request' ? this.#requests : this.#decisions;
    if (!limit.take(owner)) throw new HawserError('HOME_SLOW_DOWN');
    const isLocal = domainOf(peer) === domain;
    // Homeservers have no message for it yet; who may reach whom over the border is the allow list's.
    if (!isLocal && operation === 'request') throw new HawserError('HOME_FORBIDDEN', 'another organisation');
    const changed = await this.#retry(() => this.#write(owner, peer, operation));
    for (const each of changed) onChanged(each.owner, await this.#shown(each));
    return this.#shown({ peer, side: await sideOf(store.db, owner, peer) });
  }

  /** All that a person is shown, whom they have blocked included. */
  async list(owner: UserId): Promise<Connection[]> {
    const rows = await this.#options.store.db
      .selectFrom('connections')
      .leftJoin('accounts', 'accounts.user_id', 'connections.peer')
      .select(['peer', 'decision', 'is_wanted', 'changed_at', 'accounts.name'])
      .where('owner', '=', owner)
      .orderBy('peer')
      .execute();
    return rows
      .map(({ peer, decision, is_wanted, changed_at, name }) => ({
        user: peer,
        domain: domainOf(peer),
        name: name ?? handleOf(peer),
        state: stateOf({ decision, isWanted: is_wanted === 1 }),
        changedAt: Number(changed_at),
      }))
      .filter(({ state }) => state !== 'none');
  }

  /** As `mayReach`, by the rule of this domain. */
  mayReach(from: UserId, to: UserId): Promise<boolean> {
    return mayReach(this.#options.store.db, from, to, this.#options.teamMates);
  }

  /** In the transaction that deletes an account: what others had decided about it goes too, and they are told. */
  async forget(tx: Db, user: UserId): Promise<void> {
    const rows = await tx
      .deleteFrom('connections')
      .where('peer', '=', user)
      .returning(['owner', 'decision', 'is_wanted'])
      .execute();
    const seen = rows.filter(({ decision, is_wanted }) => stateOf({ decision, isWanted: is_wanted === 1 }) !== 'none');
    const none = await this.#shown({ peer: user, side: STRANGERS }, tx);
    afterCommit(tx, () => {
      for (const { owner } of seen) this.#options.onChanged(owner, none);
    });
  }

  /** The sides whose owners see something new; that of who acts first. */
  #write(owner: UserId, peer: UserId, operation: ConnectionOperation): Promise<Changed[]> {
    const { store, domain } = this.#options;
    return store.transaction(async (tx) => {
      // Here, where nobody is deleted in between.
      if (domainOf(peer) === domain && !(await findAccount(tx, peer))) throw new HawserError('HOME_NOT_FOUND', 'user');
      const own = await sideOf(tx, owner, peer);
      const next = act(own, operation);
      const steps: Step[] = [{ owner, peer, before: own, side: next }];
      // Between two of this domain a statement is heard at once.
      if (domainOf(peer) === domain && wants(own) !== wants(next)) {
        const other = await sideOf(tx, peer, owner);
        steps.push({ owner: peer, peer: owner, before: other, side: hear(other, wants(next)) });
      }
      // In one order, whoever acts: two that act on each other at once must not wait for each other's rows.
      for (const step of steps.toSorted((a, b) => (a.owner < b.owner ? -1 : 1))) await this.#save(tx, step);
      return steps.filter(({ before, side }) => stateOf(before) !== stateOf(side));
    });
  }

  async #save(tx: Db, { owner, peer, before, side }: Step): Promise<void> {
    if (isSame(before, side)) return;
    const decision = side.decision;
    const is_wanted = side.isWanted ? 1 : 0;
    const changed_at = this.#options.world.now();
    if (isSame(before, STRANGERS)) {
      if ((await countSides(tx, owner)) >= MAX_SIDES) throw new HawserError('HOME_SLOW_DOWN');
      const { numInsertedOrUpdatedRows } = await tx
        .insertInto('connections')
        .values({ owner, peer, decision, is_wanted, changed_at })
        .onConflict((c) => c.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) throw new Overtaken();
    } else {
      const { numUpdatedRows } = await tx
        .updateTable('connections')
        .set({ decision, is_wanted, changed_at })
        .where('owner', '=', owner)
        .where('peer', '=', peer)
        .where('decision', '=', before.decision)
        .where('is_wanted', '=', before.isWanted ? 1 : 0)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows !== 1n) throw new Overtaken();
      if (isSame(side, STRANGERS)) {
        await tx.deleteFrom('connections').where('owner', '=', owner).where('peer', '=', peer).execute();
      }
    }
  }

  async #shown({ peer, side }: Pick<Changed, 'peer' | 'side'>, db: Db = this.#options.store.db): Promise<Connection> {
    const { world } = this.#options;
    const name = (await findAccount(db, peer))?.name ?? handleOf(peer);
    return { user: peer, domain: domainOf(peer), name, state: stateOf(side), changedAt: world.now() };
  }

  async #retry<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Overtaken) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

/**
 * Whether `from` may add `to` to a conversation, write to or call them, both being people of this domain: team mates, or
 * connected, and none of them blocks the other.
 */
export async function mayReach(db: Db, from: UserId, to: UserId, teamMates: TeamMates): Promise<boolean> {
  if (from === to) return true;
  return isReachable({
    from: stateOf(await sideOf(db, from, to)),
    to: stateOf(await sideOf(db, to, from)),
    areTeamMates: teamMates === 'domain' && domainOf(from) === domainOf(to),
  });
}

/** Whether one of the two has blocked the other, as far as it is known here. */
export async function isBlocked(db: Db, one: UserId, other: UserId): Promise<boolean> {
  const sides = [await sideOf(db, one, other), await sideOf(db, other, one)];
  return sides.some(({ decision }) => decision === 'blocked');
}

/** Everybody of this domain who has blocked somebody, whose calls do not ring them therefore. */
export async function blockersOf(db: Db, blocked: UserId): Promise<ReadonlySet<UserId>> {
  const rows = await db
    .selectFrom('connections')
    .select('owner')
    .where('peer', '=', blocked)
    .where('decision', '=', 'blocked')
    .execute();
  return new Set(rows.map(({ owner }) => owner));
}

async function sideOf(db: Db, owner: UserId, peer: UserId): Promise<Side> {
  const row = await db
    .selectFrom('connections')
    .select(['decision', 'is_wanted'])
    .where('owner', '=', owner)
    .where('peer', '=', peer)
    .executeTakeFirst();
  return row ? { decision: row.decision, isWanted: row.is_wanted === 1 } : STRANGERS;
}

function isSame(one: Side, other: Side): boolean {
  return one.decision === other.decision && one.isWanted === other.isWanted;
}

async function countSides(tx: Db, owner: UserId): Promise<number> {
  const { n } = await tx
    .selectFrom('connections')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('owner', '=', owner)
    .executeTakeFirstOrThrow();
  return Number(n);
}
