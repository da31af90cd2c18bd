/**
 * Credentials for TURN that a server makes without asking anybody: the name says until when it is good, the password is a
 * keyed hash of the name (draft-uberti-behave-turn-rest-00, which coturn follows with `use-auth-secret`).
 */
import { createHmac } from 'node:crypto';

export interface TurnCredential {
  /** `1767225600:` and the pseudonym; the number is the end of its life in s since 1970. */
  readonly username: string;
  /** HMAC-SHA1 in base64, 28 characters. coturn knows no other hash here; as a keyed hash it is unbroken. */
  readonly password: string;
}

const HOUR = 3_600;

/**
 * A credential that is good from now until the end of the next hour: between one and two hours. All of one hour are alike.
 * @param secret that coturn knows
 * @param pseudonym of the device: coturn counts allocations by what stands behind the colon, so that a new hour brings no new twelve
 * @param now ms since 1970
 */
export function turnCredential(secret: string, pseudonym: string, now: number): TurnCredential {
  const hour = Math.floor(now / 1_000 / HOUR);
  return credentialUntil(secret, pseudonym, (hour + 2) * HOUR);
}

/** @param end of its life, s since 1970 */
export function credentialUntil(secret: string, pseudonym: string, end: number): TurnCredential {
  const username = `${end}:${pseudonym}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}
