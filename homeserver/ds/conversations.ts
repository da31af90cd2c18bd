/** Conversations as a person of this domain uses them, whichever domain is the hub. */
import { HawserError } from '#signalling/errors.ts';
import type { Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { memberIn } from './conversation.ts';
import { accept } from './follower.ts';
import type { Hub } from './hub.ts';
import type { Journal } from './journal.ts';
import { load, loadFor } from './repository.ts';

/** Sends an operation to the hub. @throws as `Hub.update`, and Unreachable, FED_REFUSED, FED_TLS */
export type UpdateAtHub = (hub: DomainName, conversation: ConversationId, operation: Operation) => Promise<Statement>;

export interface ConversationsOptions {
  readonly db: Db;
  readonly domain: DomainName;
  readonly journal: Journal;
  readonly hub: Hub;
  /** Whether somebody may add another person, as far as this domain knows. */
  readonly mayReach: (from: UserId, to: UserId) => Promise<boolean>;
  readonly updateAtHub: UpdateAtHub;
}

export class Conversations {
  readonly #options: ConversationsOptions;

  constructor(options: ConversationsOptions) {
    this.#options = options;
  }

  list(user: UserId): Promise<Statement[]> {
    return loadFor(this.#options.db, user);
  }

  /** @throws HawserError HOME_NOT_FOUND, also where the user is no member */
  async get(user: UserId, conversation: ConversationId): Promise<Statement> {
    const state = await load(this.#options.db, conversation);
    if (!state) throw new HawserError('HOME_NOT_FOUND');
    memberIn(state, user);
    return state;
  }

  /** @throws as `Hub.create` */
  create(user: UserId, title: string, members: readonly UserId[]): Promise<Statement> {
    return this.#options.hub.create(user, title, members);
  }

  /** @throws as `Hub.update` */
  async addMember(actor: UserId, conversation: ConversationId, user: UserId): Promise<Statement> {
    await this.get(actor, conversation);
    // Another domain's hub cannot know what our people have decided about each other.
    if (!(await this.#options.mayReach(actor, user))) throw new HawserError('HOME_NOT_CONNECTED');
    return this.perform(conversation, { type: 'addMember', actor, user });
  }

  /** Lets the hub do it and returns the state that it led to, which is on disk here by then. */
  async perform(conversation: ConversationId, operation: Operation): Promise<Statement> {
    const { domain, hub, journal, updateAtHub } = this.#options;
    const hubDomain = domainOf(conversation);
    if (hubDomain === domain) return hub.update(domain, conversation, operation);
    const statement = await updateAtHub(hubDomain, conversation, operation);
    return accept(journal, domain, hubDomain, statement);
  }
}
