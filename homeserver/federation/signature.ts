/**
 * Requests of version 2 are signed: HTTP Message Signatures (RFC 9421) over one fixed list of components, with Ed25519 and the digest
 * of the body (RFC 9530). The TLS connection says which domain asks; the signature lets that be shown later, and keeps whoever stands
 * between a domain's TLS and its homeserver from speaking for it. Pure.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { DomainName } from '#signalling/ids.ts';
import { parseDomainName } from '#signalling/ids.ts';

const LABEL = 'hawser';
/** In this order, and no others. The query is not among them: a signed request has none. */
const COMPONENTS = '("@method" "@path" "content-digest" "hawser-from" "hawser-to")';

/** What is signed besides the time and the key. */
export interface Signed {
  readonly method: string;
  /** As it stands in the request line. */
  readonly path: string;
  /** SHA-256 of the body, base64; of nothing where there is none. */
  readonly digest: string;
  readonly from: DomainName;
  readonly to: DomainName;
}

export interface SignatureHeaders {
  readonly 'hawser-from': string;
  readonly 'hawser-to': string;
  readonly 'content-digest': string;
  readonly 'signature-input': string;
  readonly signature: string;
}

/** What a request claims, unproved. */
export interface Claims {
  readonly from: DomainName;
  readonly to: DomainName;
  readonly digest: string;
  /** s since 1970 */
  readonly created: number;
  /** The first 16 characters of the key, base64url. */
  readonly keyId: string;
  readonly signature: Buffer;
}

export interface RequestSigner {
  readonly id: string;
  sign(bytes: Buffer): Buffer;
}

export function digestOf(body: string | Buffer): string {
  return createHash('sha256').update(body).digest('base64');
}

/** @param now ms since 1970 */
export function signRequest(signed: Signed, { id, sign }: RequestSigner, now: number): SignatureHeaders {
  const parameters = parametersOf(Math.floor(now / 1_000), id);
  const signature = sign(baseOf(signed, parameters)).toString('base64');
  return {
    'hawser-from': signed.from,
    'hawser-to': signed.to,
    'content-digest': contentDigest(signed.digest),
    'signature-input': `${LABEL}=${parameters}`,
    signature: `${LABEL}=:${signature}:`,
  };
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Undefined where the headers are not of the one form that is used here. */
export function readClaims(headers: Headers): Claims | undefined {
  const from = parseDomainName(text(headers['hawser-from']));
  const to = parseDomainName(text(headers['hawser-to']));
  const digest = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(text(headers['content-digest']))?.[1];
  const signature = /^hawser=:([A-Za-z0-9+/]{86}==):$/.exec(text(headers.signature))?.[1];
  const input = /^hawser=(\(.{1,100}\));created=(\d{1,11});keyid="([\w-]{16})";alg="ed25519";tag="hawser"$/.exec(
    text(headers['signature-input']),
  );
  const [, components, created, keyId] = input ?? [];
  if (!from || !to || digest === undefined || signature === undefined || keyId === undefined) return undefined;
  if (components !== COMPONENTS) return undefined;
  return { from, to, digest, created: Number(created), keyId, signature: Buffer.from(signature, 'base64') };
}

/** Whether the claims are those of whoever has the key. */
export function isSignedBy(key: KeyObject, { method, path }: Pick<Signed, 'method' | 'path'>, claims: Claims): boolean {
  const { from, to, digest, created, keyId, signature } = claims;
  const base = baseOf({ method, path, digest, from, to }, parametersOf(created, keyId));
  return verify(null, base, key, signature);
}

/** @param bytes 32 of Ed25519. Undefined where they are no key. */
export function publicKeyOf(bytes: Uint8Array): KeyObject | undefined {
  try {
    const x = Buffer.from(bytes).toString('base64url');
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** RFC 9421, section 2.5 */
function baseOf({ method, path, digest, from, to }: Signed, parameters: string): Buffer {
  const lines = [
    `"@method": ${method}`,
    `"@path": ${path}`,
    `"content-digest": ${contentDigest(digest)}`,
    `"hawser-from": ${from}`,
    `"hawser-to": ${to}`,
    `"@signature-params": ${parameters}`,
  ];
  return Buffer.from(lines.join('\n'), 'utf8');
}

function parametersOf(created: number, keyId: string): string {
  return `${COMPONENTS};created=${created};keyid="${keyId}";alg="ed25519";tag="hawser"`;
}

function contentDigest(digest: string): string {
  return `sha-256=:${digest}:`;
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' && header.length <= 400 ? header : '';
}
