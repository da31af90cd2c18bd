/** A process full of synthetic people. */
import type { ConversationId, ParticipantId, UserId } from '#signalling/ids.ts';
import { answerCalls } from '../helper.ts';
import { monotonicMs } from '../measure/clock.ts';
import { type Clips, loadClips } from '../media/clips.ts';
import { steadyClock } from '../media/pacer.ts';
import { inTurns } from './crowd.ts';
import { Person } from './person.ts';
import { Publisher } from './publisher.ts';
import type { Seat } from './seat.ts';
import { Viewer, type ViewerReading } from './viewer.ts';

export interface CallOrder {
  readonly caller: Seat;
  readonly title: string;
  /** Everybody but the caller. */
  readonly members: readonly UserId[];
}

export interface RoomReading {
  readonly viewers: readonly ViewerReading[];
  /** Pictures and sounds that publishers left out because they were late. */
  readonly skipped: number;
}

/** ms between two looks at what is due: a quarter of the time between two packets of the largest layer is enough. */
const TICK_MS = 3;
const AT_ONCE = 4;

const people = new Map<string, { readonly person: Person; readonly seat: Seat }>();
const publishers: Publisher[] = [];
const viewers: Viewer[] = [];
let clips: Promise<Clips> | undefined;
let timer: ReturnType<typeof setInterval> | undefined;
/** When the window opened, ms of `monotonicMs`. */
let opened: number | undefined;

async function sit(seat: Seat, enter: (person: Person) => Promise<ParticipantId>): Promise<ParticipantId> {
  const person = await Person.signIn(seat.credentials);
  people.set(seat.name, { person, seat });
  const me = await enter(person);
  if (seat.publishes.length === 0) return me;
  clips ??= loadClips();
  publishers.push(await Publisher.start(person, seat.publishes, await clips, () => isSpeaking(seat)));
  timer ??= startSending();
  return me;
}

function isSpeaking({ turns }: Seat): boolean {
  const second = opened === undefined ? 0 : Math.max(0, (monotonicMs() - opened) / 1_000);
  return turns.some(({ from, to }) => from <= second && second < to);
}

function startSending(): ReturnType<typeof setInterval> {
  let clock = performance.now();
  return setInterval(() => {
    clock = steadyClock(clock, performance.now());
    for (const publisher of publishers) publisher.send(clock);
  }, TICK_MS);
}

const methods = {
  /** Makes a conversation, calls everybody in it, and publishes. */
  call: async ({ caller, title, members }: CallOrder): Promise<{ conversation: ConversationId; me: ParticipantId }> => {
    let conversation: ConversationId | undefined;
    const me = await sit(caller, async (person) => {
      ({ conversation } = await person.home.createConversation(title, members));
      return person.joinBy(await person.home.startCall(conversation));
    });
    if (conversation === undefined) throw new Error('there is no conversation');
    return { conversation, me };
  },
  /** Joins a call with several people, who publish. @returns their names in the call, in their order */
  join: (order: { readonly conversation: ConversationId; readonly seats: readonly Seat[] }): Promise<ParticipantId[]> =>
    inTurns(order.seats, AT_ONCE, (seat) => sit(seat, (person) => person.join(order.conversation))),
  /** Everybody begins to look. @param names who is who */
  look: (names: readonly (readonly [ParticipantId, string])[]): void => {
    const known = new Map(names);
    for (const [name, { person, seat }] of people) {
      if (seat.looks) viewers.push(new Viewer({ name, person, looks: seat.looks, names: known, now: monotonicMs }));
    }
  },
  /** How many have everything that they asked for. */
  served: (): number => viewers.filter(({ isServed }) => isServed).length,
  /** The window opens. @param at ms of `monotonicMs` */
  open: (at: number): void => {
    opened = at;
    for (const viewer of viewers) viewer.begin(at);
  },
  read: async (): Promise<RoomReading> => ({
    viewers: await Promise.all(viewers.map((viewer) => viewer.read())),
    skipped: publishers.reduce((sum, { skipped }) => sum + skipped, 0),
  }),
} as const;

export type RoomMethods = typeof methods;

answerCalls(methods, () => {
  clearInterval(timer);
  for (const each of [...publishers, ...viewers]) each.close();
  for (const { person } of people.values()) person.close();
});
