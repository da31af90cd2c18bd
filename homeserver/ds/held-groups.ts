/** Groups as they are held in memory between two requests, with the people who are in their conversations. */
import { type PublicGroup, pendingIn } from '#mls/public-group.ts';
import { type Capability, may, type Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Member } from '#signalling/federation.ts';
import { type DeviceId, type RoomId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { devicesIn } from './group-table.ts';

/** Members of the conversation, with their roles; follow the conversation. */
export interface People {
  roles: ReadonlyMap<UserId, Role>;
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

export function peopleOf(members: readonly Member[]): People {
  return { roles: new Map(members.map(({ user, role }) => [user, role])) };
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
