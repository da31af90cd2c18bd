/** `hawser soak kills`: a homeserver, or applications, are killed again and again while people write to each other. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ConversationId } from '#signalling/ids.ts';
import { type Errand, guarded } from '../../guarded.ts';
import { PASSWORD, Stage } from '../stage.ts';
import type { AppOptions } from './app.ts';
import { Book } from './book.ts';
import { type Finding, findingsIn, type View } from './checker.ts';
import { CONVERSATIONS, type Deed, deedsOf, type Kill, killsOf, labelsOf, oneOf, PEOPLE } from './plan.ts';
import { acceptedIn, faultsIn, LocalSeat, ProcessSeat, type Seat, tellingsOf } from './seat.ts';

export type Victim = 'server' | 'client';

export interface KillsOptions extends Errand {
  readonly seed: number;
  readonly times: number;
  /** Who dies. */
  readonly victim: Victim;
  /** URL of an empty PostgreSQL database; SQLite when left out. */
  readonly database?: string | undefined;
}

export interface KillsReport {
  readonly seed: number;
  readonly storage: 'sqlite' | 'postgres';
  readonly victim: Victim;
  readonly kills: number;
  /** Of them while it was starting. */
  readonly whileStarting: number;
  readonly devices: number;
  readonly conversations: number;
  /** Messages that were acknowledged, and how often one of them was told to another device while it ran. */
  readonly accepted: number;
  readonly told: number;
  /** Commits that made an epoch. */
  readonly commits: number;
  /** How often a commit failed, by the code that the application was told; `died` with it. */
  readonly commitsFailed: Readonly<Record<string, number>>;
  /** Messages that waited on a device in the moments of the deaths. */
  readonly waitingAtDeath: number;
  /** From a start to the next message that was accepted, ms: one for each time that it came to work. */
  readonly backMs: readonly number[];
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** What failed and had no code, without repetitions. */
  readonly faults: readonly string[];
}

/** How long a death may wait for the messages that have to come before it, ms. */
const LOAD_MS = 30_000;
/** How long nothing may happen in the end while something is missing, ms. A machine that is only slow is given its time. */
const STILL_MS = 60_000;
const LOOK_MS = 5;
const SETTLE_LOOK_MS = 300;

/** @throws Error with a plain sentence where it was stopped or does not get under way */
export function measureKills(options: KillsOptions): Promise<KillsReport> {
  return guarded(options.signal, async ({ undo, ended }) => {
    const run = new Run(options, await Stage.set(options.database, undo), ended, undo);
    undo.defer(() => run.close());
    return run.play();
  });
}

/** A conversation, and the devices in it. */
interface Room {
  readonly id: ConversationId;
  readonly seats: readonly Seat[];
}

class Run {
  readonly #options: KillsOptions;
  readonly #stage: Stage;
  readonly #ended: AbortSignal;
  readonly #book = new Book();
  readonly #seats: readonly Seat[];
  readonly #rooms: Room[] = [];
  /** Aborted when nobody writes any more. */
  readonly #resting = new AbortController();
  readonly #backMs: number[] = [];
  #startedAt = 0;
  #isBack = true;
  #commits = 0;
  readonly #commitsFailed: Record<string, number> = {};
  #waitingAtDeath = 0;

  constructor(options: KillsOptions, stage: Stage, ended: AbortSignal, undo: AsyncDisposableStack) {
    this.#options = options;
    this.#stage = stage;
    this.#ended = ended;
    this.#seats = PEOPLE.flatMap((person) => labelsOf(person)).map((label) => this.#seat(label, undo));
  }

