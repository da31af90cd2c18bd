/**
 * Branded ids and their schemas. A value of one of these types was parsed by its schema at a border, or made by the
 * function beside it; two kinds of id cannot be confused.
 */
import Type, { type TUnsafe } from 'typebox';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The DNS name of an organisation, lower case, 100 bytes at most, never an IP literal: `alpha.example`. */
export type DomainName = Branded<'DomainName'>;
/** `mimi://alpha.example/u/alice` */
export type UserId = Branded<'UserId'>;
/** `mimi://alpha.example/u/alice/d/<random>`: one browser or machine of a user. */
export type DeviceId = Branded<'DeviceId'>;
/** `mimi://alpha.example/g/<random>`, of a call `mimi://alpha.example/g/call-<random>`: an MLS group; the domain is the hub's. */
export type GroupId = Branded<'GroupId'>;
/** `mimi://alpha.example/r/<random>`; the domain is the hub's. */
export type ConversationId = Branded<'ConversationId'>;
/** `mimi://alpha.example/r/<random>/c/<conference>`: a call in that conversation, which has a group of its own. */
export type CallRoomId = Branded<'CallRoomId'>;
/** What a group belongs to. */
export type RoomId = ConversationId | CallRoomId;
/** `mimi://alpha.example/a/<16 random bytes, base64url>`: an encrypted file; the domain is its sender's, which stores it. */
export type AssetId = Branded<'AssetId'>;
/** 16 random bytes, base64url. */
export type ConferenceId = Branded<'ConferenceId'>;
/** A pseudonym: 16 bytes of a hash over a per-call secret, base64url. It says nothing about the person. */
export type ParticipantId = Branded<'ParticipantId'>;
/** 12 random bytes, base64url: one camera, microphone or screen of one participant. */
export type SourceId = Branded<'SourceId'>;
/** A client's stay in a conference on its own SFT. */
export type SessionId = Branded<'SessionId'>;
/** One media path between one worker of each of two SFTs. */
export type TrunkId = Branded<'TrunkId'>;

// The last label must hold a letter, which rules out IPv4 literals; a colon or bracket is in no label.
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = `(?:${LABEL}\\.)+(?=[0-9-]*[a-z])${LABEL}`;
const HANDLE = '[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?';
const TOKEN = '[A-Za-z0-9_-]';

function branded<T>(pattern: string, maxLength: number, description: string): TUnsafe<T> {
  return Type.Unsafe<T>({ type: 'string', pattern: `^${pattern}$`, maxLength, description });
}

export const DomainName = branded<DomainName>(DOMAIN, 100, 'a DNS name of two labels or more, lower case');
export const Handle = Type.String({ pattern: `^${HANDLE}$`, maxLength: 32, description: 'letters, digits, . _ -' });
export const UserId = branded<UserId>(`mimi://${DOMAIN}/u/${HANDLE}`, 180, 'mimi://<domain>/u/<handle>');
export const DeviceId = branded<DeviceId>(
  `mimi://${DOMAIN}/u/${HANDLE}/d/${TOKEN}{1,32}`,
  220,
  'mimi://<domain>/u/<handle>/d/<id>',
);
export const GroupId = branded<GroupId>(`mimi://${DOMAIN}/g/${TOKEN}{16,32}`, 180, 'mimi://<domain>/g/<id>');
export const ConversationId = branded<ConversationId>(
  `mimi://${DOMAIN}/r/${TOKEN}{16,32}`,
  180,
  'mimi://<domain>/r/<id>',
);
export const RoomId = branded<RoomId>(
  `mimi://${DOMAIN}/r/${TOKEN}{16,32}(?:/c/${TOKEN}{22})?`,
  210,
  'mimi://<domain>/r/<id>, or a call in it: mimi://<domain>/r/<id>/c/<conference>',
);
export const AssetId = branded<AssetId>(`mimi://${DOMAIN}/a/${TOKEN}{22}`, 180, 'mimi://<domain>/a/<id>');
export const ConferenceId = branded<ConferenceId>(`${TOKEN}{22}`, 22, '16 bytes, base64url');
export const ParticipantId = branded<ParticipantId>(`${TOKEN}{22}`, 22, '16 bytes, base64url');
export const SourceId = branded<SourceId>(`${TOKEN}{16}`, 16, '12 bytes, base64url');
export const SessionId = branded<SessionId>(`${TOKEN}{22}`, 22, '16 bytes, base64url');
export const TrunkId = branded<TrunkId>(`${TOKEN}{16}`, 16, '12 bytes, base64url');

const domainPattern = new RegExp(`^${DOMAIN}$`);

/** The domain that a text names, or undefined. Upper case is folded; a trailing dot is not accepted. */
export function parseDomainName(text: string): DomainName | undefined {
  const name = text.toLowerCase();
  return name.length <= 100 && domainPattern.test(name) ? (name as DomainName) : undefined;
}

/** The user of a domain. The handle must already be parsed by `Handle`. */
export function userIdOf(domain: DomainName, handle: string): UserId {
  return `mimi://${domain}/u/${handle}` as UserId;
}

const OFFICE_HANDLE = 'administrator';
/** No organisation is below it (RFC 6761, section 6.4), so that no person has such an id, whatever handles were given away. */
const NO_ORGANISATION = '.invalid';

