/**
 * A domain was blocked, or taken off the list of those that are allowed. Its people leave our conversations, ours are out of its own,
 * and nothing waits for it any more. There may be thousands of conversations, so that it is done one by one, and gone on with after
 * a crash. Until all of it is done the domain is refused, also where it is allowed again meanwhile: what it begins anew must not be
 * taken for what was there before.
 */
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type RoomId } from '#signalling/ids.ts';
import type { Notice } from '#signalling/notice.ts';
import type { Change } from '../ds/changes.ts';
import { domainsOf, parted } from '../ds/conversation.ts';
import { accept } from '../ds/follower.ts';
import type { Journal } from '../ds/journal.ts';
import { Errands } from '../errands.ts';
import { whenIdle } from '../idle.ts';
import type { Queues } from '../qs/queues.ts';
import { isStoreTrouble } from '../store/faults.ts';
import type { Db, Store } from '../store/store.ts';
import type { PartingRow } from '../store/tables.ts';
import type { World } from '../world.ts';
import * as table from './parting-table.ts';

/** What else keeps something for a domain. Both may be called again. */
export interface Forgetful {
  /** Everything that waits for the domain or came from it is dropped; whoever waits for an answer of it is told. */
  forget(domain: DomainName): Promise<void>;
}

export interface PartingsOptions {
  readonly store: Store;
  readonly world: World;
  readonly domain: DomainName;
  readonly journal: Journal;
  readonly queues: Pick<Queues, 'append' | 'unsubscribeAll'>;
  /** Resolves when it is proposed to remove the devices of everybody who is out; rejects where some are left. May be called again. */
  readonly proposeGone: (room: RoomId) => Promise<void>;
  readonly updateAtHub: (hub: DomainName, conversation: ConversationId, operation: Operation) => Promise<Statement>;
  /** Whether the list allows a domain now. */
  readonly isListed: (domain: DomainName) => boolean;
  readonly forgetful: readonly Forgetful[];
  /** A domain that is allowed again may be spoken with from now on. */
  readonly onAllowed: (domain: DomainName) => void;
  /** Something for another domain lies in the outbox. */
  readonly wakeOutbox: (domain: DomainName) => void;
  readonly onFault: (error: unknown) => void;
}

export interface Parting {
  readonly domain: DomainName;
  /** ms since 1970 */
  readonly begunAt: number;
  /** Conversations that were shared at the beginning, and those of them that are not any more. */
  readonly conversations: number;
  readonly done: number;
  /** Absent as long as it goes on. */
  readonly endedAt?: number;
}

/** Conversations that are read at a time. */
const BATCH = 50;

export class Partings {
  readonly #options: PartingsOptions;
  readonly #errands: Errands;
  readonly #underWay: Set<DomainName>;
  /** Those of them of which something came in since it was begun: all is looked at once more. */
  readonly #again = new Set<DomainName>();

  /** @param underWay what an earlier process left undone, as `underWay` of parting-table.ts says it */
  constructor(options: PartingsOptions, underWay: readonly DomainName[]) {
    this.#options = options;
    this.#errands = new Errands(options.onFault);
    this.#underWay = new Set(underWay);
  }

  /** Whether a domain is refused because the parting with it goes on. */
  isUnderWay(domain: DomainName): boolean {
    return this.#underWay.has(domain);
  }

  get underWay(): ReadonlySet<DomainName> {
    return this.#underWay;
  }

