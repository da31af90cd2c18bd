/**
 * Who is signed in. The access token lives in memory only, where no other page and no later visitor of the machine finds
 * it; what survives a reload is the homeserver's refresh cookie, which scripts cannot read. In Node, where nobody else keeps
 * it, it is in memory too.
 */
import type { Static, TSchema } from 'typebox';
import { Session, User } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { EmailAddress } from '#signalling/person.ts';
import { Invitations, MadeInvitation } from '#signalling/registration.ts';
import { Cookies } from './cookies.ts';
import { type Call, callApi, callRaw, type RawCall } from './http.ts';
import { Store } from './store.ts';

export type AccountState =
  | { readonly phase: 'unknown' }
  | { readonly phase: 'signedOut' }
  | { readonly phase: 'signedIn'; readonly user: User };

/** Of the token's life, the part after which a new one is fetched. */
const RENEW_AFTER = 0.8;

export class Account {
  readonly store = new Store<AccountState>({ phase: 'unknown' });
  readonly #origin: string;
  readonly #cookies = new Cookies();
  #accessToken: string | undefined;
  #refreshing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param origin as for `callApi` */
  constructor(origin = '') {
    this.#origin = origin;
  }

  get origin(): string {
    return this.#origin;
  }

  /**
   * @param handle or the e-mail address of the account
   * @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN, SIG_UNREACHABLE
   */
  async signIn(handle: string, password: string): Promise<User> {
    const call = { method: 'POST', path: 'sessions', body: { handle, password }, answer: Session } as const;
    return this.#accept(await callApi(this.#origin, { ...call, cookies: this.#cookies }));
  }

  /**
   * Comes to a call as a guest, by what is in a link to it: good for that call alone, until it ends. Nothing of it is kept.
   * @throws HawserError HOME_GUEST_LINK_REFUSED, HOME_GUEST_NAME_REFUSED, HOME_CALL_LOCKED, HOME_TOO_MANY_GUESTS, HOME_SLOW_DOWN, SIG_UNREACHABLE
   */
  async comeAsGuest(token: string, name: string): Promise<User> {
    return this.#accept(
      await callApi(this.#origin, { method: 'POST', path: 'guests', body: { token, name }, answer: Session }),
    );
  }

  /** Whether it is a guest of a call who is here. */
  get isGuest(): boolean {
    const { state } = this.store;
    return state.phase === 'signedIn' && state.user.guest === true;
  }

  /** After a reload: signed in again if the refresh cookie still is good, else signed out. */
  async resume(): Promise<AccountState> {
    try {
      await this.#refresh();
    } catch (error) {
      if (!(error instanceof HawserError) || error.retry) {
        this.#forget();
        throw error;
      }
    }
    return this.store.state;
  }

