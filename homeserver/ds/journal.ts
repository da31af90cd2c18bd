/**
 * The only writer of conversations. A change is decided, written and committed before anybody hears of it, and changes
 * are heard of in the order in which they were written.
 */
import type { Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { enqueue } from '../federation/outbox-table.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import { domainsOf } from './conversation.ts';
import { load, save } from './repository.ts';

/** Who of this domain is not rung by somebody's calls. */
export type Unrung = (tx: Db, caller: UserId) => Promise<ReadonlySet<UserId>>;

/** From the state that is on disk to the next one; the same object where nothing changes. */
export type Decide = (before: Statement | undefined, tx: Db) => Statement | Promise<Statement>;

export class Journal {
  readonly #store: Store;
  readonly #domain: DomainName;
  readonly #world: World;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #writers: ((tx: Db, change: Change) => Promise<void>)[] = [];
  #unrung: Unrung | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, domain: DomainName, world: World) {
    this.#store = store;
    this.#domain = domain;
    this.#world = world;
  }

  /** Listeners are called in the order of their subscription; they must not throw. */
  subscribe(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** Writers add to the transaction of a change; what one throws undoes all of it. */
  join(writer: (tx: Db, change: Change) => Promise<void>): void {
    this.#writers.push(writer);
  }

  /** Asked in the transaction of a change by which a call may ring somebody. */
  silence(unrung: Unrung): void {
    this.#unrung = unrung;
  }

  /**
   * Rejects with what `decide` throws, and nothing has changed then.
   * @param by whose wish it is
   * @param parted a domain that is out by it and not told, because it is not allowed any more
   */
  change(conversation: ConversationId, decide: Decide, by?: UserId, parted?: DomainName): Promise<Statement> {
    const turn = this.#last.then(() => this.#change(conversation, decide, by, parted));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when everything that was begun is done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #change(
    conversation: ConversationId,
    decide: Decide,
    by: UserId | undefined,
    parted: DomainName | undefined,
  ): Promise<Statement> {
    const change = await this.#store.transaction(async (tx) => {
      const before = await load(tx, conversation);
      const after = await decide(before, tx);
      const change: Change = { before, after, ...(by && { by }), ...(parted && { parted }) };
      if (after !== before) {
        const now = this.#world.now();
        await save(tx, before, after, now);
        for (const writer of this.#writers) await writer(tx, change);
        for (const domain of this.#followers(change)) {
          await enqueue(tx, { domain, kind: 'conversation', subject: conversation, seq: after.seq, created_at: now });
        }
      }
      const { call } = after;
      const isRinging = after !== before && call && isNewFor(before, after);
      const unrung = isRinging ? await this.#unrung?.(tx, call.startedBy) : undefined;
      return { ...change, ...(unrung && { unrung }) };
    });
    if (change.after !== change.before) for (const listener of this.#listeners) listener(change);
    return change.after;
  }

  /** The domains that this hub has to tell; none where another domain is the hub. */
  #followers({ before, after, parted }: Change): Set<DomainName> {
    if (domainOf(after.conversation) !== this.#domain) return new Set();
    const domains = before ? domainsOf(after).union(domainsOf(before)) : domainsOf(after);
    domains.delete(this.#domain);
    if (parted !== undefined) domains.delete(parted);
    return domains;
  }
}

/** Whether there is anybody whom the call may ring: it has just begun, or somebody came into the conversation. */
function isNewFor(before: Statement | undefined, after: Statement): boolean {
  if (before?.call?.conference !== after.call?.conference) return true;
  const earlier = new Set(before?.members.map(({ user }) => user));
  return after.members.some(({ user }) => !earlier.has(user));
}
