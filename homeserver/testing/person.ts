/** For tests: a client that is no browser. */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Role } from '#signalling/capabilities.ts';
import {
  API,
  CallTicket,
  CLIENT_HOME,
  Conversation,
  Conversations,
  EVENTS_PATH,
  type HomeEvent,
  LobbyAnswer,
  type Problem,
  Session,
  User,
} from '#signalling/client-home.ts';
import { GuestLinks, MadeGuestLink } from '#signalling/guests.ts';
import type { ConversationId, ParticipantId, UserId } from '#signalling/ids.ts';
import type { CallRulesChange } from '#signalling/moderation.ts';
import { Rpc } from '#signalling/rpc.ts';
import { dialSocket } from '#signalling/websocket.ts';
import { until } from './world.ts';

/** A refusal, as its body says. */
export class Refused extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(`${status} ${problem.code}`);
    this.status = status;
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }
}

export class Person {
  readonly url: string;
  readonly session: Session;
  readonly events: HomeEvent[] = [];
  #rpc: Rpc<typeof CLIENT_HOME, 'dialler'> | undefined;

  private constructor(url: string, session: Session) {
    this.url = url;
    this.session = session;
  }

  static async signIn(url: string, handle: string, password: string): Promise<Person> {
    const session = await ask(url, 'POST', 'sessions', Session, { body: { handle, password } });
    const person = new Person(url, session);
    await person.listen();
    return person;
  }

  /** By a link to a call. */
  static async comeAsGuest(url: string, token: string, name: string): Promise<Person> {
    const session = await ask(url, 'POST', 'guests', Session, { body: { token, name } });
    const person = new Person(url, session);
    await person.listen();
    return person;
  }

  get id(): UserId {
    return this.session.user.user;
  }

