/**
 * Client to its own homeserver, version 1: requests over HTTPS, events over one WebSocket. Ids are qualified everywhere;
 * nothing assumes that a person or a conversation is local.
 */
import Type, { type Static } from 'typebox';
import { GivenRole, Role } from './capabilities.ts';
import { Connection } from './connections.ts';
import { Closed, type Contract, Sequence, Word } from './contract.ts';
import { Device } from './devices.ts';
import { NewMessage, SentMessage } from './groups.ts';
import { Guest, MAX_GUESTS } from './guests.ts';
import { ConferenceId, ConversationId, DeviceId, DomainName, GroupId, Handle, ParticipantId, UserId } from './ids.ts';
import { Moderation } from './moderation.ts';
import { DisplayName, EmailAddress, GivenPassword, Password, User } from './person.ts';
import { Acknowledgement, Delivery, Position } from './queue.ts';
import { Title } from './title.ts';

export { DisplayName, Password, User };

export const API = '/api/v1';
export const EVENTS_PATH = '/api/v1/events';

const Text = (maxLength: number) => Type.String({ maxLength });
const Token = Type.String({ minLength: 20, maxLength: 200, pattern: '^[A-Za-z0-9_-]+$' });
/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });

/** `POST sessions`: signs in by handle or e-mail address. A refresh cookie comes with the answer. */
export const SignIn = Closed({ handle: Type.Union([Handle, EmailAddress]), password: GivenPassword });
export type SignIn = Static<typeof SignIn>;

/** Answer of `POST sessions` and `POST sessions/refresh`. */
export const Session = Closed({ accessToken: Token, expiresInSeconds: Type.Integer({ minimum: 1 }), user: User });
export type Session = Static<typeof Session>;

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
  /** The MLS group of the call, as soon as there is one. */
  group: Type.Optional(GroupId),
  members: Type.Array(CallMember, { maxItems: 1_000 }),
  /** As soon as somebody has decided something about it. */
  moderation: Type.Optional(Moderation),
  /** Who was invited to it alone, in the order in which they came. */
  guests: Type.Optional(Type.Array(Guest, { maxItems: MAX_GUESTS })),
});
export type Call = Static<typeof Call>;

export const Conversation = Closed({
  conversation: ConversationId,
  hub: DomainName,
  title: Text(120),
  members: Type.Array(Member, { maxItems: 10_000 }),
  /** The MLS group; absent until a device has made one. */
  group: Type.Optional(GroupId),
  call: Type.Optional(Call),
  /** Told to guests, to whom `members` are those in the call: the domains of all who may come. */
  domains: Type.Optional(Type.Array(DomainName, { maxItems: 1_000, uniqueItems: true })),
});
export type Conversation = Static<typeof Conversation>;

/** `GET conversations` */
export const Conversations = Closed({ conversations: Type.Array(Conversation, { maxItems: 10_000 }) });

/** `POST conversations` */
export const NewConversation = Closed({
  title: Title,
  members: Type.Array(UserId, { maxItems: 500, uniqueItems: true }),
});
export type NewConversation = Static<typeof NewConversation>;

/** `POST conversations/:conversation/members` */
export const NewMember = Closed({ user: UserId });

/**
 * `PUT conversations/:conversation/members/:user/role`. `DELETE conversations/:conversation/members/:user` takes somebody else
 * out, `DELETE conversations/:conversation/members/me` oneself.
 */
export const NewRole = Closed({ role: GivenRole });

/** `PUT conversations/:conversation/title` */
export const NewTitle = Closed({ title: Title });

/** `GET users?address=@bob@beta.example`: exact look-up only. */
export const UserQuery = Closed({ address: Text(200) });

/** `GET people/search?text=bo`, in another organisation `@bo@beta.example`. */
export const PeopleQuery = Closed({ text: Text(200) });
export const FoundPeople = Closed({ people: Type.Array(User, { maxItems: 20 }) });
export type FoundPeople = Static<typeof FoundPeople>;

/** What an `RTCIceServer` is made of (W3C WebRTC, section 4.2.2). Good for one to two hours; each ticket brings a new one. */
export const Relays = Closed({
  urls: Type.Array(Type.String({ maxLength: 300, pattern: '^turns?:' }), { minItems: 1, maxItems: 16 }),
  username: Text(200),
  credential: Text(200),
});
export type Relays = Static<typeof Relays>;

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
  /** TURN servers of the own domain, for networks that let no media through; absent where it has none. */
  relays: Type.Optional(Relays),
});
export type CallTicket = Static<typeof CallTicket>;

