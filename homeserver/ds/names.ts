/**
 * What our people are called, in every conversation in which they are: told to the hub of each, one after the other, because somebody
 * may be in thousands. Nothing is written down for it. Wherever one is called other than his account says, it is still to be told:
 * after a crash, and to hubs that could not be reached.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { Errands } from '../errands.ts';
import { Unreachable } from '../federation/errors.ts';
import type { Db } from '../store/store.ts';
import type { Change } from './changes.ts';
import type { Conversations } from './conversations.ts';
import { loadFor, namesIn } from './repository.ts';

export interface NamesOptions {
  readonly db: Db;
  readonly domain: DomainName;
  readonly conversations: Pick<Conversations, 'perform'>;
  /** The names of those of some people of this domain who have an account. */
  readonly namesOf: (users: readonly UserId[]) => Promise<ReadonlyMap<UserId, string>>;
  readonly onFault: (error: unknown) => void;
}

/** People who are compared at a time. */
const BATCH = 100;

export class Names {
  readonly #options: NamesOptions;
  readonly #errands: Errands;

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#errands = new Errands(options.onFault);
  }

  /** Somebody has a new name. Returns at once. */
  begin(user: UserId): void {
    void this.#errands.run(() => this.#tellAll(user));
  }

  /** To be subscribed to the journal: somebody was let in by a hub that had asked for his name just before it changed. */
  readonly changed = ({ before, after }: Change): void => {
    if (before?.members === after.members) return;
    const earlier = new Set(before?.members.map(({ user }) => user));
    const fresh = after.members.filter(({ user, domain }) => domain === this.#options.domain && !earlier.has(user));
    if (fresh.length === 0) return;
    void this.#errands.run(async () => {
      const names = await this.#options.namesOf(fresh.map(({ user }) => user));
      for (const { user, name } of fresh) if (isOther(names, user, [name])) await this.#tellAll(user);
    });
  };

  /** Tells what was left untold. To be called at the start, and now and then. Resolves when it is done; never rejects. */
  sweep(): Promise<void> {
    return this.#errands.run(async () => {
      const { db, domain, namesOf } = this.#options;
      let after: UserId | undefined;
      do {
        const people = await namesIn(db, domain, after, BATCH);
        const names = await namesOf(people.map(({ user }) => user));
        for (const { user, names: shown } of people) if (isOther(names, user, shown)) await this.#tellAll(user);
        after = people.at(-1)?.user;
      } while (after !== undefined && !this.#errands.isClosed);
    });
  }

  /** Resolves when what was begun is at a place where it can go on later. */
  close(): Promise<void> {
    return this.#errands.close();
  }

  async #tellAll(user: UserId): Promise<void> {
    const { db, conversations, namesOf, onFault } = this.#options;
    const name = (await namesOf([user])).get(user);
    if (name === undefined) return;
    const away = new Set<DomainName>();
    for (const { conversation, members } of await loadFor(db, user)) {
      const hub = domainOf(conversation);
      const isTold = members.some((each) => each.user === user && each.name === name);
      if (isTold || away.has(hub) || this.#errands.isClosed) continue;
      try {
        await conversations.perform(conversation, { type: 'changeName', actor: user, name });
      } catch (error) {
        // It is asked once in a sweep. What it refuses otherwise holds no other conversation.
        if (error instanceof Unreachable) away.add(hub);
        else if (!(error instanceof HawserError)) onFault(error);
      }
    }
  }
}

function isOther(names: ReadonlyMap<UserId, string>, user: UserId, shown: readonly string[]): boolean {
  const name = names.get(user);
  return name !== undefined && shown.some((each) => each !== name);
}
