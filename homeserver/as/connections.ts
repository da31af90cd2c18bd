/**
 * The connections of this domain's people. Each has a side of their own; between two of this domain both change at once. Another
 * domain is told in the same transaction, by way of the outbox, and tells of its own people what they want.
 */
import type { Connection, ConnectionOperation } from '#signalling/connections.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConsentStatement } from '#signalling/federation-people.ts';
import { type DomainName, domainOf, handleOf, type UserId } from '#signalling/ids.ts';
import { enqueue, pairOf, peopleOf } from '../federation/outbox-table.ts';
import { RateLimit } from '../http/rate.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { ConsentPair } from '../store/tables.ts';
import type { World } from '../world.ts';
import type { Abroad, ForeignPeople } from './abroad.ts';
import { findAccount } from './accounts.ts';
import { act, hear, isReachable, type Side, STRANGERS, stateOf, wants } from './connection.ts';
import {
  countHeard,
  domainsIn,
  nameTold,
  noteHeard,
  noteKnown,
  noteOwn,
  ownStatement,
  sweepConsents,
  takeBack,
  untold,
  withdraw,
} from './consents.ts';
import { countSides, isBlocked, type Pair, sideOf } from './sides.ts';

/** Who may reach each other without having asked: all people of one domain, or nobody. */
export type TeamMates = 'domain' | 'nobody';

export interface ConnectionsOptions {
  readonly store: Store;
  readonly domain: DomainName;
  readonly world: World;
  readonly teamMates: TeamMates;
  readonly foreignPeople: ForeignPeople;
  readonly abroad: Abroad;
  /** A person is to be told how it is now between them and another one. */
  readonly onChanged: (owner: UserId, connection: Connection) => void;
}

/** Requests of one person: twenty at once, for whoever is new, then one a minute. */
const REQUESTS = { burst: 20, perSecond: 1 / 60 };
/** What else one person decides. */
const DECISIONS_PER_SECOND = 5;
/** Of one person: bounds the table against whoever asks everybody, or is asked by everybody. */
export const MAX_SIDES = 5_000;
/** People of one other domain who state anything to one person, ever: no domain fills somebody's table alone. */
export const MAX_OF_DOMAIN = 1_000;
/** Another process changed the same side meanwhile; more often in a row than this is a fault. */
const ATTEMPTS = 4;

