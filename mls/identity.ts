/**
 * Who a device is, as its certificate says: one user URI and one device URI in the subject alternative name, the first the
 * beginning of the second. The device belongs to the identity: with the user alone, a device that joins again would remove
 * the leaf of another device of the same person.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DeviceId, type DomainName, domainOf, parseDeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { DeviceCertificate } from './device-certificate.ts';

export interface Identity {
  readonly domain: DomainName;
  readonly user: UserId;
  readonly device: DeviceId;
}

/** The identity of a device, by its name. */
export function identityOfDevice(device: DeviceId): Identity {
  return { domain: domainOf(device), user: userOfDevice(device), device };
}

/**
 * The identity that a leaf certificate claims; nothing about it has been checked.
 * @throws {HawserError} MLS_CREDENTIAL_REFUSED where it names anything else than one user and one device of that user
 */
export function identityIn({ names }: Pick<DeviceCertificate, 'names'>): Identity {
  const uris = names.filter((name) => name !== undefined);
  const device = uris.map(parseDeviceId).find((each) => each !== undefined);
  // Nothing beside the two: a certificate with more names could be read as more than one device.
  if (device === undefined || names.length !== 2 || !uris.includes(userOfDevice(device))) {
    throw new HawserError('MLS_CREDENTIAL_REFUSED', 'the leaf names no user and device, or more than one');
  }
  return identityOfDevice(device);
}
