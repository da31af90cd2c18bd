/**
 * Who may do what in a conversation: capabilities, and the roles that have them. The hub decides by this table, and the pages
 * offer by it. Names and numbers are those of the MIMI room policy (draft-ietf-mimi-room-policy-04, section 10.2), without
 * its `can`; a number of 0xf000 and above is our own, in the range for private use.
 */
import type { Static } from 'typebox';
import { Word } from './contract.ts';

export const CAPABILITIES = {
  addParticipant: 0x0000,
  removeParticipant: 0x0001,
  /** To let a device of his own in. */
  addOwnClient: 0x0002,
  removeOwnClient: 0x0003,
  removeSelf: 0x0006,
  changeUserRole: 0x000f,
  /** Also to make the group, in which nothing can be said before. */
  sendMessage: 0x0100,
  receiveMessage: 0x0101,
  changeRoomName: 0x0300,
  startCall: 0x0400,
  joinCall: 0x0401,
  sendAudio: 0x0402,
  receiveAudio: 0x0403,
  sendVideo: 0x0404,
  receiveVideo: 0x0405,
  shareScreen: 0x0406,
  viewSharedScreen: 0x0407,
  /** To end a call for everybody that somebody else started; the draft has no number for it. */
  endCall: 0xf000,
  /** To decide in a call who speaks, shows video, shares and comes in; to mute others and put them out. Neither has it one for this. */
  moderateCall: 0xf001,
} as const;
export type Capability = keyof typeof CAPABILITIES;

export const Role = Word('admin', 'member', 'guest');
export type Role = Static<typeof Role>;
/** What a role can be changed into: whoever has no account stays a guest. */
export const GivenRole = Word('admin', 'member');
export type GivenRole = Static<typeof GivenRole>;

const GUEST: readonly Capability[] = [
  'addOwnClient',
  'removeOwnClient',
  'removeSelf',
  'sendMessage',
  'receiveMessage',
  'joinCall',
  'sendAudio',
  'receiveAudio',
  'sendVideo',
  'receiveVideo',
  'viewSharedScreen',
];
const MEMBER: readonly Capability[] = [...GUEST, 'startCall', 'shareScreen'];
const ADMIN: readonly Capability[] = [
  ...MEMBER,
  'addParticipant',
  'removeParticipant',
  'changeUserRole',
  'changeRoomName',
  'endCall',
  'moderateCall',
];

const OF_ROLE: Readonly<Record<Role, ReadonlySet<Capability>>> = {
  guest: new Set(GUEST),
  member: new Set(MEMBER),
  admin: new Set(ADMIN),
};

/** @param role undefined of whoever is not in the conversation, who may do nothing */
export function may(role: Role | undefined, capability: Capability): boolean {
  return role !== undefined && OF_ROLE[role].has(capability);
}

/**
 * Who administers once somebody is gone and nobody else does: whoever has been there longest. Nobody is kept from leaving, and
 * nobody is left in a conversation in which nothing can be decided any more.
 * @param rest who is left, in the order in which they came; undefined where one of them administers, or all are guests
 */
export function heirOf<M extends { readonly role: Role }>(rest: readonly M[]): M | undefined {
  return rest.some(({ role }) => role === 'admin') ? undefined : rest.find(({ role }) => role === 'member');
}