  /** The newest one of each domain, the newest first. */
  async state(): Promise<Parting[]> {
    return (await table.list(this.#options.store.db)).map(shown);
  }

  /** A domain is not allowed any more. Returns at once. */
  begin(domain: DomainName): void {
    // Somebody was let in behind the place that has just been read, perhaps.
    if (this.#underWay.has(domain)) return void this.#again.add(domain);
    this.#underWay.add(domain);
    void this.#errands.run(() => this.#part(domain));
  }

  /** A domain is allowed again, or still: tells it what it does not know of the time when it was not. Returns at once. */
  welcome(domain: DomainName): void {
    if (!this.#underWay.has(domain)) void this.#errands.run(() => this.#recall(domain));
  }

  /** To be subscribed to the journal: somebody was let in by whoever had looked just before his domain was blocked. */
  readonly changed = ({ before, after }: Change): void => {
    if (before?.members === after.members || after.members.length === 0) return;
    const { domain: own, isListed } = this.#options;
    const hub = domainOf(after.conversation);
    const known = before && domainsOf(before);
    for (const domain of hub === own ? domainsOf(after) : [hub]) {
      if (domain !== own && !known?.has(domain) && !isListed(domain)) this.begin(domain);
    }
  };

  /** Looks for whoever was blocked while no process ran. To be called at the start; resolves when all of it is done. */
  async start(): Promise<void> {
    const { store, domain: own, isListed } = this.#options;
    for (const domain of await table.partners(store.db, own)) if (!isListed(domain)) this.begin(domain);
    await this.sweep();
  }

  /** Goes on with what could not be done. To be called now and then; never rejects. */
  async sweep(): Promise<void> {
    for (const domain of this.#underWay) {
      await this.#errands.run(async () => {
        if (this.#underWay.has(domain)) await this.#part(domain);
      });
    }
  }

  /** For the outbox: tells the hub that our people are out of its conversation. @throws what `updateAtHub` throws */
  async tell(conversation: ConversationId): Promise<void> {
    const { store, domain: own, journal, updateAtHub } = this.#options;
    const hub = domainOf(conversation);
    let newest: Statement | undefined;
    for (const actor of await table.peopleParted(store.db, conversation)) {
      try {
        newest = await updateAtHub(hub, conversation, { type: 'leave', actor });
      } catch (error) {
        // It has parted with us too, and knows.
        if (!(error instanceof HawserError && error.code === 'HOME_NOT_FOUND')) throw error;
      }
    }
    // Whatever it said before comes too late from now on.
    if (newest) await accept(journal, own, hub, newest);
    await store.transaction((tx) => table.forgetParted(tx, conversation));
  }

  /** Resolves when what was begun is at a place where it can go on later. */
  close(): Promise<void> {
    return this.#errands.close();
  }

  async #part(domain: DomainName): Promise<void> {
    const { store, world, domain: own, forgetful, isListed, onAllowed } = this.#options;
    this.#again.delete(domain);
    const { after, done } = await store.transaction((tx) => table.begin(tx, own, domain, world.now()));
    // First what people wait for.
    for (const each of forgetful) await each.forget(domain);
    let isWhole = done === 0 || (await this.#proposeLeft(domain));
    isWhole = (await this.#round(domain, after)) && isWhole;
    // What came in before the place where an earlier process ended.
    if (after !== null) isWhole = (await this.#round(domain, null)) && isWhole;
    if (!isWhole || this.#errands.isClosed) return;
    // What was begun before the domain was refused has ended by now.
    for (const each of forgetful) await each.forget(domain);
    await store.transaction((tx) => table.end(tx, domain, world.now()));
    if (this.#again.has(domain)) return this.#part(domain);
    this.#underWay.delete(domain);
    if (!isListed(domain)) return;
    onAllowed(domain);
    await this.#recall(domain);
  }

  /** Of what was parted with before, devices may be in groups whom nobody has proposed to remove yet. */
  #proposeLeft(domain: DomainName): Promise<boolean> {
    const { store, domain: own } = this.#options;
    return this.#each(
      null,
      (after) => table.withDevices(store.db, own, domain, after, BATCH),
      (room) => this.#propose(room),
    );
  }

  /** A group that cannot be read holds nothing: whoever can read it finds what is left. */
  async #propose(room: RoomId): Promise<void> {
    try {
      await this.#options.proposeGone(room);
    } catch (error) {
      if (isStoreTrouble(error)) throw error;
      this.#options.onFault(error);
    }
  }

  /** Parts with all that is shared. False where something is left, for another time. */
  async #round(domain: DomainName, from: ConversationId | null): Promise<boolean> {
    const { store, domain: own } = this.#options;
    if (from === null) await table.rewind(store.db, domain);
    return this.#each(
      from,
      (after) => table.shared(store.db, own, domain, after, BATCH),
      async (conversation) => {
        await this.#leave(domain, conversation);
        await this.#propose(conversation);
      },
    );
  }

  /** One after the other, in the order of their ids. False where something is left. */
  async #each<R extends RoomId>(
    from: R | null,
    read: (after: R | null) => Promise<readonly R[]>,
    work: (room: R) => Promise<void>,
  ): Promise<boolean> {
    let isWhole = true;
    let after = from;
    for (;;) {
      const some = await read(after);
      for (const room of some) {
        if (this.#errands.isClosed) return false;
        try {
          await work(room);
        } catch (error) {
          if (isStoreTrouble(error)) throw error;
          // One that cannot be left holds no other.
          isWhole = false;
          this.#options.onFault(error);
        }
        after = room;
        await whenIdle();
      }
      if (some.length < BATCH) return isWhole;
    }
  }

  #leave(domain: DomainName, conversation: ConversationId): Promise<Statement> {
    const { domain: own, journal } = this.#options;
    const decide = async (before: Statement | undefined, tx: Db): Promise<Statement> => {
      if (!before) throw new HawserError('HOME_NOT_FOUND');
      await table.note(tx, domain, conversation);
      return domainOf(conversation) === own ? parted(before, domain) : this.#over(tx, before);
    };
    return journal.change(conversation, decide, undefined, domain);
  }

  /** For us it is over, with the hub's own number: whatever it says later is newer. */
  async #over(tx: Db, { conversation, seq, title, members, group }: Statement): Promise<Statement> {
    const { domain: own, queues, world } = this.#options;
    const ours = members.filter(({ domain }) => domain === own).map(({ user }) => user);
    await table.notePeople(tx, conversation, ours);
    if (group !== undefined) {
      const notice: Notice = { conversation, change: { type: 'parted', domain: domainOf(conversation), over: true } };
      const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(notice)));
      const entry = { audience: group, kind: 'notice', payload, at: world.now() } as const;
      await queues.unsubscribeAll(tx, group, (await queues.append(tx, entry)).position);
    }
    return { conversation, seq, title, members: [] };
  }

  async #recall(domain: DomainName): Promise<void> {
    const { store, world, domain: own, isListed, wakeOutbox } = this.#options;
    let after: ConversationId | undefined;
    do {
      if (this.#errands.isClosed || this.#underWay.has(domain) || !isListed(domain)) return;
      const from = after;
      const some = await store.transaction((tx) => table.recall(tx, own, domain, from, BATCH, world.now()));
      if (some.length > 0) wakeOutbox(domain);
      after = some.at(-1);
      await whenIdle();
    } while (after !== undefined);
  }
}

function shown({ domain, begun_at, total, done, ended_at }: PartingRow): Parting {
  return {
    domain,
    begunAt: begun_at,
    conversations: total,
    done,
    ...(ended_at !== null && { endedAt: ended_at }),
  };
}