/**
 * Answer of `PUT conversations/:conversation/call/lobby`: whether the person may come in now, or waits. Who waits asks again every
 * two minutes, and hears by `moderated` that he was let in.
 */
export const LobbyAnswer = Closed({ entry: Word('open', 'lobby') });
export type LobbyAnswer = Static<typeof LobbyAnswer>;

/** Body of `POST conversations/:conversation/call/mutes`: one microphone, or everybody's but the own one. */
export const NewMute = Closed({ participant: Type.Optional(ParticipantId) });
export type NewMute = Static<typeof NewMute>;
/** `POST conversations/:conversation/call/tickets` */
export const TicketWish = Closed({
  /** The name of a stay whose connection broke and that goes on: so its keys go on too, and the SFT lets go of what is left of it. */
  participant: Type.Optional(ParticipantId),
});
export type TicketWish = Static<typeof TicketWish>;

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
  /** Where a commit came too late: the epoch of the group. */
  epoch: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Correlates with the server's log. */
  id: Type.Optional(Text(40)),
});
export type Problem = Static<typeof Problem>;

/** Another organisation that this one federates with. */
export const Organisation = Closed({
  domain: DomainName,
  /** Its homeserver cannot be reached since then: what it has to be told, and what it has to order, waits. */
  unreachableSince: Type.Optional(Time),
  /** It answers since then, and does not let this organisation in: its administrators have parted with it, or something is set wrongly. */
  refuses: Type.Optional(Type.Literal(true)),
});
export type Organisation = Static<typeof Organisation>;

/** `GET organisations` */
export const Organisations = Closed({ organisations: Type.Array(Organisation, { maxItems: 10_000 }) });

const kind = <K extends string>(type: K) => Type.Literal(type);

export const HomeEvent = Type.Union([
  /** One more device of this person, told to all the others. */
  Closed({ type: kind('deviceAdded'), device: Device }),
  Closed({ type: kind('deviceRemoved'), device: DeviceId }),
  /** This device should bring more key packages. */
  Closed({ type: kind('keyPackagesLow'), left: Type.Integer({ minimum: 0 }) }),
  Closed({ type: kind('conversation'), conversation: Conversation }),
  Closed({ type: kind('conversationRemoved'), conversation: ConversationId }),
  /** What was decided about a call has changed. */
  Closed({ type: kind('moderated'), conversation: ConversationId, conference: ConferenceId, moderation: Moderation }),
  /** A call began; everybody but the caller is rung. */
  Closed({ type: kind('ringing'), conversation: ConversationId, call: Call }),
  Closed({ type: kind('joined'), conversation: ConversationId, conference: ConferenceId, member: CallMember }),
  Closed({ type: kind('left'), conversation: ConversationId, conference: ConferenceId, member: CallMember }),
  Closed({ type: kind('ended'), conversation: ConversationId, conference: ConferenceId }),
  /** Whether another organisation can be reached has changed. */
  Closed({ type: kind('organisation'), organisation: Organisation }),
  /** What this person and another one have decided about each other has changed. */
  Closed({ type: kind('connection'), connection: Connection }),
]);
export type HomeEvent = Static<typeof HomeEvent>;

/** The events' WebSocket. `hello` is the first message; the state of everything comes by `GET conversations`. */
export const CLIENT_HOME = {
  protocol: 'hawser-client-home-v1',
  maxLength: { dialler: 256 * 1024, acceptor: 2 * 1024 * 1024 },
  requests: {
    hello: {
      from: 'dialler',
      params: Closed({ accessToken: Token }),
      result: Closed({
        user: User,
        /** What the administrator wants said above conversations with people of other organisations. */
        foreignBanner: Type.Optional(Type.String({ minLength: 1, maxLength: 120 })),
      }),
    },
    /**
     * Begins the delivery of what waits for the session's device, behind what it has. Where `queue` differs from the last
     * time, positions began anew: the device asks again from 0, and may get what it has.
     */
    receive: {
      from: 'dialler',
      params: Closed({ after: Position }),
      result: Closed({ queue: Type.String({ maxLength: 40 }) }),
    },
    /** A message to the group of a conversation; the same number again is the same message. */
    send: { from: 'dialler', params: NewMessage, result: SentMessage },
  },
  notifications: {
    event: { from: 'acceptor', params: Closed({ seq: Sequence, event: HomeEvent }) },
    delivery: { from: 'acceptor', params: Delivery },
    acknowledge: { from: 'dialler', params: Acknowledgement },
  },
} as const satisfies Contract;
