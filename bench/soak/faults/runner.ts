/** One schedule on real homeservers and real clients: gathers the people, lets everything happen, heals, waits, and compares. */
import { setTimeout as wait } from 'node:timers/promises';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing-until.ts';
import type { Cast } from './cast.ts';
import { type Evidence, type Finding, findingsIn, type Room, type View } from './checker.ts';
import type { Gathering } from './gathering.ts';
import type { Recorder } from './recorder.ts';
import type { Act, Fault, Schedule } from './schedule.ts';
import type { Seat } from './seat.ts';

export interface Outcome {
  readonly seed: number;
  readonly accepted: number;
  readonly findings: readonly Finding[];
  /** What failed without a code. */
  readonly faults: readonly string[];
  /** What went wrong on devices with a code, and was tried again. */
  readonly troubles: readonly string[];
  /** How often people were refused something, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly evidence: Evidence;
  /** From the healing until all was quiet, ms. */
  readonly quietMs: number;
}

type MadeRoom = Room & { readonly id: ConversationId };

/** People could not be brought together: no word about what was to be tested. */
export class GatherError extends Error {
  override readonly name = 'GatherError';
}

const GATHER_MS = 30_000;
/** How long nothing may change in the end while something is missing, ms: longer than the first pauses after failures. */
const STILL_MS = 15_000;
/** All in all, ms: whoever is not done then, though something moves all the time, never will be. A busy machine takes its time. */
const QUIET_MS = 180_000;
/** Acts that take longer are given up, ms. */
const ACT_MS = 20_000;
const LOOK_MS = 300;
const AGAIN_MS = 50;

/** Those who play a schedule, and where. */
export interface Players {
  readonly gathering: Gathering;
  /** It has begun with it, and its recorder is this one. */
  readonly cast: Cast;
  readonly recorder: Recorder;
}

/** @throws GatherError; the reason of the signal */
export async function runSchedule(schedule: Schedule, players: Players, signal: AbortSignal): Promise<Outcome> {
  const run = new Run(schedule, players, signal);
  try {
    await run.gather().catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new GatherError(cause instanceof Error ? cause.message : String(cause), { cause });
    });
    return await run.play();
  } finally {
    run.close();
  }
}

class Run {
  readonly #schedule: Schedule;
  readonly #gathering: Gathering;
  readonly #cast: Cast;
  readonly #signal: AbortSignal;
  readonly #recorder: Recorder;
  readonly #rooms: MadeRoom[] = [];

  constructor(schedule: Schedule, { gathering, cast, recorder }: Players, signal: AbortSignal) {
    this.#schedule = schedule;
    this.#gathering = gathering;
    this.#cast = cast;
    this.#recorder = recorder;
    this.#signal = signal;
  }

