/** Everything of one person that the page shows and that is no call. */
import type { Account } from '#client/account.ts';
import { Connections } from '#client/connections.ts';
import type { Verification } from '#client/device/verification.ts';
import { IncomingFiles } from '#client/files/incoming-files.ts';
import { OutgoingFiles } from '#client/files/outgoing-files.ts';
import { previewOf } from '#client/files/preview.ts';
import { Following } from '#client/following.ts';
import type { Home } from '#client/home.ts';
import { UnsentTexts } from '#client/messages/unsent.ts';
import { Messenger } from '#client/messenger.ts';
import type { User } from '#signalling/client-home.ts';
import { deviceNameOf } from './device-name.ts';
import { openVault } from './vault.ts';
import { WakeUps } from './wake-ups.ts';

interface Parts {
  readonly me: User;
  readonly messenger: Messenger;
  readonly following: Following;
  readonly unsent: UnsentTexts;
  readonly wakeUps: WakeUps;
  readonly connections: Connections;
  readonly outgoing: OutgoingFiles;
  readonly incoming: IncomingFiles;
}

export class Chat implements Parts {
  readonly me: User;
  readonly messenger: Messenger;
  readonly following: Following;
  readonly unsent: UnsentTexts;
  readonly wakeUps: WakeUps;
  readonly connections: Connections;
  /** Files on their way out, and those of messages. */
  readonly outgoing: OutgoingFiles;
  readonly incoming: IncomingFiles;
  readonly #stopHolding: () => void;

  private constructor(parts: Parts) {
    this.me = parts.me;
    this.messenger = parts.messenger;
    this.following = parts.following;
    this.unsent = parts.unsent;
    this.wakeUps = parts.wakeUps;
    this.connections = parts.connections;
    this.outgoing = parts.outgoing;
    this.incoming = parts.incoming;
    this.#stopHolding = holdPage(this.outgoing);
  }

  /** Sets this browser up as a device where it is none yet. @param patient as for `openVault` @throws as `Messenger.open` */
  static async open(account: Account, me: User, onFault: (error: unknown) => void, patient = false): Promise<Chat> {
    const vault = await openVault(me.user, patient);
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
    return new Chat({
      me,
      messenger,
      following,
      unsent: new UnsentTexts(vault),
      wakeUps,
      connections: new Connections(account, messenger.home),
      outgoing: new OutgoingFiles({ account, messenger, preview: previewOf }),
      incoming: new IncomingFiles(account),
    });
  }

  get verification(): Verification {
    return this.messenger.verification;
  }

  get home(): Home {
    return this.messenger.home;
  }

  close(): void {
    this.#stopHolding();
    this.outgoing.close();
    this.incoming.close();
    this.connections[Symbol.dispose]();
    this.following.close();
    this.messenger.close();
  }
}

/** Whoever closes the page while files are on their way is asked first. Returns what ends it. */
function holdPage({ store }: OutgoingFiles): () => void {
  const ask = (event: BeforeUnloadEvent) => {
    if (store.state.length > 0) event.preventDefault();
  };
  addEventListener('beforeunload', ask);
  return () => removeEventListener('beforeunload', ask);
}