  async play(): Promise<KillsReport> {
    const { seed, times, victim, say, onProgress } = this.#options;
    const began = performance.now();
    say(
      `seed ${seed}: ${this.#seats.length} devices of ${PEOPLE.length} people in ${CONVERSATIONS.length} conversations`,
    );
    await this.#gather();
    const writers = this.#seats.map((seat, index) => this.#write(seat, deedsOf(seed, index)));
    const kills = killsOf(seed, times);
    for (const [index, kill] of kills.entries()) {
      this.#ended.throwIfAborted();
      await (victim === 'server' ? this.#killServer(kill) : this.#killApplication(kill));
      if (kill.restart !== undefined) await this.#restart(oneOf(this.#seats, kill.restart));
      onProgress(index + 1, times);
    }
    if (victim === 'server') await this.#startServer();
    await this.#allUp();
    this.#resting.abort();
    await Promise.all(writers);
    say('waiting until everybody has everything');
    const views = await this.#settled();
    return this.#report(kills, views, (performance.now() - began) / 1_000);
  }

  async close(): Promise<void> {
    this.#resting.abort();
    for (const seat of this.#seats) await seat.end().catch(() => undefined);
  }

  #seat(label: string, undo: AsyncDisposableStack): Seat {
    // The first devices of people are those that can be killed.
    const mayDie = this.#options.victim === 'client' && label.endsWith('-1');
    if (mayDie) return new ProcessSeat(label, join(this.#stage.folder, `${label}.notes`), undo);
    return new LocalSeat(label, this.#ended, (note) => {
      if (note.kind !== 'accepted') return;
      this.#onAccepted();
      this.#book.note({ ...note, state: 'accepted' });
    });
  }

  #onAccepted(): void {
    if (this.#isBack) return;
    this.#isBack = true;
    this.#backMs.push(Math.round(performance.now() - this.#startedAt));
  }

  /** Accounts, devices, conversations, groups. */
  async #gather(): Promise<void> {
    await this.#stage.start();
    for (const person of PEOPLE) await this.#stage.createAccount(person);
    for (const seat of this.#seats) await seat.start(this.#place(seat));
    const hosts = new Map<string, LocalSeat>();
    for (const seat of this.#seats) if (seat instanceof LocalSeat) hosts.set(personOf(seat), seat);
    for (const { title, people } of CONVERSATIONS) {
      const [maker, ...others] = people.map((person) => hosts.get(person)?.app);
      const id = await maker?.create(
        title,
        others.flatMap((other) => (other ? [other.user] : [])),
      );
      if (id === undefined) throw new Error(`Nobody could make the conversation ${title}.`);
      const inside: readonly string[] = people;
      this.#rooms.push({ id, seats: this.#seats.filter((seat) => inside.includes(personOf(seat))) });
    }
    for (const { id, seats } of this.#rooms) for (const seat of seats) await seat.join(id);
  }

  #place(seat: Seat): AppOptions {
    const { url, folder } = this.#stage;
    return {
      label: seat.label,
      url,
      handle: personOf(seat),
      password: PASSWORD,
      vault: join(folder, `${seat.label}.vault`),
      conversations: this.#rooms.filter(({ seats }) => seats.includes(seat)).map(({ id }) => id),
    };
  }

  /** Says one thing after the other until it is told to rest. */
  async #write(seat: Seat, deeds: Generator<Deed, never>): Promise<void> {
    const rooms = this.#rooms.filter(({ seats }) => seats.includes(seat));
    for (const { conversation, what, restMs } of deeds) {
      if (this.#resting.signal.aborted) return;
      const { id } = oneOf(rooms, conversation);
      if (!seat.isUp) {
        await wait(LOOK_MS);
        continue;
      }
      if (what === 'say') await this.#say(seat, id);
      else await this.#renewKeys(seat, id);
      await wait(restMs);
    }
  }

  async #say(seat: Seat, conversation: ConversationId): Promise<void> {
    const message = this.#book.next(conversation, seat.label);
    try {
      await seat.say(message);
      this.#book.stored(message);
    } catch {
      // It died meanwhile: nobody knows whether it has the message.
    }
  }

  /** Nobody waits for it: a commit may have to wait until the homeserver is back. */
  async #renewKeys(seat: Seat, conversation: ConversationId): Promise<void> {
    const refused = seat.renewKeys(conversation).catch(() => 'died');
    void refused.then((code) => {
      if (code === undefined) this.#commits += 1;
      else this.#commitsFailed[code] = (this.#commitsFailed[code] ?? 0) + 1;
    });
  }

  async #startServer(): Promise<void> {
    this.#startedAt = performance.now();
    this.#isBack = false;
    await this.#stage.launch();
    await this.#stage.server.started;
  }

