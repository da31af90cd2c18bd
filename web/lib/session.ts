/** What the page as a whole knows: who is signed in, his conversations, the call that is on the screen. */
import { Account } from '#client/account.ts';
import { BrowserCall, type CallOptions, type Entrance } from '#client/call.ts';
import type { MessageId } from '#client/content/message-id.ts';
import { setUpAnew } from '#client/device/anew.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { BrowserEngine } from '#client/media/browser/engine.ts';
import { Store } from '#client/store.ts';
import type { User } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, handleOf, userOfDevice } from '#signalling/ids.ts';
import { barrerOf, isPutOut } from '../call/moderation-words.ts';
import { announce } from './announce.ts';
import { Chat } from './chat.ts';
import { deviceNameOf } from './device-name.ts';
import { changeSettings, readSettings } from './settings.ts';
import { answerTabs, askForVault } from './tabs.ts';
import { closeVault, deleteVault, openVault } from './vault.ts';

export type Screen =
  | { readonly screen: 'loading' }
  | { readonly screen: 'signIn'; readonly failure?: Failure }
  /** This browser is made one of the person's devices, or found to be one. */
  | { readonly screen: 'settingUp' }
  /** It could not be: the failure says why, and the screen what to do. */
  | { readonly screen: 'noDevice'; readonly user: User; readonly failure: Failure }
  | { readonly screen: 'home'; readonly chat: Chat }
  | { readonly screen: 'call'; readonly chat: Chat; readonly call: BrowserCall };

/** What this browser has stored cannot be used any more, and will not be by itself. */
const LOST: readonly string[] = ['VAULT_DAMAGED', 'VAULT_GONE'];

const ENDED: Failure = {
  code: 'HOME_UNAUTHENTICATED',
  sentence:
    'You were signed out here: this device was removed, or the password changed, on another device or by an administrator. If that was not you, change your password.',
  retry: true,
};

/** The address of the page of administrators; everything else is at `/`. */
export const ADMIN_PATH = '/admin';

/** What stands beside the list. */
export type Place =
  | { readonly at: 'nothing' }
  | {
      readonly at: 'conversation';
      readonly conversation: ConversationId;
      /** Where one comes from a search: the message that was found. */
      readonly message?: MessageId;
    }
  | { readonly at: 'account' }
  | { readonly at: 'devices' }
  | { readonly at: 'people' }
  | { readonly at: 'calls' }
  /** Other organisations, for administrators. */
  | { readonly at: 'admin' };

export class PageSession {
  readonly account = new Account();
  readonly store = new Store<Screen>({ screen: 'loading' });
  /** One comes back to it after a call. */
  readonly place = new Store<Place>({ at: 'nothing' });
  /** Why the last call ended, shown on the page to which one comes back. */
  readonly callEnded = new Store<Failure | undefined>(undefined);
  /** What failed without a person having asked for it, newest last; for looking inside. */
  readonly faults: string[] = [];
  #stopAnswering = () => {};
  #isLeaving = false;

  async begin(): Promise<void> {
    this.account.store.subscribe((account) => {
      changeSettings({ signedIn: account.phase === 'signedIn' });
      if (account.phase === 'signedIn') void this.#enter(account.user);
      else if (account.phase === 'signedOut') this.#exit(this.#isLeaving ? undefined : this.#ended);
    });
    if (!readSettings().signedIn) return this.#exit();
    try {
      await this.account.resume();
    } catch (error) {
      this.#exit(failureOf(error));
    }
  }

  async signOut(): Promise<void> {
    this.#isLeaving = true;
    // Without a connection this page forgets who was here all the same.
    await this.account.signOut().catch(() => undefined);
    this.#isLeaving = false;
  }

  /**
   * Deletes the account, and what this browser keeps of it.
   * @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN
   */
  async removeAccount(password: string): Promise<void> {
    const { state } = this.account.store;
    if (state.phase !== 'signedIn') return;
    this.#isLeaving = true;
    try {
      await this.account.remove(password);
    } finally {
      this.#isLeaving = false;
    }
    changeSettings({ device: undefined, wakeUps: undefined });
    announce('Your account is deleted');
    // Nobody can read it any more, so it is in nobody's way should this fail.
    await deleteVault(state.user.user).catch((error: unknown) => this.faults.push(failureOf(error).code));
  }

  /** Takes over from the tab in which Hawser is open. */
  async useHere(): Promise<void> {
    const current = this.store.state;
    if (current.screen !== 'noDevice') return;
    askForVault(current.user.user);
    await this.#enter(current.user, true);
  }

  /** Tries to set this browser up as a device once more. */
  async setUpAgain(): Promise<void> {
    const current = this.store.state;
    if (current.screen === 'noDevice') await this.#enter(current.user);
  }

  /**
   * Makes this browser a new device in the place of the one that it was, of which nothing stays.
   * @param password signs in again, where the session is still that of the old device
   * @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN and as `setUpAnew` of the SDK
   */
  async setUpAnew(password?: string): Promise<void> {
    const current = this.store.state;
    if (current.screen !== 'noDevice') return;
    const { user } = current.user;
    const { account } = this;
    if (password !== undefined) await account.signIn(handleOf(user), password);
    const { device: was } = readSettings();
    await setUpAnew({
      account,
      was: was !== undefined && userOfDevice(was) === user ? was : undefined,
      deleteVault: () => deleteVault(user),
      openVault: () => openVault(user),
      name: deviceNameOf(navigator.userAgent),
    });
    await this.#enter(current.user);
  }

