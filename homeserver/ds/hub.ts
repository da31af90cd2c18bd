/** The hub's part: this domain owns the conversation, gives it its one order, and looks people up before it adds them. */
import { HawserError } from '#signalling/errors.ts';
import type { Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, handleOf, type UserId } from '#signalling/ids.ts';
import { nonFederating, Unreachable } from '../federation/errors.ts';
import type { Db } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import {
  administered,
  apply,
  created,
  domainsOf,
  expired,
  type Looked,
  type Person,
  withoutDomain,
} from './conversation.ts';
import type { Decide, Journal } from './journal.ts';
import type { OfficeAct } from './moderation.ts';
import { permitOperation } from './permission.ts';
import { load, loadInCall } from './repository.ts';

/** What a hub asks other domains. Each rejects with Unreachable, FED_REFUSED, FED_TLS, or the other domain's code. */
export interface OtherDomains {
  /** @throws HawserError HOME_NOT_FOUND */
  identify(domain: DomainName, handle: string): Promise<Person>;
  /** Those of `domains` with which `domain` does not federate. */
  refusedBy(domain: DomainName, domains: readonly DomainName[]): Promise<readonly DomainName[]>;
}

export interface HubOptions {
  readonly db: Db;
  readonly domain: DomainName;
  readonly journal: Journal;
  readonly others: OtherDomains;
  readonly localPerson: (user: UserId) => Promise<Person | undefined>;
  /** Whether somebody may add another person, as far as this domain knows. */
  readonly mayReach: (from: UserId, to: UserId) => Promise<boolean>;
  readonly world: World;
}

const CONVERSATION_ID_BYTES = 16;

export class Hub {
  readonly #options: HubOptions;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /**
   * Makes a conversation, wholly or not at all.
   * @throws HawserError HOME_BAD_TITLE, HOME_NOT_FOUND, HOME_NOT_CONNECTED, FED_UNREACHABLE, FED_REFUSED, FED_TLS, FED_NON_FEDERATING
   */
  async create(creator: UserId, title: string, members: readonly UserId[]): Promise<Statement> {
    const { domain, world, journal } = this.#options;
    const users = members.filter((user) => user !== creator);
    const [self, others] = await Promise.all([
      this.#person(creator),
      this.#lookUp(users),
      this.#checkFederation(new Set(), new Set(users.map(domainOf))),
    ]);
    await this.#checkReach(creator, users);
    const id = randomToken(world, CONVERSATION_ID_BYTES);
    const conversation = `mimi://${domain}/r/${id}` as ConversationId;
    return journal.change(conversation, () => created({ conversation, title, creator: self, others }));
  }

  /**
   * Applies what a domain asks for.
   * @param from the domain that its certificate, or a session on this homeserver, speaks for
   * @throws HawserError FED_FOREIGN, HOME_NOT_FOUND, and what `apply` and `create` throw
   */
  async update(from: DomainName, conversation: ConversationId, operation: Operation): Promise<Statement> {
    refuseForeign(from, operation);
    const looked = operation.type === 'addMember' ? await this.#lookUpNew(conversation, operation) : operation;
    const decide: Decide = async (before, tx) => {
      // Strangers are told the same as about a conversation that does not exist.
      if (!before || !domainsOf(before).has(from)) throw new HawserError('HOME_NOT_FOUND');
      if (looked.type === 'presence' && !(await isNewer(tx, from, looked))) return before;
      return apply(before, from, looked, this.#options.world.now());
    };
    return this.#options.journal.change(conversation, decide, looked.type === 'presence' ? undefined : looked.actor);
  }

  /**
   * An act of this domain's administrator in a call that it leads.
   * @throws what `administered` throws
   */
  async administer(conversation: ConversationId, act: OfficeAct): Promise<Statement> {
    return this.#options.journal.change(conversation, (before) => {
      if (!before) throw new HawserError('HOME_NO_CALL');
      return administered(before, act, this.#options.world.now());
    });
  }