/** The other domain does not say who there is, or cannot be reached: the request is made all the same, and told when it can be. */
const UNKNOWN_YET: ReadonlySet<ErrorCode> = new Set(['FED_UNREACHABLE', 'FED_SCOPE', 'FED_LIMIT']);

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
   * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN (oneself), HOME_NO_REQUEST, HOME_BLOCKED, HOME_SLOW_DOWN; for somebody of
   * another domain also why that cannot be told, ever
   */
  async act(owner: UserId, peer: UserId, operation: ConnectionOperation): Promise<Connection> {
    const { domain, store, abroad, onChanged } = this.#options;
    if (owner === peer) throw new HawserError('HOME_FORBIDDEN', 'that is yourself');
    const limit = operation === 'request' ? this.#requests : this.#decisions;
    if (!limit.take(owner)) throw new HawserError('HOME_SLOW_DOWN');
    const isForeign = domainOf(peer) !== domain;
    const name = isForeign && operation === 'request' ? await this.#lookUp(owner, peer) : undefined;
    const changed = await this.#retry(() => this.#write(owner, peer, operation, name));
    if (isForeign) abroad.wake(domainOf(peer));
    for (const each of changed) onChanged(each.owner, await this.#shown(each));
    return this.#shown({ owner, peer, side: await sideOf(store.db, owner, peer) });
  }

  /** All that a person is shown, whom they have blocked included. */
  async list(owner: UserId): Promise<Connection[]> {
    const rows = await this.#options.store.db
      .selectFrom('connections')
      .leftJoin('accounts', 'accounts.user_id', 'connections.peer')
      .leftJoin('consents', (join) =>
        join.onRef('consents.owner', '=', 'connections.owner').onRef('consents.peer', '=', 'connections.peer'),
      )
      .select([
        'connections.peer',
        'decision',
        'is_wanted',
        'connections.changed_at',
        'accounts.name',
        'consents.name as told',
      ])
      .where('connections.owner', '=', owner)
      .orderBy('connections.peer')
      .execute();
    return rows
      .map(({ peer, decision, is_wanted, changed_at, name, told }) => ({
        user: peer,
        domain: domainOf(peer),
        name: name ?? told ?? handleOf(peer),
        state: stateOf({ decision, isWanted: is_wanted === 1 }),
        changedAt: Number(changed_at),
      }))
      .filter(({ state }) => state !== 'none');
  }

  /** As `mayReach`, by the rules of this domain. */
  async mayReach(from: UserId, to: UserId): Promise<boolean> {
    const { store, domain, teamMates, foreignPeople } = this.#options;
    const areOwn = [from, to].filter((user) => domainOf(user) === domain);
    if (areOwn.length === 2) return mayReach(store.db, from, to, teamMates);
    if (await isBlocked(store.db, from, to)) return false;
    const [own] = areOwn;
    // About two of other domains their own ones decide.
    if (foreignPeople === 'open' || own === undefined) return true;
    return stateOf(await sideOf(store.db, own, own === from ? to : from)) === 'connected';
  }

  /**
   * Another domain states whether one of its people wants to be connected to one of ours. What comes late or twice changes nothing;
   * the answer is the same whatever our person has decided.
   * @param from the domain that its certificate speaks for
   * @throws HawserError FED_FOREIGN, FED_WRONG_DESTINATION, HOME_NOT_FOUND, FED_LIMIT
   */
  async hear(from: DomainName, { from: peer, to: owner, name, wants: isWanted, seq }: ConsentStatement): Promise<void> {
    const { store, domain, world, onChanged } = this.#options;
    if (domainOf(peer) !== from || from === domain) throw new HawserError('FED_FOREIGN');
    if (domainOf(owner) !== domain) throw new HawserError('FED_WRONG_DESTINATION');
    const step = await this.#retry(() =>
      store.transaction(async (tx): Promise<Step | undefined> => {
        if (!(await findAccount(tx, owner))) throw new HawserError('HOME_NOT_FOUND', 'user');
        if (!(await noteHeard(tx, { owner, peer }, seq, name, world.now()))) return undefined;
        if ((await countHeard(tx, owner, from)) > MAX_OF_DOMAIN) throw new HawserError('FED_LIMIT');
        const before = await sideOf(tx, owner, peer);
        const step = { owner, peer, before, side: hear(before, isWanted) };
        await this.#save(tx, step);
        return step;
      }),
    ).catch((error: unknown) => {
      // Its own person cannot help it that ours has too many.
      throw error instanceof HawserError && error.code === 'HOME_SLOW_DOWN' ? new HawserError('FED_LIMIT') : error;
    });
    if (step && stateOf(step.before) !== stateOf(step.side)) onChanged(owner, await this.#shown(step));
  }

  /** For the outbox: states what one of our people wants now. @throws what the other domain refuses with */
  async tell(domain: DomainName, pair: ConsentPair): Promise<void> {
    const { store, abroad } = this.#options;
    const { owner, peer } = peopleOf(pair);
    const statement = await ownStatement(store.db, { owner, peer });
    if (!statement) return;
    const { name, wants, seq } = statement;
    try {
      await abroad.tell(domain, { from: owner, to: peer, name, wants, seq });
    } catch (error) {
      if (!(error instanceof HawserError && error.code === 'HOME_NOT_FOUND')) throw error;
      await this.#findNobody({ owner, peer }, seq);
    }
    await noteKnown(store.db, { owner, peer }, statement);
  }

  /** A domain is allowed, or this homeserver starts: what it refused before, or was never told, is told now. */
  async retell(domain: DomainName): Promise<void> {
    const { store, world, abroad } = this.#options;
    await store.transaction(async (tx) => this.#enqueue(tx, await untold(tx, domain), world.now()));
    abroad.wake(domain);
  }

  /** Forgets what nobody needs any more. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    await store.transaction((tx) => sweepConsents(tx, world.now()));
  }

  /** In the transaction that deletes an account: what others had decided about it goes too, and they are told. */
  async forget(tx: Db, user: UserId): Promise<void> {
    const { world, abroad } = this.#options;
    const last = await withdraw(tx, user, world.now());
    await this.#enqueue(tx, last, world.now());
    afterCommit(tx, () => {
      for (const domain of domainsIn(last)) abroad.wake(domain);
    });
    const rows = await tx
      .deleteFrom('connections')
      .where('peer', '=', user)
      .returning(['owner', 'decision', 'is_wanted'])
      .execute();
    const seen = rows.filter(({ decision, is_wanted }) => stateOf({ decision, isWanted: is_wanted === 1 }) !== 'none');
    const none = await this.#shown({ owner: user, peer: user, side: STRANGERS }, tx);
    afterCommit(tx, () => {
      for (const { owner } of seen) this.#options.onChanged(owner, none);
    });
  }

  /** The sides whose owners see something new; that of who acts first. */
  #write(owner: UserId, peer: UserId, operation: ConnectionOperation, name: string | undefined): Promise<Changed[]> {
    const { store, domain, world } = this.#options;
    return store.transaction(async (tx) => {
      // Here, where nobody is deleted in between.
      if (domainOf(peer) === domain && !(await findAccount(tx, peer))) throw new HawserError('HOME_NOT_FOUND', 'user');
      const own = await sideOf(tx, owner, peer);
      const next = act(own, operation);
      const steps: Step[] = [{ owner, peer, before: own, side: next }];
      const isForeign = domainOf(peer) !== domain;
      if (isForeign && (wants(own) !== wants(next) || operation === 'request')) {
        const seq = await noteOwn(tx, { owner, peer }, wants(next), world.now(), name);
        await this.#enqueue(tx, [{ owner, peer, seq }], world.now());
      }
      // Between two of this domain a statement is heard at once.
      if (!isForeign && wants(own) !== wants(next)) {
        const other = await sideOf(tx, peer, owner);
        steps.push({ owner: peer, peer: owner, before: other, side: hear(other, wants(next)) });
      }
      // In one order, whoever acts: two that act on each other at once must not wait for each other's rows.
      for (const step of steps.toSorted((a, b) => (a.owner < b.owner ? -1 : 1))) await this.#save(tx, step);
      return steps.filter(({ before, side }) => stateOf(before) !== stateOf(side));
    });
  }

  /**
   * What somebody of another domain is called; undefined where that cannot be known now.
   * @throws HawserError where there is nobody, or the domain will never hear of the request
   */
  async #lookUp(owner: UserId, peer: UserId): Promise<string | undefined> {
    const { store, abroad } = this.#options;
    const { isWanted } = await sideOf(store.db, owner, peer);
    // Whoever asks himself is there.
    if (isWanted) return undefined;
    try {
      return (await abroad.lookUp(peer)).name;
    } catch (error) {
      if (!(error instanceof HawserError && UNKNOWN_YET.has(error.code))) throw error;
      return undefined;
    }
  }

  async #enqueue(tx: Db, pairs: readonly (Pair & { readonly seq: number })[], now: number): Promise<void> {
    for (const { owner, peer, seq } of pairs) {
      const subject = pairOf(owner, peer);
      await enqueue(tx, { domain: domainOf(peer), kind: 'consent', subject, seq, created_at: now });
    }
  }

  /** The other domain says that it has no such person, which it could not say when the request was made. */
  async #findNobody({ owner, peer }: Pair, seq: number): Promise<void> {
    const { store, onChanged } = this.#options;
    const step = await this.#retry(() =>
      store.transaction(async (tx): Promise<Step | undefined> => {
        // Not where something newer is to be told, which is answered for itself.
        if (!(await takeBack(tx, { owner, peer }, seq))) return undefined;
        const before = await sideOf(tx, owner, peer);
        const decision = before.decision === 'blocked' ? ('blocked' as const) : ('none' as const);
        const step = { owner, peer, before, side: { decision, isWanted: false } };
        await this.#save(tx, step);
        return step;
      }),
    );
    if (step && stateOf(step.before) !== stateOf(step.side)) onChanged(owner, await this.#shown(step));
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

  async #shown({ owner, peer, side }: Changed, db: Db = this.#options.store.db): Promise<Connection> {
    const { world } = this.#options;
    const name = (await findAccount(db, peer))?.name ?? (await nameTold(db, { owner, peer })) ?? handleOf(peer);
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

function isSame(one: Side, other: Side): boolean {
  return one.decision === other.decision && one.isWanted === other.isWanted;
}
