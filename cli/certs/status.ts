/** What the certificates of a folder say, for people and for programs. */
import type { X509Certificate } from 'node:crypto';
import { isIssuedBy, nameIn, validFrom, validTo } from '#trust/certificate.ts';
import { revokedIn } from '#trust/issue.ts';
import { DAY } from '#trust/issuing.ts';
import { serverName } from '#trust/name.ts';
import { plainSerial } from '#trust/revocation.ts';
import { DEVICES_REVOKED, REVOKED, readCertificate, readText, SERVERS } from './folder.ts';

/** Time in which an administrator should renew, days. */
const WARN_DAYS = 30;

/** Of those that are no server's. */
const NAMES: Readonly<Record<string, string>> = {
  authority: 'the authority',
  'devices-root': 'the root of devices',
  devices: 'certifies devices',
};

export interface CertificateStatus {
  readonly file: string;
  readonly name: string;
  readonly serial: string;
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
  /** ISO 8601 */
  readonly from: string;
  readonly to: string;
  /** Whole days until it ends; negative when it has. */
  readonly days: number;
  readonly revoked: boolean;
  /** One sentence about what to do, where there is something. */
  readonly warning?: string;
}

export async function statusOf(folder: string, now: number): Promise<readonly CertificateStatus[]> {
  const revoked = revokedIn(await readText(folder, REVOKED)).map(({ serial }) => serial);
  const authority = await readCertificate(folder, 'authority');
  const statuses = [status('authority', authority, authority, revoked, now)];
  for (const role of SERVERS) statuses.push(status(role, await readCertificate(folder, role), authority, revoked, now));
  const root = await readCertificate(folder, 'devices-root');
  const revokedByRoot = revokedIn(await readText(folder, DEVICES_REVOKED)).map(({ serial }) => serial);
  statuses.push(status('devices-root', root, root, revokedByRoot, now));
  statuses.push(status('devices', await readCertificate(folder, 'devices'), root, revokedByRoot, now));
  return statuses;
}

function status(
  file: string,
  certificate: X509Certificate,
  authority: X509Certificate,
  revoked: readonly string[],
  now: number,
): CertificateStatus {
  const serial = plainSerial(certificate.serialNumber);
  const name = nameIn(certificate);
  const facts = {
    file: `${file}.pem`,
    name: NAMES[file] ?? (name ? serverName(name.domain, name.role) : 'no name'),
    serial,
    fingerprint: certificate.fingerprint256,
    from: certificate.validFromDate.toISOString(),
    to: certificate.validToDate.toISOString(),
    days: Math.floor((validTo(certificate) - now) / DAY),
    revoked: revoked.includes(serial),
  };
  const warning = warningOf(facts, isIssuedBy(certificate, authority), validFrom(certificate) > now);
  return warning === undefined ? facts : { ...facts, warning };
}

const ADVICE: Readonly<Record<string, string>> = {
  'authority.pem': 'Make a new authority and give it to the other domains.',
  'devices-root.pem': 'Make a new root of devices; every device gets a new certificate by itself.',
};

function warningOf(facts: Omit<CertificateStatus, 'warning'>, isOwn: boolean, isEarly: boolean): string | undefined {
  const advice = ADVICE[facts.file] ?? 'Renew it: hawser certs renew';
  if (facts.revoked) return `It is revoked. ${advice}`;
  if (!isOwn) return 'Its authority did not issue it. Renew it: hawser certs renew';
  if (isEarly) return 'It is not valid yet. Check the clock of this machine.';
  if (facts.days < 0) return `It has ended. ${advice}`;
  if (facts.days < WARN_DAYS) return `It ends in ${facts.days} days. ${advice}`;
  return undefined;
}
