/**
 * Notices while the page is closed: the browser keeps a service worker that its maker's push service wakes for the homeserver.
 * Chosen by a person for himself on this browser; whoever signs in here next has not chosen it.
 */
import type { Account } from '#client/account.ts';
import { Store } from '#client/store.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import type { UserId } from '#signalling/ids.ts';
import { PushOffer } from '#signalling/push.ts';
import { changeSettings, readSettings } from './settings.ts';

export type WakeUpState =
  | { readonly phase: 'unknown' }
  /** The browser cannot do it, or the organisation does not. */
  | { readonly phase: 'impossible'; readonly by: 'browser' | 'organisation' }
  /** `blocked`: the browser does not let this page show notices. */
  | { readonly phase: 'off'; readonly blocked: boolean }
  | { readonly phase: 'on' };

const SERVICE_WORKER = '/service-worker.js';
const PATH = 'devices/current/push';

export class WakeUps {
  readonly store = new Store<WakeUpState>({ phase: 'unknown' });
  readonly #account: Account;
  readonly #user: UserId;
  #key: string | undefined;

  constructor(account: Account, user: UserId) {
    this.#account = account;
    this.#user = user;
  }

  /**
   * Finds out how it is. Where it is on, the homeserver is told anew where: browsers change it now and then.
   * @throws HawserError where the homeserver cannot be reached or refuses
   */
  async look(): Promise<void> {
    if (!('serviceWorker' in navigator) || !('PushManager' in globalThis) || !('Notification' in globalThis)) {
      return this.store.set({ phase: 'impossible', by: 'browser' });
    }
    this.#key = (await this.#account.call({ method: 'GET', path: 'push', answer: PushOffer })).key;
    if (this.#key === undefined) return this.store.set({ phase: 'impossible', by: 'organisation' });
    const isChosen = readSettings().wakeUps === this.#user && Notification.permission === 'granted';
    if (isChosen) await this.#subscribe(this.#key);
    this.#tell(isChosen);
  }

  /**
   * To be called on a click: the browser asks the person.
   * @throws HawserError as `look`; DOMException where the push service of the browser cannot be reached
   */
  async switchOn(): Promise<void> {
    if (this.#key === undefined) return;
    const isAllowed = (await Notification.requestPermission()) === 'granted';
    if (isAllowed) {
      await this.#subscribe(this.#key);
      changeSettings({ wakeUps: this.#user });
    }
    this.#tell(isAllowed);
  }

  /** @throws HawserError as `look` */
  async switchOff(): Promise<void> {
    changeSettings({ wakeUps: undefined });
    const registration = await navigator.serviceWorker.getRegistration(SERVICE_WORKER);
    await (await registration?.pushManager.getSubscription())?.unsubscribe();
    await this.#account.call({ method: 'DELETE', path: PATH });
    this.#tell(false);
  }

  async #subscribe(key: string): Promise<void> {
    await navigator.serviceWorker.register(SERVICE_WORKER);
    const { pushManager } = await navigator.serviceWorker.ready;
    const known = await pushManager.getSubscription();
    const bound = known?.options.applicationServerKey;
    const isOurs = bound && toBase64Url(new Uint8Array(bound)) === key;
    // The homeserver has another key than before: what was bound to that one is of no use any more.
    if (known && !isOurs) await known.unsubscribe();
    const applicationServerKey = fromBase64Url(key) ?? null;
    const { endpoint } =
      known && isOurs ? known : await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    await this.#account.call({ method: 'PUT', path: PATH, body: { endpoint } });
  }

  #tell(isOn: boolean): void {
    this.store.set(isOn ? { phase: 'on' } : { phase: 'off', blocked: Notification.permission === 'denied' });
  }
}