  /** Rooms, and everybody in them who is to be in them. */
  async gather(): Promise<void> {
    const made = this.#schedule.rooms.map(async ({ title, people, talks }) => {
      const [maker = '', second = ''] = people;
      const { messenger } = this.#cast.seat(`${maker}-1`);
      const users = people.filter((each) => each !== maker).map((each) => this.#cast.userOf(each));
      const { conversation: id } = await messenger.create(title, users);
      this.#recorder.rooms.push(id);
      await messenger.changeRole(id, this.#cast.userOf(second), 'admin');
      await this.#cast.watch(id);
      return { id, talks, keepers: [maker, second], initial: people };
    });
    this.#rooms.push(...(await Promise.all(made)));
    await Promise.all(this.#rooms.map((room) => this.#allIn(room)));
  }

  /** Resolves when everybody is in a room, and has the same epoch and the same list. */
  async #allIn({ id, talks, initial, keepers }: MadeRoom): Promise<void> {
    const inside = this.#cast.seatsOf(initial);
    await Promise.all(inside.map((seat) => (talks ? seat.join(id) : seat.listed(id))));
    const isSame = async () => {
      const groups = talks ? await Promise.all(inside.map((seat) => seat.group(id))) : [];
      const epochs = new Set(groups.map((group) => group?.epoch));
      const isFull = groups.every((group) => group?.members.length === inside.length);
      const isAdmin = (seat: Seat) =>
        seat
          .find(id)
          ?.members.some(({ user, role }) => user === this.#cast.userOf(keepers[1] ?? '') && role === 'admin');
      if (epochs.size <= 1 && isFull && inside.every(isAdmin)) return true;
      await wait(AGAIN_MS, undefined, { signal: this.#signal });
      return false;
    };
    await until(isSame, `all are in ${id}`, GATHER_MS);
  }

  async play(): Promise<Outcome> {
    const { acts, faults, lengthMs } = this.#schedule;
    const began = performance.now();
    const at = async (ms: number) =>
      wait(Math.max(0, began + ms - performance.now()), undefined, { signal: this.#signal });
    const acting = Promise.all(
      acts.map(async (act) => {
        await at(act.at);
        await this.#act(act);
      }),
    );
    // Where all is stopped meanwhile, it is not waited for.
    acting.catch(() => undefined);
    const failing = faults.map(async (fault) => {
      await at(fault.at);
      await this.#fail(fault, () => at(fault.at + fault.lastsMs));
    });
    await Promise.all([...failing, at(lengthMs)]);
    await this.#gathering.heal();
    for (const seat of this.#cast.seats) {
      seat.setClock(0);
      if (!seat.isThere) await seat.come(this.#signal);
    }
    const healed = performance.now();
    await Promise.race([acting, wait(ACT_MS, undefined, { signal: this.#signal })]);
    await this.#lastWords();
    const evidence = await this.#quiet();
    return {
      seed: this.#schedule.seed,
      accepted: evidence.said.filter(({ state }) => state === 'accepted').length,
      findings: findingsIn(evidence),
      faults: this.#recorder.faults,
      troubles: this.#recorder.troubles,
      refusals: this.#recorder.refusals,
      evidence,
      quietMs: performance.now() - healed,
    };
  }

  close(): void {
    for (const home of this.#gathering.homes) home.emptyCalls();
  }

  /** Whoever is refused, or away, was only in the wrong moment; what is said is stored on the device in any case. */
  async #act({ device, room, deed }: Act): Promise<void> {
    const { id } = this.#rooms[room] ?? {};
    const seat = this.#cast.seat(device);
    if (id === undefined || !seat.isThere) return;
    try {
      await seat.do(id, deed, (person) => this.#cast.userOf(person));
    } catch (error) {
      if (error instanceof HawserError) this.#recorder.refused(error.code);
      else if (seat.isThere) this.#recorder.fault(device, error);
    }
  }

  async #fail({ fault }: Fault, end: () => Promise<void>): Promise<void> {
    const gathering = this.#gathering;
    switch (fault.kind) {
      case 'kill': {
        const home = gathering.home(fault.domain);
        await home.kill();
        await end();
        return home.start();
      }
      case 'cut': {
        const links = [gathering.link(fault.from, fault.to)];
        if (fault.both) links.push(gathering.link(fault.to, fault.from));
        for (const link of links) link.cut(fault.how);
        await end();
        for (const link of links) link.heal();
        return;
      }
      case 'delay': {
        const link = gathering.link(fault.from, fault.to);
        link.delay(fault.ms);
        await end();
        return link.delay(0);
      }
      case 'full':
        return this.#trouble(fault.domain, { isFull: true }, { isFull: false }, end);
      case 'repeat':
        return this.#trouble(fault.domain, { repeat: fault.part }, { repeat: 0 }, end);
      case 'lose':
        return this.#trouble(fault.domain, { lose: fault.part }, { lose: 0 }, end);
      case 'reorder':
        return this.#trouble(fault.domain, { holdMs: fault.holdMs }, { holdMs: 0 }, end);
      case 'clock':
        return this.#trouble(fault.domain, { clockMs: fault.byMs }, { clockMs: 0 }, end);
      case 'device clock':
        this.#cast.seat(fault.device).setClock(fault.byMs);
        await end();
        return this.#cast.seat(fault.device).setClock(0);
      case 'away': {
        const seat = this.#cast.seat(fault.device);
        if (!seat.isThere) return;
        seat.go();
        await end();
        return seat.come(this.#signal);
      }
    }
  }

  async #trouble(
    domain: string,
    begin: Parameters<ReturnType<Gathering['home']>['trouble']>[0],
    over: typeof begin,
    end: () => Promise<void>,
  ): Promise<void> {
    const home = this.#gathering.home(domain);
    home.trouble(begin);
    await end();
    home.trouble(over);
  }

  /**
   * Everybody who is in a room says something there once all is well: whoever cannot is stuck. Where it can be, something that the others
   * do not confirm, since thousands of confirmations would be most of the work.
   */
  async #lastWords(): Promise<void> {
    for (const { id, talks } of this.#rooms) {
      if (!talks) continue;
      for (const seat of this.#cast.seats) {
        if (!seat.find(id)) continue;
        seat.messenger.home.retryNow();
        await seat.lastWord(id);
      }
    }
  }

  /** What there is when nothing is wrong any more and nothing moves, or when nothing moves for long. */
  async #quiet(): Promise<Evidence> {
    const began = performance.now();
    let [stir, since, wasGood] = ['', began, false];
    for (;;) {
      this.#signal.throwIfAborted();
      const views: View[] = [];
      for (const { id } of this.#rooms) {
        for (const seat of this.#cast.seats) views.push(await seat.view(id));
      }
      const { said, samples } = this.#recorder;
      const evidence = { rooms: this.#rooms, said, samples, views };
      const now = performance.now();
      const isStill = this.#recorder.stir(views) === stir;
      const isGood = findingsIn(evidence).length === 0;
      if (isGood && isStill && wasGood) return evidence;
      if (!isStill) since = now;
      if (now - since > STILL_MS || now - began > QUIET_MS) return evidence;
      [stir, wasGood] = [this.#recorder.stir(views), isGood];
      for (const seat of this.#cast.seats) seat.messenger.home.retryNow();
      for (const { id } of this.#rooms.filter(({ talks }) => talks)) {
        for (const seat of this.#cast.seats) await seat.comeIn(id);
      }
      await wait(LOOK_MS, undefined, { signal: this.#signal });
    }
  }
}
