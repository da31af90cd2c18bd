/**
 * Guests of this domain in calls: the links by which its people invite them, how they come by one, and that nothing of them is left when the
 * call is over. What they may do in it the hub of its conversation decides.
 */
import { HawserError } from '#signalling/errors.ts';
import { type GuestInvitation, type GuestLinks, guestNameOf, type MadeGuestLink } from '#signalling/guests.ts';
import { type ConversationId, type DomainName, domainOf, type UserId, userIdOf } from '#signalling/ids.ts';
import { moderates } from '#signalling/moderation.ts';
import type { Account, Holder } from '../as/accounts.ts';
import type { GuestAccounts } from '../as/guests.ts';
import { type FailureTable, failed, waitOf } from '../as/throttle.ts';
import type { Change } from '../ds/changes.ts';
import type { Conversations } from '../ds/conversations.ts';
import { conversationOf } from '../ds/repository.ts';
import { Errands } from '../errands.ts';
import { networkOf } from '../http/network.ts';
import { RateLimit } from '../http/rate.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';
import {
  findGuestLink,
  type GuestLink,
  guestLinksOf,
  makeGuestLink,
  sweepGuestLinks,
  takeBackGuestLink,
} from './guest-links.ts';

export interface GuestsOptions {
  readonly store: Store;
  readonly domain: DomainName;
  readonly world: World;
  readonly conversations: Pick<Conversations, 'get' | 'perform'>;
  readonly accounts: GuestAccounts;
  readonly account: (user: UserId) => Promise<Account | undefined>;
  readonly onFault: (error: unknown) => void;
}

/** 104 bits in the letters of handles, with which a guest's is as long as a handle may be. */
const HANDLE_BYTES = 13;
/** Of one address, behind which a whole organisation may sit. */
const COMING = { burst: 30, perSecond: 0.2 };
/** What the hub says where whoever made the link cannot invite any more. */
const OVER: readonly string[] = ['HOME_NO_CALL', 'HOME_NOT_FOUND', 'HOME_FORBIDDEN'];

