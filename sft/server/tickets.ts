/** Admission of clients: a ticket of the own homeserver, for this SFT and this conference, used once. */
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import { checkTicket, type TicketClaims } from '#signalling/ticket.ts';

export interface TicketOptions {
  readonly domain: DomainName;
  readonly key: CryptoKey;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Most tickets remembered as used; they are forgotten when they have expired. */
const MAX_REMEMBERED = 100_000;
const TOLERANCE_MS = 10_000;

export class Tickets {
  readonly #options: TicketOptions;
  /** Used tickets and when they can be forgotten, in the order of use. */
  readonly #used = new Map<string, number>();
  readonly #startedAt: number;

  constructor(options: TicketOptions) {
    this.#options = options;
    this.#startedAt = options.now();
  }

  /**
   * Admits the bearer once.
   * @throws HawserError SFT_TICKET_MALFORMED, _FORGED, _EXPIRED, _EARLY, _AUDIENCE, _CONFERENCE, _USED, SFT_FULL
   */
  async admit(ticket: string, conference: ConferenceId): Promise<TicketClaims> {
    const { domain, key, now } = this.#options;
    const claims = await checkTicket(ticket, { issuer: domain, audience: `sft.${domain}`, key, now: now() });
    if (claims.conference !== conference) throw new HawserError('SFT_TICKET_CONFERENCE');
    // What was used before a restart is forgotten, so that a ticket from before it could be used twice.
    if (claims.iat * 1_000 < this.#startedAt)
      throw new HawserError('SFT_TICKET_EXPIRED', 'made before this SFT started');
    this.#forget(now());
    if (this.#used.has(claims.jti)) throw new HawserError('SFT_TICKET_USED');
    if (this.#used.size >= MAX_REMEMBERED) throw new HawserError('SFT_FULL', 'too many tickets at once');
    this.#used.set(claims.jti, claims.exp * 1_000 + TOLERANCE_MS);
    return claims;
  }

  #forget(now: number): void {
    for (const [jti, until] of this.#used) {
      if (until > now) continue;
      this.#used.delete(jti);
    }
  }
}
