/** Everything of one person that the page shows and that is no call. */
import type { Account } from '#client/account.ts';
import type { Verification } from '#client/device/verification.ts';
import { Following } from '#client/following.ts';
import type { Home } from '#client/home.ts';
import { UnsentTexts } from '#client/messages/unsent.ts';
import { Messenger } from '#client/messenger.ts';
import type { User } from '#signalling/client-home.ts';
import { deviceNameOf } from './device-name.ts';
import { openVault } from './vault.ts';
import { WakeUps } from './wake-ups.ts';

export class Chat {
  readonly me: User;
  readonly messenger: Messenger;
  readonly following: Following;
  readonly unsent: UnsentTexts;
  readonly wakeUps: WakeUps;

  private constructor(parts: Pick<Chat, 'me' | 'messenger' | 'following' | 'unsent' | 'wakeUps'>) {
    this.me = parts.me;
    this.messenger = parts.messenger;
    this.following = parts.following;
    this.unsent = parts.unsent;
    this.wakeUps = parts.wakeUps;
  }

  /** Sets this browser up as a device where it is none yet. @throws as `Messenger.open` */
  static async open(account: Account, me: User, onFault: (error: unknown) => void): Promise<Chat> {
    const vault = await openVault(me.user);
    const deviceName = deviceNameOf(navigator.userAgent);
    const messenger = await Messenger.open({ account, vault, deviceName, onFault });
    const following = new Following(messenger, onFault);
    // Also after a time without a connection: a device that was added then was told to nobody here.
    let wasConnected = false;
    messenger.home.store.subscribe(({ connected }) => {
      if (connected && !wasConnected) messenger.devices.refresh().catch(onFault);
      wasConnected = connected;
    });
    messenger.devices.refresh().catch(onFault);
    const wakeUps = new WakeUps(account, me.user);
    wakeUps.look().catch(onFault);
    return new Chat({ me, messenger, following, unsent: new UnsentTexts(vault), wakeUps });
  }

  get verification(): Verification {
    return this.messenger.verification;
  }

  get home(): Home {
    return this.messenger.home;
  }

  close(): void {
    this.following.close();
    this.messenger.close();
  }
}
