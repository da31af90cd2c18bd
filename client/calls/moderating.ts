/** What somebody does in a call who moderates it, or waits for it. What comes of it is in the conversation, for everybody. */
import { LobbyAnswer, type NewMute } from '#signalling/client-home.ts';
import { GuestLinks, MadeGuestLink } from '#signalling/guests.ts';
import type { ConversationId, ParticipantId, UserId } from '#signalling/ids.ts';
import type { CallRulesChange } from '#signalling/moderation.ts';
import type { Account } from '../account.ts';

export class Moderating {
  readonly #account: Pick<Account, 'call'>;

  constructor(account: Pick<Account, 'call'>) {
    this.#account = account;
  }

  /** Decides who may speak, show video, share and come in; what is left out stays as it is. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL */
  async rule(conversation: ConversationId, rules: CallRulesChange): Promise<void> {
    await this.#account.call({ method: 'PATCH', path: callPath(conversation), body: rules });
  }

  /** Mutes one microphone, or everybody's but the own one. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL */
  async mute(conversation: ConversationId, participant?: ParticipantId): Promise<void> {
    const body: NewMute = participant === undefined ? {} : { participant };
    await this.#account.call({ method: 'POST', path: `${callPath(conversation)}/mutes`, body });
  }

  /** Lets in who waits, or who was put out. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL */
  async letIn(conversation: ConversationId, user: UserId): Promise<void> {
    await this.#account.call({ method: 'PUT', path: personPath(conversation, user) });
  }

  /** Puts somebody out of the call, or turns away who waits. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL */
  async putOut(conversation: ConversationId, user: UserId): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: personPath(conversation, user) });
  }

  /** A link by which people without an account come to the call, and wait. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL, HOME_TOO_MANY_GUEST_LINKS */
  makeGuestLink(conversation: ConversationId): Promise<MadeGuestLink> {
    return this.#account.call({ method: 'POST', path: linksPath(conversation), body: {}, answer: MadeGuestLink });
  }

  /** The own ones that are good. What is in them is told once, when they are made. @throws HawserError HOME_FORBIDDEN, HOME_NO_CALL */
  async guestLinks(conversation: ConversationId): Promise<GuestLinks['links']> {
    return (await this.#account.call({ method: 'GET', path: linksPath(conversation), answer: GuestLinks })).links;
  }

  /** Whoever came by it stays. @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_CALL */
  async takeBackGuestLink(conversation: ConversationId, id: string): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: `${linksPath(conversation)}/${encodeURIComponent(id)}` });
  }

  /**
   * Waits in the lobby. To be asked again every two minutes.
   * @returns whether the own person may come in now
   * @throws HawserError HOME_CALL_LOCKED, HOME_CALL_BARRED, HOME_LOBBY_FULL, HOME_NO_CALL
   */
  async knock(conversation: ConversationId): Promise<boolean> {
    const path = `${callPath(conversation)}/lobby`;
    return (await this.#account.call({ method: 'PUT', path, answer: LobbyAnswer })).entry === 'open';
  }

  async stopKnocking(conversation: ConversationId): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: `${callPath(conversation)}/lobby` });
  }
}

function callPath(conversation: ConversationId): string {
  return `conversations/${encodeURIComponent(conversation)}/call`;
}

function linksPath(conversation: ConversationId): string {
  return `${callPath(conversation)}/guest-links`;
}

function personPath(conversation: ConversationId, user: UserId): string {
  return `${callPath(conversation)}/people/${encodeURIComponent(user)}`;
}
