/** What the page of a guest knows: who invites, the call that he waits for or is in, and how it ended. Nothing of it outlives the page. */
import { Account } from '#client/account.ts';
import { BrowserCall, type CallOptions } from '#client/call.ts';
import { guestTokenIn, lookAtGuestLink } from '#client/calls/guests.ts';
import { DeviceError, type Failure, failureOf } from '#client/failure.ts';
import type { Home } from '#client/home.ts';
import { Messenger } from '#client/messenger.ts';
import { Store } from '#client/store.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { GuestInvitation } from '#signalling/guests.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { putOutInWords } from '../call/moderation-words.ts';
import { deviceNameOf } from '../lib/device-name.ts';
import { readSettings } from '../lib/settings.ts';

export type GuestScreen =
  | { readonly screen: 'loading' }
  /** There is no way in by this link, or with this browser. */
  | { readonly screen: 'closed'; readonly failure: Failure }
  | { readonly screen: 'name'; readonly invitation: GuestInvitation }
  | { readonly screen: 'call'; readonly home: Home; readonly call: BrowserCall }
  /** `reason` where it was not he who left. */
  | { readonly screen: 'left'; readonly reason: Failure | undefined };

/** A guest is let in with the key package that he brings himself; nobody adds him while he is away. */
const KEY_PACKAGES = 1;
/** How long a guest who was put out waits to be told by whom, ms. */
const TOLD_MS = 3_000;

export class GuestSession {
  readonly account = new Account();
  readonly store = new Store<GuestScreen>({ screen: 'loading' });
  /** Codes of what failed without a person having asked for it, newest last; for looking inside. */
  readonly faults: string[] = [];
  #token = '';

  async begin(): Promise<void> {
    try {
      const token = guestTokenIn(location.hash);
      if (token === undefined) throw new HawserError('HOME_GUEST_LINK_REFUSED');
      // Nobody joins without encryption, and nobody is to wait first to be told so.
      if (typeof RTCRtpScriptTransform === 'undefined') throw new DeviceError('BROWSER_UNSUPPORTED');
      this.#token = token;
      this.store.set({ screen: 'name', invitation: await lookAtGuestLink('', token) });
    } catch (error) {
      this.store.set({ screen: 'closed', failure: failureOf(error) });
    }
  }

  /** Knocks at the call under a name. @throws HawserError as `Account.comeAsGuest` */
  async enter(name: string): Promise<void> {
    if (this.store.state.screen !== 'name') return;
    const { account } = this;
    await account.comeAsGuest(this.#token, name);
    const messenger = await Messenger.open({
      ...{
        account,
        vault: new MemoryVault(),
        deviceName: deviceNameOf(navigator.userAgent),
        keyPackages: KEY_PACKAGES,
      },
      onFault: (error) => void this.faults.push(failureOf(error).code),
    });
    const { home } = messenger;
    const { conversations } = await home.store.when(({ ready }) => ready);
    const [conversation] = conversations;
    if (!conversation) {
      messenger.close();
      throw new HawserError('HOME_GUEST_LINK_REFUSED');
    }
    this.#visit(messenger, conversation);
  }

  #visit(messenger: Messenger, { conversation }: Conversation): void {
    const { home } = messenger;
    const settings = readSettings();
    const devices: CallOptions['devices'] = {
      camera: { on: settings.camera, ...(settings.cameraId && { id: settings.cameraId }) },
      microphone: { on: settings.microphone, ...(settings.microphoneId && { id: settings.microphoneId }) },
    };
    const { cameraCodec } = settings;
    const call = new BrowserCall({ messenger, conversation, devices, entrance: 'visit', cameraCodec });
    const stop = call.conference.store.subscribe((state) => {
      if (state.phase !== 'left') return;
      stop();
      call.close();
      void this.#left(messenger, conversation, state.reason);
    });
    void call.begin(devices);
    this.store.set({ screen: 'call', home, call });
  }

  /** Says how the call ended, by whom where he was put out, and leaves nothing of him at the homeserver. */
  async #left(messenger: Messenger, id: ConversationId, reason: Failure | undefined): Promise<void> {
    const { home, device } = messenger;
    const look = () => {
      const conversation = home.store.state.conversations.find((each) => each.conversation === id);
      const said = reason && putOutInWords(reason, conversation, device.user);
      this.store.set({ screen: 'left', reason: said });
      return said !== reason;
    };
    // The media server may be quicker to put somebody out than the homeserver to say who did it.
    if (!look() && reason?.code === 'SFT_REMOVED')
      await home.store.when(look, AbortSignal.timeout(TOLD_MS)).catch(() => undefined);
    messenger.close();
    // Where the call is over he is gone already.
    await this.account.signOut().catch(() => undefined);
  }
}