/** Stands where a person would, when whoever runs the homeserver of a domain decides: `mimi://alpha.example.invalid/u/administrator` */
export function officeOf(domain: DomainName): UserId {
  return `mimi://${domain}${NO_ORGANISATION}/u/${OFFICE_HANDLE}` as UserId;
}

/** Whose administrator an id stands for; undefined where it is a person's. */
export function domainOfOffice(user: UserId): DomainName | undefined {
  const domain = domainOf(user);
  if (handleOf(user) !== OFFICE_HANDLE || !domain.endsWith(NO_ORGANISATION)) return undefined;
  return domain.slice(0, -NO_ORGANISATION.length) as DomainName;
}

/** Whether a handle is kept from people, who would be taken for the one who runs the homeserver. */
export function isReserved(handle: string): boolean {
  return handle === OFFICE_HANDLE;
}

/** Reads `@alice@alpha.example`, the way people write an address; undefined where it is none. */
export function parseAddress(text: string): UserId | undefined {
  const match = /^@?([^@\s]+)@([^@\s]+)$/.exec(text.trim().toLowerCase());
  const domain = match?.[2] === undefined ? undefined : parseDomainName(match[2]);
  const handle = match?.[1];
  return domain && handle && new RegExp(`^${HANDLE}$`).test(handle) ? userIdOf(domain, handle) : undefined;
}

const userPattern = new RegExp(`^mimi://${DOMAIN}/u/${HANDLE}$`);
const conversationPattern = new RegExp(`^mimi://${DOMAIN}/r/${TOKEN}{16,32}$`);

/** The user that a text names by id, or undefined. */
export function parseUserId(text: string): UserId | undefined {
  return text.length <= 180 && userPattern.test(text) ? (text as UserId) : undefined;
}

/** The conversation that a text names, or undefined. */
export function parseConversationId(text: string): ConversationId | undefined {
  return text.length <= 180 && conversationPattern.test(text) ? (text as ConversationId) : undefined;
}

/** `@alice@alpha.example` */
export function addressOf(user: UserId): string {
  return `@${handleOf(user)}@${domainOf(user)}`;
}

export function handleOf(user: UserId): string {
  return user.slice(user.lastIndexOf('/') + 1);
}

const OF_CALL = 'call-';

/** @param random 16 bytes, base64url */
export function groupIdOf(room: RoomId, random: string): GroupId {
  return `mimi://${domainOf(room)}/g/${conferenceIn(room) === undefined ? '' : OF_CALL}${random}` as GroupId;
}

/** Whether a group is that of a call: nothing that is said in it belongs to a conversation. */
export function isOfCall(group: GroupId): boolean {
  return group.slice(group.lastIndexOf('/') + 1).startsWith(OF_CALL);
}

export function callRoomOf(conversation: ConversationId, conference: ConferenceId): CallRoomId {
  return `${conversation}/c/${conference}` as CallRoomId;
}

const IN_CALL = '/c/';

/** The conversation that a group belongs to, itself or by a call in it. */
export function conversationIn(room: RoomId): ConversationId {
  const at = room.indexOf(IN_CALL, room.indexOf('/r/'));
  return (at < 0 ? room : room.slice(0, at)) as ConversationId;
}

/** Undefined of a conversation itself. */
export function conferenceIn(room: RoomId): ConferenceId | undefined {
  const at = room.indexOf(IN_CALL, room.indexOf('/r/'));
  return at < 0 ? undefined : (room.slice(at + IN_CALL.length) as ConferenceId);
}

/** The domain that a user, a conversation or a file belongs to. */
export function domainOf(id: UserId | DeviceId | RoomId | GroupId | AssetId): DomainName {
  return id.slice('mimi://'.length, id.indexOf('/', 'mimi://'.length)) as DomainName;
}

/** The user whose device it is. */
export function userOfDevice(device: DeviceId): UserId {
  return device.slice(0, device.lastIndexOf('/d/')) as UserId;
}

const devicePattern = new RegExp(`^mimi://${DOMAIN}/u/${HANDLE}/d/${TOKEN}{1,32}$`);
const groupPattern = new RegExp(`^mimi://${DOMAIN}/g/${TOKEN}{16,32}$`);
const assetPattern = new RegExp(`^mimi://${DOMAIN}/a/${TOKEN}{22}$`);

/** The device that a text names, or undefined. */
export function parseDeviceId(text: string): DeviceId | undefined {
  return text.length <= 220 && devicePattern.test(text) ? (text as DeviceId) : undefined;
}

/** The MLS group that a text names, or undefined. */
export function parseGroupId(text: string): GroupId | undefined {
  return text.length <= 180 && groupPattern.test(text) ? (text as GroupId) : undefined;
}

/** The file of a domain. @param token 16 random bytes, base64url */
export function assetIdOf(domain: DomainName, token: string): AssetId {
  return `mimi://${domain}/a/${token}` as AssetId;
}

/** The encrypted file that a text names, or undefined. */
export function parseAssetId(text: string): AssetId | undefined {
  return text.length <= 180 && assetPattern.test(text) ? (text as AssetId) : undefined;
}