export class Guests {
  readonly #options: GuestsOptions;
  readonly #failures: FailureTable = new Map();
  readonly #coming: RateLimit;
  readonly #errands: Errands;

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#coming = new RateLimit(COMING.perSecond, options.world.now, COMING.burst);
    this.#errands = new Errands(options.onFault);
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_NO_CALL, HOME_FORBIDDEN, HOME_TOO_MANY_GUEST_LINKS */
  async makeLink(user: UserId, conversation: ConversationId): Promise<MadeGuestLink> {
    const { store, world } = this.#options;
    const link = await this.#own(user, conversation);
    return store.transaction((tx) => makeGuestLink(tx, link, world));
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_NO_CALL, HOME_FORBIDDEN */
  async links(user: UserId, conversation: ConversationId): Promise<GuestLinks['links']> {
    const { store, world } = this.#options;
    return guestLinksOf(store.db, await this.#own(user, conversation), world.now());
  }

  /** Whoever came by it stays. @throws HawserError HOME_NOT_FOUND, HOME_NO_CALL, HOME_FORBIDDEN */
  async takeBack(user: UserId, conversation: ConversationId, id: string): Promise<void> {
    await takeBackGuestLink(this.#options.store.db, id, await this.#own(user, conversation));
  }

  /** @param address of whoever asks. @throws HawserError HOME_GUEST_LINK_REFUSED, HOME_SLOW_DOWN */
  async look(token: string, address: string): Promise<GuestInvitation> {
    const { domain, account } = this.#options;
    const { by } = await this.#find(token, address);
    const person = await account(by);
    if (!person) throw new HawserError('HOME_GUEST_LINK_REFUSED');
    return { by: person.name, domain };
  }

  /**
   * Somebody comes by a link. He is at the door of the call then, and has still to be let in.
   * @param address of whoever comes
   * @throws HawserError HOME_GUEST_LINK_REFUSED, HOME_GUEST_NAME_REFUSED, HOME_SLOW_DOWN, HOME_CALL_LOCKED, HOME_TOO_MANY_GUESTS, and what
   * `Conversations.perform` throws
   */
  async come(
    { token, name: typed }: { readonly token: string; readonly name: string },
    address: string,
  ): Promise<{ readonly access: string; readonly account: Holder }> {
    const { store, domain, world, conversations, accounts } = this.#options;
    const { conference, by } = await this.#find(token, address);
    const name = guestNameOf(typed);
    if (name === undefined) throw new HawserError('HOME_GUEST_NAME_REFUSED');
    if (!this.#coming.take(networkOf(address))) throw new HawserError('HOME_SLOW_DOWN');
    const conversation = await conversationOf(store.db, conference);
    if (conversation === undefined) throw new HawserError('HOME_GUEST_LINK_REFUSED');
    const user = userIdOf(domain, `guest-${world.random(HANDLE_BYTES).toString('hex')}`);
    const operation = { type: 'inviteGuest', actor: by, conference, user, name } as const;
    await conversations.perform(conversation, operation).catch((error: unknown) => {
      const isOver = error instanceof HawserError && OVER.includes(error.code);
      throw isOver ? new HawserError('HOME_GUEST_LINK_REFUSED', undefined, { cause: error }) : error;
    });
    return store.transaction(async (tx) => {
      // Whoever is here is taken away when the call ends: nobody comes after that.
      if ((await conversationOf(tx, conference)) === undefined) throw new HawserError('HOME_GUEST_LINK_REFUSED');
      return accounts.create(tx, { user, name, conference, conversation });
    });
  }

  /** A guest goes, and nothing of him stays here. */
  leave(user: UserId): Promise<void> {
    return this.#options.accounts.remove(user);
  }

  /** To be subscribed to the journal, behind those who tell the guests of it. */
  readonly changed = ({ before, after }: Change): void => {
    const guests = before?.call?.guests ?? [];
    if (guests === after.call?.guests) return;
    const isSame = before?.call?.conference === after.call?.conference;
    const staying = new Set((isSame ? after.call?.guests : undefined)?.map(({ user }) => user));
    const gone = guests.filter(({ user }) => domainOf(user) === this.#options.domain && !staying.has(user));
    if (gone.length === 0) return;
    void this.#errands.run(async () => {
      for (const { user } of gone) await this.leave(user);
    });
  };

  /** Takes away whoever is here of calls that are over. To be called at the start, and now and then. */
  async sweep(): Promise<void> {
    const { store, world, accounts } = this.#options;
    await sweepGuestLinks(store.db, world.now());
    for (const conference of await accounts.conferences()) {
      if ((await conversationOf(store.db, conference)) !== undefined) continue;
      for (const user of await accounts.of(conference)) await this.leave(user);
    }
  }

  /** Resolves when what was begun is done, or is left to the next start. */
  close(): Promise<void> {
    return this.#errands.close();
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_NO_CALL, HOME_FORBIDDEN of whoever does not moderate it */
  async #own(user: UserId, conversation: ConversationId): Promise<GuestLink> {
    const { call, members } = await this.#options.conversations.get(user, conversation);
    if (!call) throw new HawserError('HOME_NO_CALL');
    const member = members.find((each) => each.user === user);
    if (!member || !moderates(call, member)) throw new HawserError('HOME_FORBIDDEN', 'moderateCall');
    return { conference: call.conference, by: user };
  }

  /** Slowed down like wrong passwords. */
  async #find(token: string, address: string): Promise<GuestLink> {
    const { store, world } = this.#options;
    const key = networkOf(address);
    if (waitOf(this.#failures, key, world.now()) > 0) throw new HawserError('HOME_SLOW_DOWN');
    const link = await findGuestLink(store.db, token, world.now());
    if (link) return link;
    failed(this.#failures, key, world.now());
    throw new HawserError('HOME_GUEST_LINK_REFUSED');
  }
}
