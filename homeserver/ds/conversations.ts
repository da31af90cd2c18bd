/** Conversations as a person of this domain uses them, whichever domain is the hub. */
import type { GivenRole } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Operation, Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { accept } from './follower.ts';
import { personInCall, shownToGuest } from './guests.ts';
import type { Hub } from './hub.ts';
import type { Journal } from './journal.ts';
import { memberIn } from './permission.ts';
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

  /** The one in whose call somebody is a guest, as it is shown to him; nothing once he is none. */
  async listAsGuest(user: UserId, conversation: ConversationId) {
    const state = await load(this.#options.db, conversation);
    const shown = state && shownToGuest(state, user);
    return shown ? [shown] : [];
  }

  /** The same as `get`, also for a guest of the call. @throws HawserError HOME_NOT_FOUND */
  async getInCall(user: UserId, conversation: ConversationId): Promise<Statement> {
    const state = await load(this.#options.db, conversation);
    if (!state) throw new HawserError('HOME_NOT_FOUND');
    personInCall(state, user);
    return state;
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

  /** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_REMOVE_SELF, and what `perform` throws */
  removeMember(actor: UserId, conversation: ConversationId, user: UserId): Promise<Statement> {
    return this.#performAs(actor, conversation, { type: 'removeMember', actor, user });
  }

  /** Takes oneself out, for good until somebody adds one again. @throws HawserError HOME_NOT_FOUND, and what `perform` throws */
  leave(actor: UserId, conversation: ConversationId): Promise<Statement> {
    return this.#performAs(actor, conversation, { type: 'leave', actor });
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_LAST_ADMIN, HOME_GUEST_ROLE, and what `perform` throws */
  changeRole(actor: UserId, conversation: ConversationId, user: UserId, role: GivenRole): Promise<Statement> {
    return this.#performAs(actor, conversation, { type: 'changeRole', actor, user, role });
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_BAD_TITLE, and what `perform` throws */
  changeTitle(actor: UserId, conversation: ConversationId, title: string): Promise<Statement> {
    return this.#performAs(actor, conversation, { type: 'changeTitle', actor, title });
  }

  /** Lets the hub do it and returns the state that it led to, which is on disk here by then. */
  async perform(conversation: ConversationId, operation: Operation): Promise<Statement> {
    const { domain, hub, journal, updateAtHub } = this.#options;
    const hubDomain = domainOf(conversation);
    if (hubDomain === domain) return hub.update(domain, conversation, operation);
    const statement = await updateAtHub(hubDomain, conversation, operation);
    return accept(journal, domain, hubDomain, statement);
  }
  /** Whoever is no member learns nothing, and no other domain is asked for his sake. */
  async #performAs(actor: UserId, conversation: ConversationId, operation: Operation): Promise<Statement> {
    await this.get(actor, conversation);
    return this.perform(conversation, operation);
  }
}
