/** What the page as a whole knows: who is signed in, the homeserver's view, the call that is on the screen. */
import { Account } from '#client/account.ts';
import { BrowserCall, type CallOptions } from '#client/call.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { Home } from '#client/home.ts';
import { BrowserEngine } from '#client/media/browser/engine.ts';
import { Store } from '#client/store.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { changeSettings, readSettings } from './settings.ts';

export type Screen =
  | { readonly screen: 'loading' }
  | { readonly screen: 'signIn'; readonly failure?: Failure }
  | { readonly screen: 'home'; readonly home: Home }
  | { readonly screen: 'call'; readonly home: Home; readonly call: BrowserCall };

export class PageSession {
  readonly account = new Account();
  readonly store = new Store<Screen>({ screen: 'loading' });
  /** The conversation that is open beside the list; one comes back to it after a call. */
  readonly selected = new Store<ConversationId | undefined>(undefined);
  /** Why the last call ended, shown on the page to which one comes back. */
  readonly callEnded = new Store<Failure | undefined>(undefined);

  async begin(): Promise<void> {
    this.account.store.subscribe((account) => {
      changeSettings({ signedIn: account.phase === 'signedIn' });
      if (account.phase === 'signedIn') this.#enter();
      else if (account.phase === 'signedOut') this.#exit();
    });
    if (!readSettings().signedIn) return this.#exit();
    try {
      await this.account.resume();
    } catch (error) {
      this.#exit(failureOf(error));
    }
  }

  /** Joins the call of a conversation, or starts one. */
  enterCall(conversation: ConversationId, start: boolean): void {
    const current = this.store.state;
    if (current.screen !== 'home') return;
    const { home } = current;
    const settings = readSettings();
    const devices: CallOptions['devices'] = {
      camera: { on: settings.camera, ...(settings.cameraId && { id: settings.cameraId }) },
      microphone: { on: settings.microphone, ...(settings.microphoneId && { id: settings.microphoneId }) },
    };
    this.callEnded.set(undefined);
    this.selected.set(conversation);
    const call = new BrowserCall({ home, conversation, devices, start, cameraCodec: settings.cameraCodec });
    const stop = call.conference.store.subscribe((state) => {
      if (state.phase !== 'left') return;
      stop();
      call.close();
      this.callEnded.set(state.reason);
      if (this.store.state.screen === 'call') this.store.set({ screen: 'home', home });
    });
    void call.begin(devices);
    this.store.set({ screen: 'call', home, call });
  }

  #enter(): void {
    const { screen } = this.store.state;
    if (screen === 'home' || screen === 'call') return;
    this.store.set({ screen: 'home', home: new Home({ account: this.account }) });
    void BrowserEngine.prewarm().catch((error: unknown) => this.callEnded.set(failureOf(error)));
  }

  #exit(failure?: Failure): void {
    const current = this.store.state;
    this.store.set({ screen: 'signIn', ...(failure && { failure }) });
    this.selected.set(undefined);
    if (current.screen === 'call') current.call.close();
    if (current.screen === 'home' || current.screen === 'call') current.home.close();
  }
}
