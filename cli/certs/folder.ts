/** The folder in which `hawser certs` keeps what a domain needs to speak for itself. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DomainName } from '#signalling/ids.ts';
import { nameIn } from '#trust/certificate.ts';
import {
  issueServer,
  makeAuthority,
  makeRevocationList,
  makeTicketKeys,
  type Revoked,
  revokedIn,
} from '#trust/issue.ts';
import { issueDeviceAuthority, makeDeviceRoot } from '#trust/issue-devices.ts';
import { AUTHORITY_LIFE, CERTIFICATE_LIFE, type Issued, validityFrom } from '#trust/issuing.ts';
import type { Role } from '#trust/name.ts';
import { replaceFile } from '#trust/replace.ts';
import { Problem } from '../errors.ts';

const PUBLIC = 0o644;
const SECRET = 0o600;

export const SERVERS: readonly Role[] = ['homeserver', 'sft'];
export const REVOKED = 'revoked.pem';
export const DEVICES_REVOKED = 'devices-root-revoked.pem';

/** Everything that a domain needs, fresh. @throws Problem where the folder has something in it */
export async function initFolder(folder: string, domain: DomainName, now: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new Problem(`${folder} is not empty. Name a new folder, or use: hawser certs renew ${folder}`);
  }
  const authority = await makeAuthority(domain, validityFrom(now, AUTHORITY_LIFE));
  await writePair(folder, 'authority', authority);
  for (const role of SERVERS) await issue(folder, authority, domain, role, now);
  await writeRevoked(folder, authority, [], now);
  const tickets = makeTicketKeys();
  await replaceFile(join(folder, 'tickets.key'), tickets.privateKey, SECRET);
  await replaceFile(join(folder, 'tickets.pem'), tickets.publicKey, PUBLIC);
  await renewDevicesInFolder(folder, domain, now);
}

/** New certificates with new keys for servers of the folder's domain. */
export async function renewInFolder(folder: string, roles: readonly Role[], now: number): Promise<void> {
  const authority = await readPair(folder);
  const domain = await domainOf(folder);
  for (const role of roles) await issue(folder, authority, domain, role, now);
}

/**
 * A new certificate of what certifies devices, for the key that it has, and a new date for the list of its root. Both root
 * and key are made where there are none.
 */
export async function renewDevicesInFolder(folder: string, domain: DomainName, now: number): Promise<void> {
  const files = await readdir(folder);
  if (!files.includes('devices-root.key')) {
    await writePair(folder, 'devices-root', await makeDeviceRoot(domain, validityFrom(now, AUTHORITY_LIFE)));
  }
  const root = await readPair(folder, 'devices-root');
  const before = files.includes('devices.key') ? await readPair(folder, 'devices') : undefined;
  const validity = validityFrom(now, CERTIFICATE_LIFE);
  await writePair(folder, 'devices', await issueDeviceAuthority(root, domain, validity, before));
  const revoked = files.includes(DEVICES_REVOKED) ? revokedIn(await readText(folder, DEVICES_REVOKED)) : [];
  await replaceFile(join(folder, DEVICES_REVOKED), await makeRevocationList(root, revoked, now), PUBLIC);
}

/** Adds certificates to the revocation list, or makes the list new where there are none. Returns how many it names. */
export async function revokeInFolder(folder: string, serials: readonly string[], now: number): Promise<number> {
  const authority = await readPair(folder);
  const before = revokedIn(await readText(folder, REVOKED));
  const added = serials.filter((serial) => !before.some((revoked) => revoked.serial === serial));
  const all = [...before, ...added.map((serial) => ({ serial, at: now }))];
  await writeRevoked(folder, authority, all, now);
  return all.length;
}

async function issue(folder: string, authority: Issued, domain: DomainName, role: Role, now: number): Promise<void> {
  await writePair(folder, role, await issueServer(authority, domain, role, validityFrom(now, CERTIFICATE_LIFE)));
}

async function writePair(folder: string, name: string, { certificate, key }: Issued): Promise<void> {
  await replaceFile(join(folder, `${name}.key`), key, SECRET);
  await replaceFile(join(folder, `${name}.pem`), certificate, PUBLIC);
}

async function writeRevoked(folder: string, authority: Issued, revoked: readonly Revoked[], now: number) {
  await replaceFile(join(folder, REVOKED), await makeRevocationList(authority, revoked, now), PUBLIC);
}

export async function readPair(folder: string, name = 'authority'): Promise<Issued> {
  return { certificate: await readText(folder, `${name}.pem`), key: await readText(folder, `${name}.key`) };
}

/** @throws Problem */
export async function readCertificate(folder: string, name: string): Promise<X509Certificate> {
  const text = await readText(folder, `${name}.pem`);
  try {
    return new X509Certificate(text);
  } catch {
    throw new Problem(`${join(folder, `${name}.pem`)} holds no certificate.`);
  }
}

/** The domain is written in the certificate of its homeserver. */
export async function domainOf(folder: string): Promise<DomainName> {
  const name = nameIn(await readCertificate(folder, 'homeserver'));
  if (name === undefined) throw new Problem(`${join(folder, 'homeserver.pem')} names no domain.`);
  return name.domain;
}

export async function readText(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch {
    throw new Problem(`there is no readable ${join(folder, name)}. Make the files with: hawser certs init`);
  }
}
