/** Where a device of this domain turns to about the group of a room, a conversation or a call in one: the own hub, or through a relay that of another domain. */
import type { GroupState, NewCommit, NewGroup, TakenCommit } from '#signalling/groups.ts';
import { type DeviceId, type DomainName, domainOf, type RoomId, type UserId } from '#signalling/ids.ts';

/** A device that asks, and whose it is. */
export interface Asker {
  readonly user: UserId;
  readonly device: DeviceId;
}

/** All that is asked is refused with HOME_NOT_FOUND where the asker is no member, and with what the hub finds wrong. */
export interface GroupOffice {
  /** @throws HawserError HOME_GROUP_EXISTS, and of the MLS family */
  create(asker: Asker, room: RoomId, group: NewGroup): Promise<GroupState>;
  /** What a device joins by itself with. @throws HawserError HOME_NO_GROUP */
  state(asker: Asker, room: RoomId): Promise<GroupState>;
  /**
   * A device wants to come into the group of a call; undefined where it is let in with others, and has to wait for its Welcome.
   * @param keyPackage base64url
   * @throws HawserError HOME_NO_GROUP, and of the MLS family
   */
  join(asker: Asker, room: RoomId, keyPackage: string): Promise<GroupState | undefined>;
  /** The tree to a Welcome, base64url; also for whoever stands in it and is out by now. @throws HawserError HOME_NO_GROUP */
  tree(asker: Asker, room: RoomId, epoch: number): Promise<string>;
  /** The same id again is answered the same. @throws HawserError HOME_NO_GROUP, MLS_EPOCH_PAST, and others of the MLS family */
  commit(asker: Asker, room: RoomId, commit: NewCommit): Promise<TakenCommit>;
  /** Resolves when it is the turn of a device that lost a race. @throws HawserError HOME_NO_GROUP, HOME_SLOW_DOWN */
  waitForTurn(asker: Asker, room: RoomId): Promise<void>;
  /** A device whose turn it is does not need it any more. */
  endTurn(asker: Asker, room: RoomId): Promise<void>;
}

/** The office that a room's hub is. */
export function officeOf(domain: DomainName, own: GroupOffice, relay: GroupOffice) {
  return (room: RoomId): GroupOffice => (domainOf(room) === domain ? own : relay);
}
