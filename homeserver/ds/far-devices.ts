/** What other domains are told of their own devices when a group changes. Pure. */
import type { PublicPlan } from '#mls/public-group.ts';
import { type DeviceId, type DomainName, domainOf, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { Moves } from '../federation/followings.ts';

/** By a commit. Whoever joins by himself needs no Welcome. */
export function movesBy(
  own: DomainName,
  { joined, left, external }: PublicPlan,
  welcome: string | undefined,
): Map<DomainName, Moves> {
  const come = byDomain(own, joined);
  const gone = byDomain(own, left);
  const moves = new Map<DomainName, Moves>();
  for (const domain of new Set([...come.keys(), ...gone.keys()])) {
    const [joinedThere, leftThere] = [come.get(domain), gone.get(domain)];
    moves.set(domain, {
      ...(joinedThere && { joined: joinedThere }),
      ...(joinedThere && !external && welcome !== undefined && { welcome }),
      ...(leftThere && { left: leftThere }),
    });
  }
  return moves;
}

/** By people who are out: their devices get nothing more, though their keys go later. */
export function movesOut(
  own: DomainName,
  devices: readonly DeviceId[],
  gone: ReadonlySet<UserId>,
): Map<DomainName, Moves> {
  const theirs = devices.filter((device) => domainOf(device) !== own && gone.has(userOfDevice(device)));
  const left = Map.groupBy(theirs, domainOf);
  return new Map([...left].map(([domain, some]) => [domain, { left: some }]));
}

/** Domains that have something to read in the group: a device of somebody who is in the conversation. */
export function domainsStaying(devices: readonly DeviceId[], members: ReadonlySet<UserId>): Set<DomainName> {
  return new Set(devices.filter((device) => members.has(userOfDevice(device))).map(domainOf));
}

function byDomain(own: DomainName, leaves: PublicPlan['left']): Map<DomainName, DeviceId[]> {
  const devices = leaves.map(({ identity }) => identity.device);
  return Map.groupBy(
    devices.filter((device) => domainOf(device) !== own),
    domainOf,
  );
}