  async listen(): Promise<void> {
    const socket = await dialSocket({ url: `${this.url.replace('http', 'ws')}${EVENTS_PATH}`, contract: CLIENT_HOME });
    this.#rpc = new Rpc({
      contract: CLIENT_HOME,
      side: 'dialler',
      socket,
      requests: {},
      // It is no device: nothing is delivered to it.
      notifications: { event: ({ event }) => void this.events.push(event), delivery: () => undefined },
    });
    await this.#rpc.request('hello', { accessToken: this.session.accessToken });
  }

  get isListening(): boolean {
    return this.#rpc?.isOpen === true;
  }

  /** The first event of a type that has come or comes. */
  hear<T extends HomeEvent['type']>(type: T): Promise<HomeEvent & { type: T }> {
    const isOfType = (event: HomeEvent): event is HomeEvent & { type: T } => event.type === type;
    return until(() => this.events.find(isOfType), `event ${type}`);
  }

  find(address: string): Promise<User> {
    return this.#ask('GET', `users?address=${encodeURIComponent(address)}`, User);
  }

  create(title: string, ...members: readonly UserId[]): Promise<Conversation> {
    return this.#ask('POST', 'conversations', Conversation, { title, members });
  }

  async conversations(): Promise<Conversation[]> {
    return (await this.#ask('GET', 'conversations', Conversations)).conversations;
  }

  conversation(id: ConversationId): Promise<Conversation> {
    return this.#ask('GET', `conversations/${encodeURIComponent(id)}`, Conversation);
  }

  addMember(id: ConversationId, user: UserId): Promise<Conversation> {
    return this.#ask('POST', `conversations/${encodeURIComponent(id)}/members`, Conversation, { user });
  }

  removeMember(id: ConversationId, user: UserId): Promise<Conversation> {
    return this.#ask('DELETE', memberPath(id, user), Conversation);
  }

  changeRole(id: ConversationId, user: UserId, role: Role): Promise<Conversation> {
    return this.#ask('PUT', `${memberPath(id, user)}/role`, Conversation, { role });
  }

  changeTitle(id: ConversationId, title: string): Promise<Conversation> {
    return this.#ask('PUT', `conversations/${encodeURIComponent(id)}/title`, Conversation, { title });
  }

  async leave(id: ConversationId): Promise<void> {
    await this.#ask('DELETE', `conversations/${encodeURIComponent(id)}/members/me`);
  }

  call(id: ConversationId): Promise<CallTicket> {
    return this.#ask('POST', `conversations/${encodeURIComponent(id)}/call`, CallTicket, {});
  }

  ticket(id: ConversationId, participant?: ParticipantId): Promise<CallTicket> {
    const wish = { ...(participant && { participant }) };
    return this.#ask('POST', `conversations/${encodeURIComponent(id)}/call/tickets`, CallTicket, wish);
  }

  async rule(id: ConversationId, rules: CallRulesChange): Promise<void> {
    await this.#ask('PATCH', `conversations/${encodeURIComponent(id)}/call`, undefined, rules);
  }

  async mute(id: ConversationId, participant?: ParticipantId): Promise<void> {
    await this.#ask(
      'POST',
      `conversations/${encodeURIComponent(id)}/call/mutes`,
      undefined,
      participant === undefined ? {} : { participant },
    );
  }

  async letIn(id: ConversationId, user: UserId): Promise<void> {
    await this.#ask('PUT', callPersonPath(id, user));
  }

  async putOut(id: ConversationId, user: UserId): Promise<void> {
    await this.#ask('DELETE', callPersonPath(id, user));
  }

  async knock(id: ConversationId): Promise<string> {
    const path = `conversations/${encodeURIComponent(id)}/call/lobby`;
    return (await this.#ask('PUT', path, LobbyAnswer)).entry;
  }

  async stopKnocking(id: ConversationId): Promise<void> {
    await this.#ask('DELETE', `conversations/${encodeURIComponent(id)}/call/lobby`);
  }

  makeGuestLink(id: ConversationId): Promise<MadeGuestLink> {
    return this.#ask('POST', guestLinksPath(id), MadeGuestLink, {});
  }

  async guestLinks(id: ConversationId): Promise<GuestLinks['links']> {
    return (await this.#ask('GET', guestLinksPath(id), GuestLinks)).links;
  }

  async takeBackGuestLink(id: ConversationId, link: string): Promise<void> {
    await this.#ask('DELETE', `${guestLinksPath(id)}/${link}`);
  }

  async signOut(): Promise<void> {
    await this.#ask('DELETE', 'sessions/current');
  }

  async endCall(id: ConversationId): Promise<void> {
    await this.#ask('DELETE', `conversations/${encodeURIComponent(id)}/call`);
  }

  close(): void {
    this.#rpc?.close();
  }

  #ask<S extends TSchema>(method: string, path: string, answer?: S, body?: object): Promise<Static<S>> {
    return ask(this.url, method, path, answer, { accessToken: this.session.accessToken, ...(body && { body }) });
  }
}

function memberPath(id: ConversationId, user: UserId): string {
  return `conversations/${encodeURIComponent(id)}/members/${encodeURIComponent(user)}`;
}

function guestLinksPath(id: ConversationId): string {
  return `conversations/${encodeURIComponent(id)}/call/guest-links`;
}

function callPersonPath(id: ConversationId, user: UserId): string {
  return `conversations/${encodeURIComponent(id)}/call/people/${encodeURIComponent(user)}`;
}

/** @throws Refused; Error where an answer does not follow its schema */
export async function ask<S extends TSchema>(
  url: string,
  method: string,
  path: string,
  answer?: S,
  { body, accessToken }: { body?: object; accessToken?: string } = {},
): Promise<Static<S>> {
  const response = await fetch(`${url}${API}/${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const value: unknown = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) throw new Refused(response.status, value as Problem);
  if (answer && !Compile(answer).Check(value)) throw new Error(`${method} ${path}: ${text}`);
  return value as Static<S>;
}