  async #killServer({ startingMs, accepted, pauseMs }: Kill): Promise<void> {
    await this.#stage.kill();
    if (startingMs !== undefined) {
      await this.#stage.launch();
      await wait(startingMs);
    } else {
      await this.#startServer();
      await this.#untilAccepted(accepted + 1);
      await wait(pauseMs);
    }
    await this.#countWaiting();
    await this.#stage.kill();
  }

  async #killApplication({ startingMs, accepted, pauseMs, which }: Kill): Promise<void> {
    const victims = this.#seats.filter((each) => each instanceof ProcessSeat);
    const victim = oneOf(victims, which);
    await this.#untilAccepted(accepted + 1);
    await wait(pauseMs);
    await this.#countWaiting();
    await victim.kill();
    const starting = victim.start(this.#place(victim));
    if (startingMs !== undefined) {
      await wait(startingMs);
      await victim.kill();
      await starting.catch(() => undefined);
      await victim.start(this.#place(victim));
    } else await starting;
  }

  /** Until so many more messages are accepted. */
  async #untilAccepted(more: number): Promise<void> {
    const wanted = this.#book.accepted + more;
    const end = performance.now() + LOAD_MS;
    while (this.#book.accepted < wanted) {
      this.#ended.throwIfAborted();
      if (performance.now() > end) {
        throw new Error(`In ${LOAD_MS / 1_000} s the homeserver did not accept ${more} messages.`);
      }
      await wait(LOOK_MS);
    }
  }

  async #countWaiting(): Promise<void> {
    for (const { id, seats } of this.#rooms) {
      for (const seat of seats) {
        if (seat instanceof LocalSeat && seat.isUp && (await seat.isSending(id))) this.#waitingAtDeath += 1;
      }
    }
  }

  /** An application ends in order and begins anew; where the server is away it begins when that is back. */
  async #restart(seat: Seat): Promise<void> {
    await seat.end();
    void seat.start(this.#place(seat)).catch(() => undefined);
  }

  async #allUp(): Promise<void> {
    const end = performance.now() + LOAD_MS;
    while (!this.#seats.every(({ isUp }) => isUp)) {
      this.#ended.throwIfAborted();
      if (performance.now() > end) throw new Error('An application did not come back.');
      await wait(LOOK_MS);
    }
  }

  /** What everybody shows when nothing waits any more and all have as much, or when nothing happens any more. */
  async #settled(): Promise<readonly View[]> {
    let before = -1;
    let since = performance.now();
    for (;;) {
      this.#ended.throwIfAborted();
      let isSettled = true;
      let there = 0;
      const views: View[] = [];
      for (const { id, seats } of this.#rooms) {
        const all = await Promise.all(seats.map((seat) => seat.view(id)));
        for (const { own, ...view } of all) {
          for (const written of own) this.#book.note(written);
          there += view.shown.length;
          views.push(view);
        }
        const isSending = (await Promise.all(seats.map((seat) => seat.isSending(id)))).some((each) => each);
        const counts = new Set(all.map(({ shown }) => shown.length));
        if (isSending || counts.size > 1) isSettled = false;
      }
      if (there !== before) since = performance.now();
      before = there;
      if (isSettled || performance.now() - since > STILL_MS) return views;
      await wait(SETTLE_LOOK_MS);
    }
  }

  async #report(kills: readonly Kill[], views: readonly View[], seconds: number): Promise<KillsReport> {
    const { seed, victim, database } = this.#options;
    const lives = await Promise.all(this.#seats.map(async (seat) => ({ seat, notes: await seat.lives() })));
    for (const { notes } of lives) {
      for (const shown of acceptedIn(notes)) this.#book.note({ ...shown, state: 'accepted' });
    }
    const tellings = lives.flatMap(({ seat, notes }) => tellingsOf(seat.label, notes));
    const members = new Map(this.#rooms.map(({ id, seats }) => [`${id}`, seats.map(({ label }) => label)]));
    return {
      seed,
      storage: database === undefined ? 'sqlite' : 'postgres',
      victim,
      kills: kills.length,
      whileStarting: kills.filter(({ startingMs }) => startingMs !== undefined).length,
      devices: this.#seats.length,
      conversations: this.#rooms.length,
      accepted: this.#book.all().filter(({ state }) => state === 'accepted').length,
      told: tellings.reduce((sum, { told }) => sum + told.length, 0),
      commits: this.#commits,
      commitsFailed: this.#commitsFailed,
      waitingAtDeath: this.#waitingAtDeath,
      backMs: this.#backMs,
      seconds,
      findings: findingsIn({ members, written: this.#book.all(), views, tellings }),
      faults: [...new Set(lives.flatMap(({ notes }) => faultsIn(notes)))],
    };
  }
}

function personOf({ label }: Seat): string {
  return label.slice(0, label.indexOf('-'));
}
