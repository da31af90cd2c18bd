/**
 * Client to its own homeserver, version 1: requests over HTTPS, events over one WebSocket. Ids are qualified everywhere;
 * nothing assumes that a person or a conversation is local.
 */
import Type, { type Static } from 'typebox';
import { Closed, type Contract, Sequence, Word } from './contract.ts';
import { ConferenceId, ConversationId, DomainName, Handle, ParticipantId, UserId } from './ids.ts';

export const API = '/api/v1';
export const EVENTS_PATH = '/api/v1/events';

const Text = (maxLength: number) => Type.String({ maxLength });
const Token = Type.String({ minLength: 20, maxLength: 200, pattern: '^[A-Za-z0-9_-]+$' });
/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });

export const Password = Type.String({ minLength: 10, maxLength: 256 });
export const DisplayName = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

export const User = Closed({ user: UserId, domain: DomainName, handle: Handle, name: DisplayName });
export type User = Static<typeof User>;

/** `POST sessions`: signs in. A refresh cookie comes with the answer. */
export const SignIn = Closed({ handle: Handle, password: Type.String({ maxLength: 256 }) });
export type SignIn = Static<typeof SignIn>;

/** Answer of `POST sessions` and `POST sessions/refresh`. */
export const Session = Closed({ accessToken: Token, expiresInSeconds: Type.Integer({ minimum: 1 }), user: User });
export type Session = Static<typeof Session>;

export const Role = Word('admin', 'member');

export const Member = Closed({ user: UserId, domain: DomainName, name: DisplayName, role: Role });
export type Member = Static<typeof Member>;

/** Somebody in a call: the pseudonym that the media servers know, and the person it stands for. */
export const CallMember = Closed({ participant: ParticipantId, user: UserId, domain: DomainName, name: DisplayName });
export type CallMember = Static<typeof CallMember>;

export const Call = Closed({
  conference: ConferenceId,
  anchor: DomainName,
  startedBy: UserId,
  startedAt: Time,
  members: Type.Array(CallMember, { maxItems: 1_000 }),
});
export type Call = Static<typeof Call>;

export const Conversation = Closed({
  conversation: ConversationId,
  hub: DomainName,
  title: Text(120),
  members: Type.Array(Member, { maxItems: 10_000 }),
  call: Type.Optional(Call),
});
export type Conversation = Static<typeof Conversation>;

/** `GET conversations` */
export const Conversations = Closed({ conversations: Type.Array(Conversation, { maxItems: 10_000 }) });

/** `POST conversations` */
export const NewConversation = Closed({
  title: Type.String({ minLength: 1, maxLength: 120 }),
  members: Type.Array(UserId, { maxItems: 500, uniqueItems: true }),
});
export type NewConversation = Static<typeof NewConversation>;

/** `POST conversations/:conversation/members` */
export const NewMember = Closed({ user: UserId });

/** `GET users?address=@bob@beta.example`: exact look-up only. */
export const UserQuery = Closed({ address: Text(200) });

/**
 * A ticket for the SFT of the caller's own domain: the answer of `POST conversations/:conversation/call`, which starts the
 * call or joins the one that goes on, and of `POST conversations/:conversation/call/tickets`, which only joins.
 */
export const CallTicket = Closed({
  ticket: Text(4_096),
  /** `wss://sft.alpha.example/client/v1` */
  sft: Type.String({ maxLength: 300, pattern: '^wss?://' }),
  participant: ParticipantId,
  call: Call,
});
export type CallTicket = Static<typeof CallTicket>;

/** Body of every answer that is not 2xx. */
export const Problem = Closed({
  code: Text(60),
  message: Text(1_000),
  retry: Type.Boolean(),
  /** Where the code is FED_UNREACHABLE. */
  unreachable_domains: Type.Optional(Type.Array(DomainName, { maxItems: 100 })),
  /** Where a limit of files is reached: bytes, or a count. */
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Where the code is HOME_ASSET_OFFSET: the byte at which the upload goes on. */
  received: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Correlates with the server's log. */
  id: Type.Optional(Text(40)),
});
export type Problem = Static<typeof Problem>;

const kind = <K extends string>(type: K) => Type.Literal(type);

export const HomeEvent = Type.Union([
  Closed({ type: kind('conversation'), conversation: Conversation }),
  Closed({ type: kind('conversationRemoved'), conversation: ConversationId }),
  /** A call began; everybody but the caller is rung. */
  Closed({ type: kind('ringing'), conversation: ConversationId, call: Call }),
  Closed({ type: kind('joined'), conversation: ConversationId, conference: ConferenceId, member: CallMember }),
  Closed({ type: kind('left'), conversation: ConversationId, conference: ConferenceId, member: CallMember }),
  Closed({ type: kind('ended'), conversation: ConversationId, conference: ConferenceId }),
]);
export type HomeEvent = Static<typeof HomeEvent>;

/** The events' WebSocket. `hello` is the first message; the state of everything comes by `GET conversations`. */
export const CLIENT_HOME = {
  protocol: 'hawser-client-home-v1',
  maxLength: { dialler: 8 * 1024, acceptor: 1024 * 1024 },
  requests: {
    hello: { from: 'dialler', params: Closed({ accessToken: Token }), result: Closed({ user: User }) },
  },
  notifications: {
    event: { from: 'acceptor', params: Closed({ seq: Sequence, event: HomeEvent }) },
  },
} as const satisfies Contract;
