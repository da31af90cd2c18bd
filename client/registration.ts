/** Coming to an account, and to a new password for it, by a code in an e-mail. Nobody is signed in here. */
import type { PasswordReset, ResetConfirmation } from '#signalling/account.ts';
import { User } from '#signalling/client-home.ts';
import {
  AwaitedCode,
  Challenge,
  type NewRegistration,
  type RegistrationConfirmation,
  RegistrationRules,
} from '#signalling/registration.ts';
import { callApi } from './http.ts';
import { solve, type WorkOptions } from './proof-of-work.ts';

export class Registration {
  readonly #origin: string;

  /** @param origin as for `callApi` */
  constructor(origin = '') {
    this.#origin = origin;
  }

  /** What somebody without an account may do at this homeserver. */
  rules(): Promise<RegistrationRules> {
    return callApi(this.#origin, { method: 'GET', path: 'registration', answer: RegistrationRules });
  }

  /**
   * Asks for a code; where the mode is `open` and there is no invitation, after the work that it costs.
   * @throws HawserError HOME_REGISTRATION_CLOSED, HOME_EMAIL_REFUSED, HOME_INVITATION_REFUSED, HOME_WORK_REFUSED,
   * HOME_SLOW_DOWN, HOME_MAIL_LIMIT; the signal's reason
   */
  async begin(wish: Omit<NewRegistration, 'work'>, options: WorkOptions = {}): Promise<AwaitedCode> {
    const { mode } = await this.rules();
    const work = mode === 'open' && wish.invitation === undefined ? await this.#work(options) : undefined;
    const body = { ...wish, ...(work && { work }) };
    return callApi(this.#origin, { method: 'POST', path: 'registrations', body, answer: AwaitedCode });
  }

  /**
   * Makes the account; signing in comes after it.
   * @throws HawserError HOME_CODE_WRONG, HOME_CODE_OVER; HOME_HANDLE_TAKEN, after which the same code may come again with
   * another handle
   */
  confirm(id: string, confirmation: RegistrationConfirmation): Promise<User> {
    const path = `registrations/${id}/confirmation`;
    return callApi(this.#origin, { method: 'POST', path, body: confirmation, answer: User });
  }

  /** Asks for a code that allows a new password. The answer is the same where nobody has this address. */
  beginReset(body: PasswordReset): Promise<AwaitedCode> {
    return callApi(this.#origin, { method: 'POST', path: 'password/resets', body, answer: AwaitedCode });
  }

  /** @throws HawserError HOME_CODE_WRONG, HOME_CODE_OVER */
  async confirmReset(id: string, body: ResetConfirmation): Promise<void> {
    await callApi(this.#origin, { method: 'POST', path: `password/resets/${id}/confirmation`, body });
  }

  async #work(options: WorkOptions) {
    const call = { method: 'POST', path: 'registration/challenges', body: {}, answer: Challenge } as const;
    return solve(await callApi(this.#origin, call), options);
  }
}
