/**
 * The certificate of a device (RFC 5280), read strictly: version 3, an Ed25519 key, whatever issued it. A group has one for each leaf, so
 * that it is not read by the X.509 library, which reads those of the few issuers: on Node 24 that took 0.3 ms for each, and this takes 0.006.
 */
import { sameBytes } from './bytes.ts';
import { checkInside, keyOf, MAX_CERTIFICATE_BYTES, refuse } from './certificate.ts';
import { booleanOf, Der, DerError, holding, serialOf, TAG, timeOf, wholeBytes } from './der.ts';
import type { Engine } from './engine.ts';
import { Verified } from './verified.ts';
import type { X509Certificate } from './x509.ts';

/** A leaf lives 90 days at most, so that one that was stolen and never revoked is worth little. ms */
export const MAX_LEAF_LIFE = 90 * 24 * 60 * 60 * 1000;

/** How the issuer signed it. */
export type SignatureAlgorithm = 'Ed25519' | 'ECDSA with SHA-256' | 'ECDSA with SHA-384';

export interface DeviceCertificate {
  /** Hex digits. */
  readonly serialNumber: string;
  /** A name in DER. */
  readonly issuer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** 32 bytes; undefined where the key is of another kind. */
  readonly key: Uint8Array | undefined;
  readonly isAuthority: boolean;
  readonly maySign: boolean;
  /** All names that it is for; undefined in the place of each that is no URI. */
  readonly names: readonly (string | undefined)[];
  /** What is signed. */
  readonly signed: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** `[6]` of a GeneralName (RFC 5280, section 4.2.1.6). */
const URI = 0x86;
const VERSION_3 = Uint8Array.of(2);

/** RFC 8410, section 3 and RFC 5758, section 3.2; without parameters. */
const ALGORITHMS: readonly (readonly [SignatureAlgorithm, Uint8Array])[] = [
  ['Ed25519', Uint8Array.of(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70)],
  ['ECDSA with SHA-256', Uint8Array.of(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)],
  ['ECDSA with SHA-384', Uint8Array.of(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03)],
];

/** `id-ce` and the last number (RFC 5280, section 4.2.1): the extensions that are understood here. */
const EXTENSIONS: ReadonlyMap<string, keyof Understood | 'nothing'> = new Map([
  ['85,29,19', 'constraints'],
  ['85,29,15', 'usage'],
  ['85,29,17', 'names'],
  ['85,29,37', 'nothing'],
]);

interface Understood {
  readonly constraints?: Uint8Array;
  readonly usage?: Uint8Array;
  readonly names?: Uint8Array;
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED where it is none, or has what is not understood here */
export function readDeviceCertificate(der: Uint8Array): DeviceCertificate {
  if (der.length > MAX_CERTIFICATE_BYTES) refuse('a certificate is too large');
  return readable(() => read(der));
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED where it is not in its one valid encoding */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return refuse('a certificate cannot be read', error);
    throw error;
  }
}

function read(der: Uint8Array): DeviceCertificate {
  const all = new Der(der);
  const whole = all.into(TAG.sequence);
  all.end();
  const { whole: signed, content } = whole.next(TAG.sequence);
  const { whole: algorithm } = whole.next(TAG.sequence);
  const signature = wholeBytes(whole.next(TAG.bits).content);
  whole.end();
  return { ...readSigned(new Der(content), algorithm), signed, signature };
}

function readSigned(body: Der, outer: Uint8Array): Omit<DeviceCertificate, 'signed' | 'signature'> {
  const version = body.into(holding(0));
  if (!sameBytes(version.next(TAG.integer).content, VERSION_3)) throw new DerError('another version');
  version.end();
  const serialNumber = serialOf(body.next(TAG.integer).content);
  const { whole: inner } = body.next(TAG.sequence);
  const algorithm = ALGORITHMS.find(([, bytes]) => sameBytes(bytes, inner))?.[0];
  // The one that is not signed could say anything.
  if (algorithm === undefined || !sameBytes(inner, outer))
    refuse('a certificate is signed in a way that is not accepted');
  const { whole: issuer } = body.next(TAG.sequence);
  const validity = body.into(TAG.sequence);
  const [notBefore, notAfter] = [new Date(timeOf(validity.next())), new Date(timeOf(validity.next()))];
  validity.end();
  body.next(TAG.sequence); // the subject, which says nothing that the names do not say
  const key = ed25519KeyIn(body.next(TAG.sequence).whole);
  const { constraints, usage, names } = readExtensions(body.into(holding(3)).into(TAG.sequence));
  body.end();
  return {
    ...{ serialNumber, issuer, notBefore, notAfter, key, algorithm },
    isAuthority: constraints !== undefined && isAuthority(constraints),
    maySign: usage === undefined || maySign(usage),
    names: names === undefined ? [] : namesIn(names),
  };
}

function readExtensions(all: Der): Understood {
  const found: Record<string, Uint8Array> = {};
  const seen = new Set<string>();
  while (!all.isAtEnd) {
    const each = all.into(TAG.sequence);
    const id = each.next(TAG.oid).content.join();
    const isCritical = each.tag === TAG.boolean && booleanOf(each.next(TAG.boolean).content);
    const { content } = each.next(TAG.bytes);
    each.end();
    if (seen.has(id)) throw new DerError('an extension twice');
    seen.add(id);
    const known = EXTENSIONS.get(id);
    if (known !== undefined) found[known] = content;
    else if (isCritical) refuse('a certificate has a critical extension that is not understood');
  }
  return found;
}

function isAuthority(constraints: Uint8Array): boolean {
  const whole = new Der(constraints);
  const parts = whole.into(TAG.sequence);
  whole.end();
  const is = parts.tag === TAG.boolean && booleanOf(parts.next(TAG.boolean).content);
  if (!parts.isAtEnd) parts.next(TAG.integer);
  parts.end();
  return is;
}

/** The first bit is `digitalSignature`. */
function maySign(usage: Uint8Array): boolean {
  const whole = new Der(usage);
  const [unused = 8, first = 0, ...more] = whole.next(TAG.bits).content;
  whole.end();
  if (unused > 7 || more.length > 1) throw new DerError('no usage');
  return (first & 0x80) !== 0;
}

function namesIn(content: Uint8Array): (string | undefined)[] {
  const whole = new Der(content);
  const list = whole.into(TAG.sequence);
  whole.end();
  const names: (string | undefined)[] = [];
  while (!list.isAtEnd) {
    const { tag, content: name } = list.next();
    names.push(tag === URI ? String.fromCharCode(...name) : undefined);
  }
  return names;
}

const ED25519_HEADER = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** RFC 8410, section 4: 12 bytes of header, 32 of key. @param spki a SubjectPublicKeyInfo */
function ed25519KeyIn(spki: Uint8Array): Uint8Array | undefined {
  const isEd25519 = spki.length === 44 && sameBytes(spki.subarray(0, 12), ED25519_HEADER);
  return isEd25519 ? spki.subarray(12) : undefined;
}

/**
 * @param key the signature key of the MLS leaf, 32 bytes of Ed25519 (RFC 9420, section 5.3: the certificate is for that key)
 * @throws {HawserError} MLS_CREDENTIAL_REFUSED unless it is the certificate of a device with that key
 */
export function checkLeaf(
  { isAuthority, maySign, key: own, notBefore, notAfter }: DeviceCertificate,
  key: Uint8Array,
): void {
  if (isAuthority) refuse('the leaf is an authority');
  if (!maySign) refuse('the leaf may not sign');
  if (own === undefined) refuse('the key of the leaf is not Ed25519');
  else if (!sameBytes(own, key)) refuse('the leaf is the certificate of another key');
  if (notAfter.getTime() - notBefore.getTime() > MAX_LEAF_LIFE) refuse('the leaf is valid for too long');
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED unless the issuer made it, for a time inside its own */
export async function checkIssuedLeaf(
  leaf: DeviceCertificate,
  issuer: X509Certificate,
  engine?: Engine,
): Promise<void> {
  if (
    !sameBytes(
      leaf.issuer,
      readable(() => subjectOf(issuer)),
    )
  )
    refuse('the certificates are no chain');
  checkInside(leaf, issuer);
  const verify = () => isSignedBy(leaf, issuer, engine).catch(() => false);
  const { signed, signature } = leaf;
  const isSigned = engine
    ? memoryOf(engine).check([new Uint8Array(issuer.publicKey.rawData), signed, signature], verify)
    : verify();
  if (!(await isSigned)) refuse('a certificate was not signed by its issuer');
}

/** Of the devices of a program, which have the same certificates before them, one checks each. */
const memories = new WeakMap<Engine, Verified>();

function memoryOf(engine: Engine): Verified {
  const memory = memories.get(engine) ?? new Verified(engine.digest);
  memories.set(engine, memory);
  return memory;
}

async function isSignedBy(
  { signed, signature, algorithm }: DeviceCertificate,
  issuer: X509Certificate,
  engine?: Engine,
) {
  if (algorithm === 'Ed25519') {
    const key = ed25519KeyIn(new Uint8Array(issuer.publicKey.rawData));
    if (key === undefined) return false;
    if (engine !== undefined) return engine.verify(key, signed, signature);
    return crypto.subtle.verify('Ed25519', await keyOf(issuer), copyOf(signature), copyOf(signed));
  }
  const key = await keyOf(issuer);
  const bytes = COORDINATE_BYTES[(key.algorithm as EcKeyAlgorithm).namedCurve];
  if (bytes === undefined) return false;
  const hash = algorithm === 'ECDSA with SHA-256' ? 'SHA-256' : 'SHA-384';
  return crypto.subtle.verify({ name: 'ECDSA', hash }, key, plainSignature(signature, bytes), copyOf(signed));
}

const COORDINATE_BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48 };

/** Two numbers in DER (RFC 3279, section 2.2.3), as WebCrypto takes them: one after the other, of one length. @throws {DerError} */
function plainSignature(der: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Der(der);
  const both = whole.into(TAG.sequence);
  whole.end();
  const plain = new Uint8Array(2 * bytes);
  for (const end of [bytes, 2 * bytes]) {
    const number = both.next(TAG.integer).content;
    if ((number[0] ?? 0x80) >= 0x80) throw new DerError('a number that is negative');
    const short = number[0] === 0 ? number.subarray(1) : number;
    if (short.length > bytes) throw new DerError('a number that is too large');
    plain.set(short, end - short.length);
  }
  both.end();
  return plain;
}

const subjects = new WeakMap<X509Certificate, Uint8Array>();

/** A name in DER, as it stands there. */
function subjectOf(certificate: X509Certificate): Uint8Array {
  const known = subjects.get(certificate);
  if (known !== undefined) return known;
  const body = new Der(new Uint8Array(certificate.rawData)).into(TAG.sequence).into(TAG.sequence);
  // Version, serial number, algorithm, issuer, validity.
  for (let skipped = 0; skipped < 5; skipped++) body.next();
  const { whole } = body.next(TAG.sequence);
  subjects.set(certificate, whole);
  return whole;
}

/** WebCrypto takes no part of a larger buffer that could be shared. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
