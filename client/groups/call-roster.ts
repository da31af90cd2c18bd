/** Who has the keys of a call, as its group proves it: what people find behind the lock of the call. */
import type { Group } from '#mls/group.ts';
import { type DeviceId, domainOf, type ParticipantId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { devicesIn, isVerified, type SeenDevice, trustOf, type Verified } from '../device/verification.ts';

export interface Listener extends SeenDevice {
  /** Under which name SFTs know the device; who is not among those that they tell of is in it without media. */
  readonly participant: ParticipantId | undefined;
}

export interface CallRoster {
  readonly epoch: bigint;
  /** This device among them. */
  readonly devices: readonly Listener[];
  /** For `callCodeOf`. */
  readonly authenticator: Uint8Array;
}

/**
 * `verified`: every other device was compared, also those that are said to be of this person. Without keys nothing is sent and nothing shown, so
 * that `none` is a call that has not begun.
 */
export type Lock = 'none' | 'encrypted' | 'verified';

/** @throws HawserError MLS_NOT_MEMBER */
export async function rosterOf(group: Group): Promise<CallRoster> {
  for (;;) {
    const { epoch, members, participants, epochAuthenticator: authenticator } = group;
    const places = new Map(members.map(({ leafIndex, identity }) => [identity.device, leafIndex]));
    const seen = await devicesIn(group);
    // Where a commit came in between, it is looked at once more.
    if (epoch === undefined || epoch !== group.epoch) continue;
    const devices = seen.map((each) => {
      const place = places.get(each.device);
      return { ...each, participant: place === undefined ? undefined : participants.get(place) };
    });
    return { epoch, devices, authenticator };
  }
}

/** @param self this device, which has its own keys from itself */
export function lockOf(roster: CallRoster | undefined, verified: Verified, self: DeviceId): Lock {
  if (roster === undefined) return 'none';
  const others = roster.devices.filter(({ device }) => device !== self);
  return others.length > 0 && others.every((each) => isVerified(verified, each)) ? 'verified' : 'encrypted';
}

/**
 * Devices of people who were compared, and not with these: a new one of theirs, or one that a homeserver has put in their place.
 * @param self this device
 */
export function unexpectedIn(
  devices: readonly SeenDevice[],
  verified: Verified,
  self: DeviceId,
): readonly SeenDevice[] {
  const isPartly = (user: UserId) => trustOf(verified, devices, user) === 'partly';
  return devices.filter(
    (each) => each.device !== self && !isVerified(verified, each) && isPartly(userOfDevice(each.device)),
  );
}

/** Those of one person. */
export interface ListeningPerson {
  readonly user: UserId;
  readonly devices: readonly Listener[];
}

/** By organisation, that of `self` first, and within it by person. */
export function byOrganisation({ devices }: CallRoster, self: UserId) {
  const people = Map.groupBy(devices, ({ device }) => userOfDevice(device));
  const own = domainOf(self);
  const listed = [...people].map(([user, some]): ListeningPerson => ({ user, devices: some }));
  const organisations = [...Map.groupBy(listed, ({ user }) => domainOf(user))];
  return organisations.toSorted(
    ([one], [other]) => Number(other === own) - Number(one === own) || (one < other ? -1 : 1),
  );
}
