/**
 * Tickets and grants: JSON Web Signatures (RFC 7515) with Ed25519 (RFC 8037). A ticket lets one participant into one
 * conference on one SFT, once; a grant lets the SFT of one domain join one conference of an anchor.
 */
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Closed, Word } from './contract.ts';
import { type ErrorCode, HawserError } from './errors.ts';
import { ConferenceId, DomainName, ParticipantId } from './ids.ts';

/** What a participant may do; enforced by the SFT. */
export const Permission = Word('audio', 'video', 'screen');
export type Permission = Static<typeof Permission>;

const Seconds = Type.Number({ minimum: 0, maximum: 1e11 });

export const TicketClaims = Closed({
  /** The domain whose homeserver signed. */
  iss: DomainName,
  /** `sft.<domain>`: the SFT that may accept it. */
  aud: Type.String({ maxLength: 110 }),
  iat: Seconds,
  exp: Seconds,
  jti: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
  conference: ConferenceId,
  participant: ParticipantId,
  anchor: DomainName,
  may: Type.Array(Permission, { maxItems: 3, uniqueItems: true }),
  /** Of an administrator who looks whether the SFT can be reached: a conference of nobody else, of which no homeserver is told. */
  examination: Type.Optional(Type.Literal(true)),
});
export type TicketClaims = Static<typeof TicketClaims>;

export const GrantClaims = Closed({
  iss: DomainName,
  aud: Type.String({ maxLength: 110 }),
  iat: Seconds,
  exp: Seconds,
  jti: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
  conference: ConferenceId,
  /** The domain whose SFT may join. */
  domain: DomainName,
  /** The other domains whose participants it may hear and be heard by. */
  domains: Type.Array(DomainName, { maxItems: 100, uniqueItems: true }),
});
export type GrantClaims = Static<typeof GrantClaims>;

const TICKET = { typ: 'hawser-ticket+jwt', parser: Compile(TicketClaims) };
const GRANT = { typ: 'hawser-grant+jwt', parser: Compile(GrantClaims) };

/** How far the clocks of a homeserver and an SFT may differ, s. */
const CLOCK_TOLERANCE = 5;

export function signTicket(claims: TicketClaims, key: CryptoKey): Promise<string> {
  return sign(claims, TICKET.typ, key);
}

export function signGrant(claims: GrantClaims, key: CryptoKey): Promise<string> {
  return sign(claims, GRANT.typ, key);
}

/** What a signature is checked against. `now` is in ms since 1970. */
export interface Expected {
  readonly issuer: DomainName;
  readonly audience: string;
  readonly key: CryptoKey;
  readonly now: number;
}

/**
 * @throws HawserError SFT_TICKET_MALFORMED, SFT_TICKET_FORGED, SFT_TICKET_EXPIRED, SFT_TICKET_EARLY, SFT_TICKET_AUDIENCE
 */
export async function checkTicket(token: string, expected: Expected): Promise<TicketClaims> {
  const payload = await verify(token, TICKET.typ, expected);
  if (!TICKET.parser.Check(payload)) throw new HawserError('SFT_TICKET_MALFORMED', 'claims');
  return payload;
}

/** @throws HawserError as `checkTicket` */
export async function checkGrant(token: string, expected: Expected): Promise<GrantClaims> {
  const payload = await verify(token, GRANT.typ, expected);
  if (!GRANT.parser.Check(payload)) throw new HawserError('SFT_TICKET_MALFORMED', 'claims');
  return payload;
}

function sign(claims: TicketClaims | GrantClaims, typ: string, key: CryptoKey): Promise<string> {
  return new SignJWT(claims as unknown as JWTPayload).setProtectedHeader({ alg: 'EdDSA', typ }).sign(key);
}

async function verify(token: string, typ: string, expected: Expected): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, expected.key, {
      algorithms: ['EdDSA', 'Ed25519'],
      typ,
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(expected.now),
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    if ((payload.iat ?? 0) > expected.now / 1000 + CLOCK_TOLERANCE) throw new HawserError('SFT_TICKET_EARLY');
    return payload;
  } catch (error) {
    if (error instanceof HawserError) throw error;
    throw new HawserError(codeOf(error));
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof errors.JWTExpired) return 'SFT_TICKET_EXPIRED';
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed)
    return 'SFT_TICKET_FORGED';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'SFT_TICKET_AUDIENCE';
    if (error.claim === 'iss') return 'SFT_TICKET_FORGED';
  }
  return 'SFT_TICKET_MALFORMED';
}
