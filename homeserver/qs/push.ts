/**
 * Wakes devices that are not connected when something comes that a person would want to know of: a message, a call. A wake-up
 * says nothing, not even from whom; the browser connects and finds out by itself. It may get lost, as what it is about waits in
 * the queue in any case: therefore all that is written down is where devices are woken.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DeviceId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { PushOffer } from '#signalling/push.ts';
import { backoffMs } from '../federation/backoff.ts';
import type { Db } from '../store/store.ts';
import type { World } from '../world.ts';
import type { Outcome, SendPush, Why } from './push-sender.ts';
import * as table from './push-table.ts';
import type { Audience } from './queue-table.ts';

export interface PushOptions {
  readonly db: Db;
  readonly world: World;
  /** Base64url of the public key that wake-ups are signed with. */
  readonly key: string;
  /** Names of the push services that are used; what is below a name is too. None switches all of it off. */
  readonly services: readonly string[];
  readonly send: SendPush;
  readonly isConnected: (device: DeviceId) => boolean;
  readonly onSent: (outcome: Outcome['kind']) => void;
  readonly onFault: (error: unknown) => void;
}

interface Waiting {
  readonly why: Why;
  readonly failures: number;
  /** Not sent before this time, and of no use after that one. ms since 1970 */
  readonly from: number;
  readonly until: number;
}

/** A device is woken for messages once in this time: the browser shows one notice, however many came. */
const AGAIN_MS = 60_000;
const USEFUL_MS: Readonly<Record<Why, number>> = { message: 24 * 3_600_000, call: 60_000 };
/** Requests to push services at a time. */
const AT_ONCE = 32;

export class Push {
  readonly #options: PushOptions;
  readonly #waiting = new Map<DeviceId, Waiting>();
  readonly #sending = new Map<DeviceId, Promise<void>>();
  /** Whether something that could go waits for others to be done. */
  #isFull = false;
  /** When a device was woken for a message, ms since 1970. */
  readonly #woken = new Map<DeviceId, number>();
  /** Audiences to which something was said, and by whom. */
  #said = new Map<Audience, Set<UserId>>();
  #work: Promise<void> | undefined;
  /** Whether any device can be woken: where none can, a message costs nothing here. */
  #hasTargets = false;
  #closed = false;

  private constructor(options: PushOptions) {
    this.#options = options;
  }

  static async open(options: PushOptions): Promise<Push> {
    const push = new Push(options);
    push.#hasTargets = await table.hasTargets(options.db);
    return push;
  }

  get isOn(): boolean {
    return this.#options.services.length > 0;
  }

  offer(): PushOffer {
    return this.isOn ? { key: this.#options.key } : {};
  }

  /** @throws HawserError HOME_PUSH_OFF, HOME_PUSH_SERVICE */
  async subscribe(target: table.NewTarget): Promise<void> {
    const { db, world, services } = this.#options;
    if (!this.isOn) throw new HawserError('HOME_PUSH_OFF');
    const { hostname } = new URL(target.endpoint);
    const isUsed = services.some((service) => hostname === service || hostname.endsWith(`.${service}`));
    if (!isUsed) throw new HawserError('HOME_PUSH_SERVICE', hostname);
    await table.setTarget(db, target, world.now());
    this.#hasTargets = true;
  }

  async unsubscribe(device: DeviceId): Promise<void> {
    await table.dropTarget(this.#options.db, device);
  }

  /** Somebody said something to an audience that whoever is in it should hear of. */
  said(audience: Audience, sender: DeviceId | undefined): void {
    if (!this.#isWorking) return;
    const senders = this.#said.get(audience) ?? new Set();
    if (sender) senders.add(userOfDevice(sender));
    this.#said.set(audience, senders);
    // One look for all that is said while one goes on.
    this.#work ??= this.#findAudiences()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** Somebody is called. */
  async ring(user: UserId): Promise<void> {
    if (!this.#isWorking) return;
    for (const device of await table.wakeableOf(this.#options.db, user)) this.#want(device, 'call');
    this.#begin();
  }

  /** Wakes a device as soon as that is of use, where it is not connected then. */
  wake(device: DeviceId, why: Why): void {
    if (!this.#isWorking) return;
    this.#want(device, why);
    this.#begin();
  }

  /** Sends what had to wait. To be called every second. */
  sweep(): void {
    const now = this.#options.world.now();
    for (const [device, at] of this.#woken) if (now - at >= AGAIN_MS) this.#woken.delete(device);
    this.#begin();
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#work || this.#sending.size > 0) {
      await this.#work;
      await Promise.all(this.#sending.values());
    }
  }

  /** Gives up what waits, and resolves when what was begun is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    await this.idle();
  }

  get #isWorking(): boolean {
    return this.isOn && this.#hasTargets && !this.#closed;
  }

  async #findAudiences(): Promise<void> {
    while (this.#said.size > 0 && !this.#closed) {
      const said = this.#said;
      this.#said = new Map();
      for (const [audience, senders] of said) {
        for (const { device, user } of await table.wakeableIn(this.#options.db, audience)) {
          // What one said on another device is no news to him.
          const isOwn = senders.size === 1 && senders.has(user);
          if (!isOwn) this.#want(device, 'message');
        }
      }
      this.#begin();
    }
  }

  #want(device: DeviceId, why: Why): void {
    const now = this.#options.world.now();
    const before = this.#waiting.get(device);
    if (before?.why === 'call' && before.until > now) return;
    const pause = (this.#woken.get(device) ?? Number.NEGATIVE_INFINITY) + AGAIN_MS;
    const from = why === 'call' ? now : Math.max(now, pause, before?.from ?? 0);
    this.#waiting.set(device, { why, failures: before?.failures ?? 0, from, until: now + USEFUL_MS[why] });
  }

  #begin(): void {
    const now = this.#options.world.now();
    this.#isFull = false;
    for (const [device, waiting] of this.#waiting) {
      if (this.#sending.size >= AT_ONCE) {
        this.#isFull = true;
        return;
      }
      if (waiting.from > now || this.#sending.has(device)) continue;
      this.#waiting.delete(device);
      if (waiting.until <= now) continue;
      const sending = this.#send(device, waiting)
        .catch(this.#options.onFault)
        .finally(() => {
          this.#sending.delete(device);
          if (this.#isFull) this.#begin();
        });
      this.#sending.set(device, sending);
    }
  }

  async #send(device: DeviceId, waiting: Waiting): Promise<void> {
    const { db, world, send, isConnected, onSent } = this.#options;
    const endpoint = await table.targetOf(db, device);
    if (endpoint === undefined || this.#closed || isConnected(device)) return;
    if (waiting.why === 'message') this.#woken.set(device, world.now());
    const outcome = await send(endpoint, waiting.why);
    onSent(outcome.kind);
    if (outcome.kind === 'gone') return table.dropTarget(db, device, endpoint);
    if (outcome.kind === 'taken' || this.#closed) return;
    const failures = waiting.failures + 1;
    const pause = Math.max(backoffMs(failures, (world.random(1)[0] ?? 0) / 255), outcome.afterMs ?? 0);
    this.#woken.delete(device);
    // What came meanwhile waits for as long: the service is the same.
    const next = this.#waiting.get(device) ?? waiting;
    this.#waiting.set(device, { ...next, failures, from: world.now() + pause });
  }
}