  /** Ends calls that nobody came to. To be called every few seconds. */
  async sweep(): Promise<void> {
    const { world } = this.#options;
    for (const state of await this.#ownCalls()) {
      if (expired(state, world.now()) === state) continue;
      await this.#options.journal.change(state.conversation, (before) => {
        if (!before) throw new HawserError('HOME_NOT_FOUND');
        return expired(before, world.now());
      });
    }
  }

  /** Takes a domain that may no longer federate out of every call. */
  async drop(domain: DomainName): Promise<void> {
    for (const state of await this.#ownCalls()) {
      if (!domainsOf(state).has(domain)) continue;
      await this.#options.journal.change(state.conversation, (before) => {
        if (!before) throw new HawserError('HOME_NOT_FOUND');
        return withoutDomain(before, domain);
      });
    }
  }

  async #ownCalls(): Promise<Statement[]> {
    const states = await loadInCall(this.#options.db);
    return states.filter(({ conversation }) => domainOf(conversation) === this.#options.domain);
  }

  async #lookUpNew(
    conversation: ConversationId,
    operation: Operation & { type: 'addMember' },
  ): Promise<Looked & { type: 'addMember' }> {
    // The right to invite is looked at before anybody is asked, and again when the change is made.
    const before = await load(this.#options.db, conversation);
    if (!before) throw new HawserError('HOME_NOT_FOUND');
    permitOperation(before, operation);
    const present = domainsOf(before);
    const added = domainOf(operation.user);
    const fresh = new Set(present.has(added) ? [] : [added]);
    const [person] = await Promise.all([this.#person(operation.user), this.#checkFederation(present, fresh)]);
    await this.#checkReach(operation.actor, [operation.user]);
    return { ...operation, name: person.name };
  }

  async #lookUp(users: readonly UserId[]): Promise<Person[]> {
    return together(users.map((user) => this.#person(user)));
  }

  async #person(user: UserId): Promise<Person> {
    const { domain, others, localPerson } = this.#options;
    if (domainOf(user) !== domain) return others.identify(domainOf(user), handleOf(user));
    const person = await localPerson(user);
    if (!person) throw new HawserError('HOME_NOT_FOUND', 'user');
    return person;
  }

  /** After the people were found: who is nobody is not found, whoever asks. @throws HawserError HOME_NOT_CONNECTED */
  async #checkReach(from: UserId, users: readonly UserId[]): Promise<void> {
    for (const user of users) {
      if (!(await this.#options.mayReach(from, user))) throw new HawserError('HOME_NOT_CONNECTED');
    }
  }

  /** Asks both sides of every new pair of domains, because allowing may be one-sided. The hub's own pairs show by asking. */
  async #checkFederation(present: ReadonlySet<DomainName>, fresh: ReadonlySet<DomainName>): Promise<void> {
    const { domain, others } = this.#options;
    const all = present.union(fresh);
    const questions = [...all]
      .filter((asked) => asked !== domain)
      .map(async (asked) => {
        const about = [...(fresh.has(asked) ? all : fresh)].filter((other) => other !== asked && other !== domain);
        if (about.length === 0) return;
        const [refused] = await others.refusedBy(asked, about);
        if (refused !== undefined) throw nonFederating(asked, refused);
      });
    await together(questions);
  }
}

/** Waits for all, so that the refusal names every domain that cannot be reached and not the first one. */
async function together<T>(questions: readonly Promise<T>[]): Promise<T[]> {
  const answers = await Promise.allSettled(questions);
  const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  const unreachable = errors.flatMap((error) => (error instanceof Unreachable ? error.domains : []));
  if (unreachable.length > 0) throw new Unreachable([...new Set(unreachable)]);
  if (errors.length > 0) throw errors[0];
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** @throws HawserError FED_FOREIGN: a domain speaks only for its own people */
function refuseForeign(from: DomainName, operation: Operation): void {
  const people = operation.type === 'presence' ? operation.participants.map(({ user }) => user) : [operation.actor];
  if (people.some((user) => domainOf(user) !== from)) throw new HawserError('FED_FOREIGN');
}

/** Notes the statement's number; false where a newer one came before it. */
async function isNewer(tx: Db, from: DomainName, presence: Operation & { type: 'presence' }): Promise<boolean> {
  const { conference, seq } = presence;
  const call = await tx
    .selectFrom('calls')
    .select('conference')
    .where('conference', '=', conference)
    .executeTakeFirst();
  if (!call) throw new HawserError('HOME_NO_CALL');
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('call_presence')
    .values({ conference, domain: from, seq })
    .onConflict((c) => c.columns(['conference', 'domain']).doUpdateSet({ seq }).where('call_presence.seq', '<', seq))
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
