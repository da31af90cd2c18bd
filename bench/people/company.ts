/** All synthetic people of a run, spread over processes of their own. */
import { join } from 'node:path';
import { type ConversationId, type ParticipantId, type UserId, userIdOf } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { Helper } from '../helper.ts';
import type { Phase } from '../scenario/phases.ts';
import { ANCHOR, isViewer, type Person, type Scenario } from '../scenario/scenario.ts';
import { makePeople, type Stage } from '../stage.ts';
import { groups, inTurns } from './crowd.ts';
import type { RoomMethods, RoomReading } from './room.ts';
import { type Seat, seatOf } from './seat.ts';

/** What one process does without being late, with room to spare: a publisher needs about 1 % of a core, a viewer 3 %. */
const ROOMS = { publishers: 30, viewers: 20, people: 12 } as const;
type Role = keyof typeof ROOMS;
/** Rooms whose people join at the same time: more would keep each other past the deadlines of a join. */
const ROOMS_AT_ONCE = 2;
const SERVED_MS = 30_000;
/** A crowd that joins is taken for an overload by the brakes of the trunks, which then let layers back in one by one. */
const SERVED_MS_PER_PERSON = 250;

export interface CompanyOptions {
  readonly stage: Stage;
  readonly scenario: Scenario;
  readonly phases: readonly Phase[];
  readonly undo: AsyncDisposableStack;
  readonly onDied: (sentence: string) => void;
  /** One line about each step. */
  readonly say: (line: string) => void;
}

interface Room {
  readonly helper: Helper<RoomMethods>;
  readonly seats: readonly Seat[];
}

export class Company {
  readonly #rooms: readonly Room[];

  private constructor(rooms: readonly Room[]) {
    this.#rooms = rooms;
  }

  /** Makes the accounts, starts the call, lets everybody join, and then look. */
  static async gather({ stage, scenario, phases, undo, onDied, say }: CompanyOptions): Promise<Company> {
    const { people } = scenario;
    say(`making ${people.length} accounts`);
    const credentials = await makePeople(stage, people);
    const seats = people.map((person, index): readonly [Person, Seat] => {
      const own = credentials[index];
      if (!own) throw new Error(`${person.name} has no account`);
      return [person, seatOf(person, own, scenario, phases)];
    });
    const rooms = seatsByRoom(seats).map(({ name, seats: here }): Room => {
      const helper = Helper.start<RoomMethods>(name, join(import.meta.dirname, 'room.ts'), undo, onDied);
      return { helper, seats: here };
    });

    say(`${people.length} people join`);
    const userOf = ({ at, name }: Person): UserId => userIdOf(stage.organisation(at).domain, name);
    const company = new Company(rooms);
    await company.#join(
      seats.find(([{ at }]) => at === ANCHOR)?.[1],
      new Map(people.map((person) => [person.name, userOf(person)])),
    );
    return company;
  }

  /** Resolves when every viewer has every picture and every voice; or after half a minute, with how many have. */
  async served(): Promise<{ readonly served: number; readonly viewers: number }> {
    const viewers = this.#rooms.flatMap(({ seats }) => seats).filter(({ looks }) => looks).length;
    let served = 0;
    const all = async () => {
      const parts = await Promise.all(this.#rooms.map(({ helper }) => helper.call('served', undefined)));
      served = parts.reduce((sum, part) => sum + part, 0);
      return served === viewers;
    };
    const most = SERVED_MS + SERVED_MS_PER_PERSON * this.#rooms.flatMap(({ seats }) => seats).length;
    await until(all, 'all pictures', most).catch(() => undefined);
    return { served, viewers };
  }

  /** The window opens. @param at ms of `monotonicMs` */
  async open(at: number): Promise<void> {
    await Promise.all(this.#rooms.map(({ helper }) => helper.call('open', at)));
  }

  async read(): Promise<RoomReading> {
    const readings = await Promise.all(this.#rooms.map(({ helper }) => helper.call('read', undefined)));
    return {
      viewers: readings.flatMap(({ viewers }) => viewers),
      skipped: readings.reduce((sum, { skipped }) => sum + skipped, 0),
    };
  }

  get processes(): readonly { readonly name: string; readonly pid: number }[] {
    return this.#rooms.map(({ helper: { name, pid } }) => ({ name, pid }));
  }

  async #join(caller: Seat | undefined, users: ReadonlyMap<string, UserId>): Promise<void> {
    const first = this.#rooms.find(({ seats }) => caller && seats.includes(caller));
    if (!caller || !first) throw new Error(`nobody at ${ANCHOR} starts the call`);
    const members = [...users].filter(([name]) => name !== caller.name).map(([, user]) => user);
    const { conversation, me } = await first.helper.call('call', { caller, title: 'Benchmark', members });
    const joined = await inTurns(this.#rooms, ROOMS_AT_ONCE, (room) => entered(room, conversation, caller));
    const names = [[me, caller.name] as const, ...joined.flat()];
    await Promise.all(this.#rooms.map(({ helper }) => helper.call('look', names)));
  }
}

async function entered(
  { helper, seats }: Room,
  conversation: ConversationId,
  caller: Seat,
): Promise<(readonly [ParticipantId, string])[]> {
  const others = seats.filter((seat) => seat !== caller);
  const participants = await helper.call('join', { conversation, seats: others });
  return participants.map((participant, index) => [participant, others[index]?.name ?? ''] as const);
}

/** People of one role together, so that the processor time of each role can be told. */
function seatsByRoom(seats: readonly (readonly [Person, Seat])[]): { readonly name: string; readonly seats: Seat[] }[] {
  const roleOf = (person: Person): Role =>
    !isViewer(person) ? 'publishers' : person.publishes.length === 0 ? 'viewers' : 'people';
  const byRole = Map.groupBy(seats, ([person]) => roleOf(person));
  return [...byRole].flatMap(([role, members]) => {
    const parts = groups(members, ROOMS[role]);
    return parts.map((part, index) => ({
      name: parts.length === 1 ? role : `${role} ${index + 1}`,
      seats: part.map(([, seat]) => seat),
    }));
  });
}
