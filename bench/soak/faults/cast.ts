/**
 * The people of some schedules and their devices. The same ones play a few schedules, one after the other, each in conversations of its own:
 * to make accounts and devices would be most of the work. Not for ever, so that what one schedule leaves does not reach far.
 */
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Gathering } from './gathering.ts';
import { Recorder } from './recorder.ts';
import type { Person } from './schedule.ts';
import { Seat } from './seat.ts';

/** How many schedules the same people play. */
const SCHEDULES_OF_ONE = 6;

export class Cast implements Disposable {
  readonly #seats = new Map<string, Seat>();
  readonly #users = new Map<string, UserId>();
  #left = SCHEDULES_OF_ONE;

  private constructor(people: readonly Person[], gathering: Gathering) {
    // Other people than those before, at the same homeservers.
    const suffix = Date.now().toString(36);
    const recorder = new Recorder();
    for (const { label, domain, devices } of people) {
      const home = gathering.home(domain);
      for (const device of devices) {
        const options = { label: device, person: label, url: home.url, handle: `${label}-${suffix}`, recorder };
        this.#seats.set(device, new Seat({ ...options, onTicket: (ticket) => home.join(ticket) }));
      }
    }
  }

  /** Makes their accounts, and all their devices come. */
  static async of(people: readonly Person[], gathering: Gathering, signal: AbortSignal): Promise<Cast> {
    const cast = new Cast(people, gathering);
    try {
      await Promise.all(people.map((person) => cast.#come(person, gathering, signal)));
      return cast;
    } catch (error) {
      cast[Symbol.dispose]();
      throw error;
    }
  }

  get seats(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  /** They begin with a schedule. @returns whether it is one more than they should play: then it is for others */
  begin(recorder: Recorder): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    for (const seat of this.#seats.values()) seat.begin(recorder);
    return true;
  }

  seat(label: string | undefined): Seat {
    const seat = this.#seats.get(label ?? '');
    if (!seat) throw new RangeError(`no device ${label}`);
    return seat;
  }

  userOf(person: string): UserId {
    const user = this.#users.get(person);
    if (user === undefined) throw new RangeError(`nobody ${person}`);
    return user;
  }

  /** Those of some people. */
  seatsOf(people: readonly string[]): Seat[] {
    return this.seats.filter(({ person }) => people.includes(person));
  }

  /** All of them note from now on what is said in a conversation. */
  async watch(room: ConversationId): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.watch(room)));
  }

  [Symbol.dispose](): void {
    for (const seat of this.#seats.values()) seat.go();
  }

  async #come({ domain, devices }: Person, gathering: Gathering, signal: AbortSignal): Promise<void> {
    const first = this.seat(devices[0]);
    await gathering.home(domain).createAccount(first.handle);
    for (const device of devices) await this.seat(device).come(signal);
    this.#users.set(first.person, first.user);
  }
}