  /** Joins the call of a conversation, or starts one. */
  enterCall(conversation: ConversationId, entrance: Entrance): void {
    const current = this.store.state;
    if (current.screen !== 'home') return;
    const { chat } = current;
    const { messenger } = chat;
    const settings = readSettings();
    const devices: CallOptions['devices'] = {
      camera: { on: settings.camera, ...(settings.cameraId && { id: settings.cameraId }) },
      microphone: { on: settings.microphone, ...(settings.microphoneId && { id: settings.microphoneId }) },
    };
    this.callEnded.set(undefined);
    this.place.set({ at: 'conversation', conversation });
    let call: BrowserCall;
    try {
      call = new BrowserCall({ messenger, conversation, devices, entrance, cameraCodec: settings.cameraCodec });
    } catch (error) {
      // A browser that cannot encrypt: nobody joins without.
      this.callEnded.set(failureOf(error));
      return;
    }
    const stop = call.conference.store.subscribe((state) => {
      if (state.phase !== 'left') return;
      stop();
      call.close();
      this.callEnded.set(state.reason);
      if (state.reason && isPutOut(state.reason)) void this.#untilLetIn(chat, conversation);
      if (this.store.state.screen === 'call') this.store.set({ screen: 'home', chat });
    });
    void call.begin(devices);
    this.store.set({ screen: 'call', chat, call });
  }

  /** Who was put out and is let in again is not told any longer to ask for it. */
  async #untilLetIn({ home, me }: Chat, id: ConversationId): Promise<void> {
    const isOut = ({ conversations }: typeof home.store.state) =>
      barrerOf(
        conversations.find(({ conversation }) => conversation === id),
        me.user,
      ) !== undefined;
    const replaced = new AbortController();
    const stop = this.callEnded.subscribe(() => replaced.abort());
    try {
      await home.store.when(isOut, replaced.signal);
      await home.store.when((state) => !isOut(state), replaced.signal);
    } catch {
      // Another word stands there, or none.
      return;
    } finally {
      stop();
    }
    this.callEnded.set(undefined);
    announce('You may join the call again.');
  }

  async #enter(user: User, patient = false): Promise<void> {
    const { screen } = this.store.state;
    if (screen === 'home' || screen === 'call' || screen === 'settingUp') return;
    this.store.set({ screen: 'settingUp' });
    const onFault = (error: unknown) => {
      const failure = failureOf(error);
      this.faults.push(failure.code);
      if (LOST.includes(failure.code)) this.#lose(user, failure);
    };
    try {
      const chat = await Chat.open(this.account, user, onFault, patient);
      // Signed out meanwhile.
      if (!this.#isSettingUp) return chat.close();
      changeSettings({ device: chat.messenger.device.id });
      this.#stopAnswering = answerTabs(user.user, () => void this.#give(user).catch(onFault));
      if (user.administrator && location.pathname === ADMIN_PATH) this.place.set({ at: 'admin' });
      this.store.set({ screen: 'home', chat });
    } catch (error) {
      // Whatever failed, another tab may try with it.
      await closeVault(user.user).catch(() => undefined);
      if (this.#isSettingUp) this.store.set({ screen: 'noDevice', user, failure: failureOf(error) });
      return;
    }
    void BrowserEngine.prewarm().catch((error: unknown) => this.callEnded.set(failureOf(error)));
  }

  /** What the browser kept turns out to be lost in the middle of everything: nothing of it can be relied on. */
  #lose(user: User, failure: Failure): void {
    const { state } = this.store;
    if (state.screen !== 'home' && state.screen !== 'call') return;
    if (state.screen === 'call') state.call.close();
    state.chat.close();
    this.store.set({ screen: 'noDevice', user, failure });
  }

  /** Another tab goes on with what this one has; a call that is on here ends. */
  async #give(user: User): Promise<void> {
    this.#stopAnswering();
    this.#lose(user, failureOf(new HawserError('VAULT_IN_USE')));
    await closeVault(user.user);
  }

  /** Where the session of somebody who was here ended without him. */
  get #ended(): Failure | undefined {
    const { screen } = this.store.state;
    return screen === 'loading' || screen === 'signIn' ? undefined : ENDED;
  }

  get #isSettingUp(): boolean {
    return this.store.state.screen === 'settingUp';
  }

  #exit(failure?: Failure): void {
    const current = this.store.state;
    this.store.set({ screen: 'signIn', ...(failure && { failure }) });
    this.place.set({ at: 'nothing' });
    if (current.screen === 'call') current.call.close();
    if (current.screen !== 'home' && current.screen !== 'call') return;
    this.#stopAnswering();
    current.chat.close();
    // Somebody else may sign in, or the same person in another tab.
    void closeVault(current.chat.me.user).catch((error: unknown) => this.faults.push(failureOf(error).code));
  }
}
