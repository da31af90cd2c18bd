/** Word to the owner of an account of what somebody else may have done to it. */
import type { Device } from '#signalling/devices.ts';
import type { UserId } from '#signalling/ids.ts';
import { addressFor } from '../as/accounts.ts';
import type { Sessions } from '../as/sessions.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import { newDevice, signedIn } from './letters.ts';
import type { Postman } from './postman.ts';

/**
 * Of a new device, the first one too: an account that an administrator made may have been found by somebody else before its
 * owner. In the transaction that makes the device; a full queue keeps nobody from signing in.
 * @param mail undefined where the site names no mail server
 */
export async function alertOf(tx: Db, mail: Postman | undefined, user: UserId, device: Device): Promise<void> {
  const email = mail && (await addressFor(tx, user));
  if (!email) return;
  const { name, lastAddress: address, createdAt: at } = device;
  await mail.enqueue(tx, { to: email, letter: newDevice(mail.sender, user, { name, address, at }), owner: user });
}

export interface SignInAlertsOptions {
  readonly store: Store;
  readonly world: World;
  readonly sessions: Sessions;
  /** Undefined where the site names no mail server. */
  readonly mail: Postman | undefined;
}

/** A page has made its device long before; whoever has eight already takes a while to choose which one goes. ms */
const SET_UP_MS = 10 * 60_000;
/** One e-mail for all that somebody tries in this time, ms. */
const AGAIN_MS = 3_600_000;

/** Of somebody who signed in and made no device: who only wants to look around would make none, and nobody would hear of it. */
export class SignInAlerts {
  readonly #options: SignInAlertsOptions;
  readonly #told = new Map<UserId, number>();
  /** What began up to this time was looked at, ms since 1970. */
  #upTo: number;

  constructor(options: SignInAlertsOptions) {
    this.#options = options;
    this.#upTo = options.world.now() - SET_UP_MS;
  }

  /** To be called every minute. */
  async sweep(): Promise<void> {
    const { store, world, sessions, mail } = this.#options;
    if (!mail) return;
    const now = world.now();
    for (const [user, at] of this.#told) if (now - at >= AGAIN_MS) this.#told.delete(user);
    const began = await sessions.withoutDevice(this.#upTo, now - SET_UP_MS);
    this.#upTo = now - SET_UP_MS;
    for (const { user, at } of began) {
      if (this.#told.has(user)) continue;
      this.#told.set(user, now);
      await store.transaction(async (tx) => {
        const email = await addressFor(tx, user);
        if (email) await mail.enqueue(tx, { to: email, letter: signedIn(mail.sender, user, at), owner: user });
      });
    }
    if (began.length > 0) mail.wake();
  }
}
