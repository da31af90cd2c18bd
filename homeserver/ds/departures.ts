/**
 * People whose account is deleted leave their conversations, as if they did it themselves: one after the other, because somebody
 * may be in thousands. Nothing is written down for it. Whoever of this domain is a member and has no account has still to go,
 * wherever the process ended.
 */
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { Errands } from '../errands.ts';
import { enqueueDepartures } from '../federation/outbox-table.ts';
import { whenIdle } from '../idle.ts';
import { isStoreTrouble } from '../store/faults.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import type { Conversations } from './conversations.ts';
import { conversationsOf, load, peopleOf } from './repository.ts';

export interface DeparturesOptions {
  readonly store: Store;
  readonly world: World;
  readonly domain: DomainName;
  readonly conversations: Pick<Conversations, 'perform'>;
  /** Those of some people of this domain who have no account. */
  readonly withoutAccount: (users: readonly UserId[]) => Promise<UserId[]>;
  /** Something for another domain lies in the outbox. */
  readonly wakeOutbox: (domain: DomainName) => void;
  readonly onFault: (error: unknown) => void;
}

/** Conversations, or people, that are read at a time. */
const BATCH = 100;

export class Departures {
  readonly #options: DeparturesOptions;
  readonly #errands: Errands;

  constructor(options: DeparturesOptions) {
    this.#options = options;
    this.#errands = new Errands(options.onFault);
  }

  /** The account of a person is gone. Returns at once. */
  begin(user: UserId): void {
    void this.#errands.run(() => this.#leaveAll(user));
  }

  /** To be subscribed to the journal: somebody was let in, by a hub that had looked just before his account was deleted. */
  readonly changed = ({ before, after }: Change): void => {
    if (before?.members === after.members) return;
    const { domain, withoutAccount } = this.#options;
    const earlier = new Set(before?.members.map(({ user }) => user));
    const fresh = after.members.filter((member) => member.domain === domain && !earlier.has(member.user));
    if (fresh.length === 0) return;
    void this.#errands.run(async () => {
      const gone = await withoutAccount(fresh.map(({ user }) => user));
      for (const user of gone) await this.#leave(user, [after.conversation]);
    });
  };

  /** Does what was left undone. To be called at the start, and now and then. Resolves when it is done; never rejects. */
  sweep(): Promise<void> {
    return this.#errands.run(async () => {
      const { store, domain, withoutAccount } = this.#options;
      let after: UserId | undefined;
      do {
        const people = await peopleOf(store.db, domain, after, BATCH);
        for (const user of await withoutAccount(people)) await this.#leaveAll(user);
        after = people.at(-1);
      } while (after !== undefined && !this.#errands.isClosed);
    });
  }

  /** For the outbox: tells the hub of another domain who is gone. @throws what `Conversations.perform` throws */
  async tell(conversation: ConversationId): Promise<void> {
    const { store, domain, conversations, withoutAccount } = this.#options;
    const state = await load(store.db, conversation);
    const own = state?.members.filter((member) => member.domain === domain) ?? [];
    for (const actor of await withoutAccount(own.map(({ user }) => user))) {
      await conversations.perform(conversation, { type: 'leave', actor }).catch(ignoreOut);
    }
  }

  /** Resolves when what was begun is at a place where it can go on later. */
  close(): Promise<void> {
    return this.#errands.close();
  }

  async #leaveAll(user: UserId): Promise<void> {
    let after: ConversationId | undefined;
    do {
      const some = await conversationsOf(this.#options.store.db, user, after, BATCH);
      await this.#leave(user, some);
      after = some.at(-1);
    } while (after !== undefined && !this.#errands.isClosed);
  }

  async #leave(user: UserId, some: readonly ConversationId[]): Promise<void> {
    const { store, world, domain, conversations, wakeOutbox, onFault } = this.#options;
    for (const [hub, theirs] of Map.groupBy(some, domainOf)) {
      if (hub !== domain) {
        await store.transaction((tx) => enqueueDepartures(tx, hub, theirs, world.now()));
        wakeOutbox(hub);
        continue;
      }
      for (const conversation of theirs) {
        await whenIdle();
        if (this.#errands.isClosed) return;
        try {
          await conversations.perform(conversation, { type: 'leave', actor: user }).catch(ignoreOut);
        } catch (error) {
          if (isStoreTrouble(error)) throw error;
          // One that cannot be left holds no other.
          onFault(error);
        }
      }
    }
  }
}

/** The hub knows it already. */
function ignoreOut(error: unknown): void {
  if (!(error instanceof HawserError && error.code === 'HOME_NOT_FOUND')) throw error;
}
