/** How often somebody may make this server write to an address, and try codes: for one e-mail address, for one IP address. */
import { HawserError } from '#signalling/errors.ts';
import type { EmailAddress } from '#signalling/person.ts';
import { networkOf } from '../http/network.ts';
import { RateLimit } from '../http/rate.ts';

const MINUTE_S = 60;

/** Three e-mails in a row, then one every twenty minutes: nobody's letter box is filled by strangers. */
const MAILS = { burst: 3, perSecond: 1 / (20 * MINUTE_S) };
/** Behind one IP address sits a whole organisation that was just told to register. */
const REQUESTS = { burst: 30, perSecond: 1 / 20 };
/** Five tries a code, and some people who mistype theirs at once. */
const TRIES = { burst: 40, perSecond: 1 / 5 };

export class EmailLimits {
  readonly #mails: RateLimit;
  readonly #requests: RateLimit;
  readonly #tries: RateLimit;

  /** @param now ms */
  constructor(now: () => number) {
    this.#mails = new RateLimit(MAILS.perSecond, now, MAILS.burst);
    this.#requests = new RateLimit(REQUESTS.perSecond, now, REQUESTS.burst);
    this.#tries = new RateLimit(TRIES.perSecond, now, TRIES.burst);
  }

  /** Somebody at an IP address asks for a code. @throws HawserError HOME_SLOW_DOWN */
  countRequest(address: string): void {
    if (!this.#requests.take(networkOf(address))) throw new HawserError('HOME_SLOW_DOWN');
  }

  /** An e-mail address is to be written to, or would be if it were somebody's. @throws HawserError HOME_MAIL_LIMIT */
  countMail(email: EmailAddress): void {
    if (!this.#mails.take(email)) throw new HawserError('HOME_MAIL_LIMIT');
  }

  /** Somebody at an IP address tries a code. @throws HawserError HOME_SLOW_DOWN */
  countTry(address: string): void {
    if (!this.#tries.take(networkOf(address))) throw new HawserError('HOME_SLOW_DOWN');
  }
}
