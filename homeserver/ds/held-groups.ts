/** Groups as they are held in memory between two requests, with the people who are in their conversations. */
import { participantsIn } from '#mls/participant.ts';
import { membersIn, type PublicGroup, pendingIn } from '#mls/public-group.ts';
import type { Policy } from '#mls/rules.ts';
import { type Capability, may, type Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import {
  conferenceIn,
  type DeviceId,
  type ParticipantId,
  type RoomId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import { entryOf } from '#signalling/moderation.ts';
import { devicesIn } from './group-table.ts';
import { peopleInCall } from './guests.ts';

/** Who may be in the group, with the roles in the conversation, which they follow. */
export interface People {
  roles: ReadonlyMap<UserId, Role>;
  /** Of the group of a call: who is known to SFTs, by which name. */
  callers: ReadonlyMap<ParticipantId, UserId>;
}

/** What is held of a group between two requests. */
export interface Held extends People {
  readonly room: RoomId;
  readonly group: PublicGroup;
  readonly devices: ReadonlySet<DeviceId>;
  /** Those of them that get nothing any more: their people were taken out, and may be back. */
  readonly putOut: ReadonlySet<DeviceId>;
  /** Messages of older epochs are refused: whoever was removed since has their keys. */
  readonly oldest: bigint;
}

/** Groups that are held in memory: some 2 kB a device with its certificates. */
const MAX_HELD = 2_000;

/** Where there are too many, the one goes whose group changed longest ago. */
export class HeldGroups {
  readonly #held = new Map<RoomId, Held>();
  readonly #onForgotten: (room: RoomId) => void;

  /** @param onForgotten called where one goes because there are too many */
  constructor(onForgotten: (room: RoomId) => void) {
    this.#onForgotten = onForgotten;
  }

  get(room: RoomId): Held | undefined {
    return this.#held.get(room);
  }

  put(group: Omit<Held, 'devices'>): Held {
    const held = { ...group, devices: new Set(devicesIn(group.group)) };
    this.#held.delete(held.room);
    this.#held.set(held.room, held);
    const oldest = this.#held.keys().next().value;
    if (this.#held.size > MAX_HELD && oldest !== undefined) {
      this.#held.delete(oldest);
      this.#onForgotten(oldest);
    }
    return held;
  }

  delete(room: RoomId): void {
    this.#held.delete(room);
  }
}

/** Of a call, those who may be in it, guests too: who waits to be let in, or was put out, is nobody there. */
export function peopleOf(state: Statement, room: RoomId): People {
  const { members, call } = state;
  const isCall = call !== undefined && call.conference === conferenceIn(room);
  const people = isCall ? peopleInCall(state).filter((person) => entryOf(call, person) === 'open') : members;
  const callers = new Map(isCall ? call.members.map(({ participant, user }) => [participant, user]) : []);
  return { roles: new Map(people.map(({ user, role }) => [user, role])), callers };
}

/** What groups are checked against. */
export function policyOf(people: People): Policy {
  const { roles } = people;
  return {
    admits: ({ user }, name) => may(roles.get(user), 'receiveMessage') && ownsName(people, user, name),
    mayRemove: (by, whom) => may(roles.get(by.user), by.user === whom.user ? 'removeOwnClient' : 'removeParticipant'),
  };
}

/** Whether somebody may go by a name: it is his, or no SFT has told yet whose it is. */
function ownsName({ callers }: People, user: UserId, name: ParticipantId | undefined): boolean {
  const owner = name && callers.get(name);
  return owner === undefined || owner === user;
}

/** Names in the group by which SFTs know somebody else: whoever took one keeps its owner out, or is shown as him. */
export function stolenNamesIn(held: Held): ParticipantId[] {
  const names = participantsIn(held.group.hashed.tree);
  return membersIn(held.group).flatMap(({ leafIndex, identity }) => {
    const name = names.get(leafIndex);
    return name === undefined || ownsName(held, identity.user, name) ? [] : [name];
  });
}

/** Whether somebody in the group goes by a name that may be that of another person, who is not in it yet: an SFT will tell whose it is. */
export function isTakenFrom(held: Held, user: UserId, name: ParticipantId | undefined): boolean {
  const names = [...participantsIn(held.group.hashed.tree).values()];
  return name !== undefined && names.includes(name) && ownsName(held, user, name);
}

/** @throws HawserError HOME_NOT_FOUND of whoever is no member, HOME_FORBIDDEN naming the capability */
export function permitIn({ roles }: People, user: UserId, capability: Capability): void {
  if (!roles.has(user)) throw new HawserError('HOME_NOT_FOUND');
  if (!may(roles.get(user), capability)) throw new HawserError('HOME_FORBIDDEN', capability);
}

/** Devices in the group that were put out, or whose people are not in the conversation, and that nobody has proposed to remove yet. */
export function strangersIn({ group, roles, putOut }: Held): DeviceId[] {
  const proposed = new Set(pendingIn(group).map(({ identity }) => identity.device));
  const isStranger = (device: DeviceId) => putOut.has(device) || !roles.has(userOfDevice(device));
  return devicesIn(group).filter((device) => !proposed.has(device) && isStranger(device));
}
