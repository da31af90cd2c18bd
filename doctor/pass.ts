/** What a machine in the network of the people needs in order to examine what their browsers need: one use, for a short while. */
import { randomBytes } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Relays } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { ConferenceId, DomainName, type ParticipantId } from '#signalling/ids.ts';
import { signTicket } from '#signalling/ticket.ts';
import type { Site } from '#site/schema.ts';
import { readTicketSigningKey } from '#trust/tickets.ts';
import { credentialUntil } from '#turn-config/credential.ts';
import { relayUrls } from '#turn-config/relays.ts';

export const Pass = Closed({
  domain: DomainName,
  /** The page. */
  page: Type.String({ maxLength: 300, pattern: '^https?://' }),
  sft: Type.String({ maxLength: 300, pattern: '^wss?://' }),
  conference: ConferenceId,
  /** Lets one participant, who may neither speak nor show anything, into a conference of nobody else. */
  ticket: Type.String({ maxLength: 4_096 }),
  relays: Type.Optional(Relays),
  /** ms since 1970 */
  ends: Type.Integer({ minimum: 0 }),
});
export type Pass = Static<typeof Pass>;

const form = Compile(Pass);
const LIFE_MS = 15 * 60_000;

/** @param secret with which credentials of TURN are signed; undefined where the site has no TURN servers */
export async function makePass(site: Site, secret: string | undefined, now: number): Promise<Pass> {
  const { domain, turn } = site;
  const conference = token(16) as ConferenceId;
  const claims = {
    ...{ iss: domain, aud: `sft.${domain}`, iat: now / 1_000, exp: (now + LIFE_MS) / 1_000, jti: token(16) },
    ...{ conference, participant: token(16) as ParticipantId, anchor: domain, may: [], examination: true as const },
  };
  const ticket = await signTicket(claims, await readTicketSigningKey(site.certificates.tickets.privateKey));
  const ends = now + LIFE_MS;
  const relays = turn && secret !== undefined ? relaysOf(turn, secret, ends) : undefined;
  return {
    ...{ domain, page: site.homeserver.client.url, sft: site.sft.client.url, conference, ticket, ends },
    ...(relays && { relays }),
  };
}

/** Undefined for a text that is none. */
export function parsePass(text: string): Pass | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return form.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param ends of the pass, ms since 1970: what is in it is good for no longer */
function relaysOf(turn: NonNullable<Site['turn']>, secret: string, ends: number): Relays {
  const { username, password } = credentialUntil(secret, 'hawser-doctor', Math.floor(ends / 1_000));
  return { urls: [...relayUrls(turn)], username, credential: password };
}

function token(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
