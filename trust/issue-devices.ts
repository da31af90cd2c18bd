/**
 * Makes what people's devices are certified with: a root that stays off the servers, an intermediate that the homeserver
 * issues with, and leaves for devices (RFC 9420, section 5.3; RFC 5280). The authority of the servers cannot do it: it may
 * certify nobody who certifies others, and whoever breaks into a homeserver shall not be able to make servers.
 */
import { type DeviceId, type DomainName, domainOf, userOfDevice } from '#signalling/ids.ts';
import {
  ALGORITHM,
  BACKDATE,
  DAY,
  type Issued,
  keyPem,
  makeKeys,
  pemOf,
  randomSerial,
  signingKey,
  subject,
  type Validity,
} from './issuing.ts';
import * as x509 from './x509.ts';

/** Of a device's certificate, from its begin to its end, ms: a stolen key that nobody noticed is worth little. */
export const DEVICE_LIFE = 90 * DAY;

const AUTHORITY_USES = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

/** The self-signed root of a domain's devices. */
export async function makeDeviceRoot(domain: DomainName, validity: Validity): Promise<Issued> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject('Hawser devices root', domain),
    keys,
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(AUTHORITY_USES, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/**
 * The intermediate that issues to devices, below a root.
 * @param before the intermediate that it follows: the key stays, so that certificates of devices and the list of revoked
 * ones stay good under both. Left out, there is a new key, and every device needs a new certificate.
 */
export async function issueDeviceAuthority(
  root: Issued,
  domain: DomainName,
  validity: Validity,
  before?: Issued,
): Promise<Issued> {
  const issuer = new x509.X509Certificate(root.certificate);
  const made = before === undefined ? await makeKeys() : undefined;
  const publicKey = made?.publicKey ?? new x509.X509Certificate(before?.certificate ?? '').publicKey;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: subject('Hawser devices', domain),
    issuer: issuer.subjectName,
    publicKey,
    signingKey: await signingKey(root.key),
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...inside(validity, issuer),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(AUTHORITY_USES, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pemOf(certificate), key: made ? await keyPem(made.privateKey) : (before?.key ?? '') };
}

/** An authority whose key is at hand. */
export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: CryptoKey;
}

export async function signerOf({ certificate, key }: Issued): Promise<Signer> {
  return { certificate: new x509.X509Certificate(certificate), key: await signingKey(key) };
}

export interface DeviceCertificate {
  /** DER */
  readonly certificate: Uint8Array;
  /** Hex digits. */
  readonly serial: string;
  /** ms since 1970 */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * A certificate for a device, which names its user and the device, for at most `DEVICE_LIFE` and within the issuer's time.
 * @param publicKey SPKI of Ed25519, as `deviceKeyIn` returns it
 * @param now ms since 1970
 */
export async function issueDevice(
  authority: Signer,
  device: DeviceId,
  publicKey: Uint8Array<ArrayBuffer>,
  now: number,
): Promise<DeviceCertificate> {
  const { certificate: issuer, key } = authority;
  const serialNumber = randomSerial();
  const notBefore = Math.max(now - BACKDATE, issuer.notBefore.getTime());
  const validity = inside({ notBefore: new Date(notBefore), notAfter: new Date(notBefore + DEVICE_LIFE) }, issuer);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: subject('Hawser device', domainOf(device)),
    issuer: issuer.subjectName,
    publicKey: new x509.PublicKey(publicKey),
    signingKey: key,
    signingAlgorithm: ALGORITHM,
    serialNumber,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: userOfDevice(device) },
        { type: 'url', value: device },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return {
    certificate: new Uint8Array(certificate.rawData),
    serial: serialNumber,
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
  };
}

/** RFC 8410, section 4: 12 bytes of header, 32 of key. */
const ED25519_SPKI_LENGTH = 44;

/**
 * The key that a certificate is asked for, where the request (PKCS #10, RFC 2986) was signed with it and it is Ed25519.
 * What else the request says is not looked at: who asks is known already.
 * @returns SPKI, 44 bytes; undefined where it is none of that
 */
export async function deviceKeyIn(request: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    if (parsed.publicKey.algorithm.name !== 'Ed25519' || parsed.signatureAlgorithm.name !== 'Ed25519') return undefined;
    const spki = new Uint8Array(parsed.publicKey.rawData);
    if (spki.length !== ED25519_SPKI_LENGTH || !(await parsed.verify())) return undefined;
    return spki;
  } catch {
    return undefined;
  }
}

function inside({ notBefore, notAfter }: Validity, issuer: x509.X509Certificate): Validity {
  return {
    notBefore: notBefore < issuer.notBefore ? issuer.notBefore : notBefore,
    notAfter: notAfter > issuer.notAfter ? issuer.notAfter : notAfter,
  };
}