  async signOut(): Promise<void> {
    const accessToken = this.#accessToken;
    this.#forget();
    await callApi(this.#origin, { method: 'DELETE', path: 'sessions/current', ...(accessToken && { accessToken }) });
  }

  /** Every other session ends. @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN */
  async changePassword(current: string, password: string): Promise<void> {
    await this.call({ method: 'POST', path: 'password', body: { current, password } });
  }

  /** Changes the name that others see. @throws HawserError HOME_SLOW_DOWN */
  async rename(name: string): Promise<User> {
    const user = await this.call({ method: 'POST', path: 'me/name', body: { name }, answer: User });
    this.store.set({ phase: 'signedIn', user });
    return user;
  }

  /** Deletes the account, for good. @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN */
  async remove(password: string): Promise<void> {
    await this.call({ method: 'POST', path: 'me/removal', body: { password } });
    this.#forget();
  }

  /**
   * An invitation to make an account here, good once.
   * @param email where the homeserver sends it, if anywhere
   * @returns the only time at which the invitation itself is told
   * @throws HawserError HOME_REGISTRATION_CLOSED, HOME_NO_MAIL, HOME_INVITATIONS_OPEN, HOME_MAIL_LIMIT, HOME_SLOW_DOWN
   */
  invite(email?: EmailAddress): Promise<MadeInvitation> {
    return this.call({ method: 'POST', path: 'invitations', body: email ? { email } : {}, answer: MadeInvitation });
  }

  /** The own invitations that nobody has used, oldest first. */
  async invitations(): Promise<Invitations['invitations']> {
    return (await this.call({ method: 'GET', path: 'invitations', answer: Invitations })).invitations;
  }

  /** @throws HawserError HOME_NOT_FOUND where somebody has used it meanwhile */
  async takeBackInvitation(id: string): Promise<void> {
    await this.call({ method: 'DELETE', path: `invitations/${encodeURIComponent(id)}` });
  }

  /** A call in the name of this person; a token that ended meanwhile is renewed once. */
  call<S extends TSchema>(call: Call<S>): Promise<Static<S>> {
    return this.#withToken((accessToken) => callApi(this.#origin, { ...call, accessToken }));
  }

  /** The same where the body speaks of the very token that it comes with. */
  callAbout<S extends TSchema>(call: Omit<Call<S>, 'body'>, body: (accessToken: string) => Promise<object>) {
    return this.#withToken(async (accessToken): Promise<Static<S>> => {
      return callApi(this.#origin, { ...call, body: await body(accessToken), accessToken });
    });
  }

  /** The same for what is no JSON. A body is sent a second time where the token had ended, so it cannot be a stream. */
  callRaw(call: RawCall & { readonly body?: Exclude<BodyInit, ReadableStream> }): Promise<Response> {
    return this.#withToken((accessToken) => callRaw(this.#origin, { ...call, accessToken }));
  }

  /** @throws HawserError HOME_UNAUTHENTICATED where nobody is signed in */
  async accessToken(): Promise<string> {
    await this.#refreshing;
    if (this.#accessToken === undefined) throw new HawserError('HOME_UNAUTHENTICATED');
    return this.#accessToken;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  async #withToken<T>(call: (accessToken: string) => Promise<T>): Promise<T> {
    const accessToken = await this.accessToken();
    try {
      return await call(accessToken);
    } catch (error) {
      if (!(error instanceof HawserError) || error.code !== 'HOME_UNAUTHENTICATED') throw error;
      if (accessToken === this.#accessToken) await this.#refresh(); // else another call has renewed it meanwhile
      return call(await this.accessToken());
    }
  }

  /** Several callers that find the token ended share one renewal: a refresh cookie is good for one use. */
  async #refresh(): Promise<void> {
    if (this.isGuest) {
      // The cookie of this browser, where there is one, is that of somebody who has an account.
      this.#forget();
      throw new HawserError('HOME_UNAUTHENTICATED');
    }
    this.#refreshing ??= callApi(this.#origin, {
      method: 'POST',
      path: 'sessions/refresh',
      answer: Session,
      cookies: this.#cookies,
    })
      .then((session) => void this.#accept(session))
      .catch((error: unknown) => {
        if (error instanceof HawserError && !error.retry) this.#forget();
        throw error;
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  #accept(session: Session): User {
    this.#accessToken = session.accessToken;
    clearTimeout(this.#timer);
    const renew = () => void this.#refresh().catch(() => undefined); // the next call tries again and tells
    this.#timer = setTimeout(renew, session.expiresInSeconds * RENEW_AFTER * 1000);
    if (typeof this.#timer === 'object') this.#timer.unref?.();
    const { state } = this.store;
    const known = state.phase === 'signedIn' ? state.user : undefined;
    const { user, name, administrator } = session.user;
    // The name may have been changed on another device, the role by an administrator.
    if (known?.user !== user || known.name !== name || known.administrator !== administrator) {
      this.store.set({ phase: 'signedIn', user: session.user });
    }
    return session.user;
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#accessToken = undefined;
    this.#cookies.clear();
    this.store.set({ phase: 'signedOut' });
  }
}
