/** What happens in one schedule, drawn from its seed: who is where, who does what, and what goes wrong when. Pure. */
import { seededRandom } from '../../border/random.ts';
import type { Cut } from './link.ts';

export const DOMAINS = ['alpha.example', 'beta.example', 'gamma.example', 'delta.example'] as const;

export interface ScheduleOptions {
  /** How many of the domains take part: 1 to 4. */
  readonly domains: number;
  readonly lengthMs: number;
  /**
   * Whether people of several domains write to each other. Else each domain talks for itself, and only who is in a conversation, its title
   * and its calls cross.
   */
  readonly across: boolean;
  /** Whether a disk can be filled: on SQLite. */
  readonly disk: boolean;
}

/** `a1` is the first of alpha; `a1-2` the second device of that person. */
export interface Person {
  readonly label: string;
  readonly domain: string;
  readonly devices: readonly string[];
}

export interface Room {
  readonly title: string;
  /** The first makes it on the first device, the second administers it too; these two stay in it all the time. */
  readonly people: readonly string[];
  /** Whether messages are written in it. */
  readonly talks: boolean;
}

interface Timed {
  /** ms from the beginning. */
  readonly at: number;
}

export type Fault = Timed & {
  readonly lastsMs: number;
  readonly fault:
    | { readonly kind: 'kill' | 'full'; readonly domain: string }
    | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly both: boolean; readonly how: Cut }
    | { readonly kind: 'delay'; readonly from: string; readonly to: string; readonly ms: number }
    | { readonly kind: 'repeat' | 'lose'; readonly domain: string; readonly part: number }
    | { readonly kind: 'reorder'; readonly domain: string; readonly holdMs: number }
    | { readonly kind: 'clock'; readonly domain: string; readonly byMs: number }
    | { readonly kind: 'device clock'; readonly device: string; readonly byMs: number }
    | { readonly kind: 'away'; readonly device: string };
};

export type Deed =
  | { readonly what: 'write' | 'edit' | 'react' | 'delete'; readonly which: number }
  | { readonly what: 'add' | 'remove'; readonly person: string }
  | { readonly what: 'leave' | 'start call' | 'end call' | 'rename' };

export type Act = Timed & { readonly device: string; readonly room: number; readonly deed: Deed };

export interface Schedule {
  readonly seed: number;
  readonly domains: readonly string[];
  readonly lengthMs: number;
  readonly people: readonly Person[];
  readonly rooms: readonly Room[];
  readonly faults: readonly Fault[];
  readonly acts: readonly Act[];
}

const HOUR_MS = 3_600_000;
/** Between two acts of all, ms. */
const ACT_EVERY_MS = 25;
const FAULTS = { from: 2, to: 6 } as const;
const LASTS_MS = { from: 100, to: 900 } as const;
const MAX_DELAY_MS = 300;
const MAX_HOLD_MS = 150;

const DEEDS: readonly (readonly [Deed['what'], number])[] = [
  ['write', 60],
  ['edit', 9],
  ['react', 8],
  ['delete', 4],
  ['add', 6],
  ['remove', 4],
  ['leave', 2],
  ['start call', 3],
  ['end call', 2],
  ['rename', 2],
];
const WORDLESS: ReadonlySet<Deed['what']> = new Set(['add', 'remove', 'leave', 'start call', 'end call', 'rename']);

export function scheduleOf(seed: number, options: ScheduleOptions): Schedule {
  const draw = new Draw(seed);
  const domains = DOMAINS.slice(0, options.domains);
  const people = domains.flatMap((domain) => peopleOf(domain, options.across ? 2 : 3));
  const rooms = roomsOf(draw, domains, people, options.across);
  return {
    ...{ seed, domains, lengthMs: options.lengthMs, people, rooms },
    faults: faultsOf(draw, domains, people, options),
    acts: actsOf(draw, people, rooms, options.lengthMs),
  };
}

class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  number(): number {
    return this.#random();
  }

  /** A whole number, both ends included. */
  between({ from, to }: { readonly from: number; readonly to: number }): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  chance(part: number): boolean {
    return this.#random() < part;
  }

  one<T>(all: readonly T[]): T {
    const one = all[Math.floor(this.#random() * all.length)];
    if (one === undefined) throw new RangeError('nothing to choose from');
    return one;
  }

  some<T>(all: readonly T[], part: number): T[] {
    return all.filter(() => this.chance(part));
  }
}

function peopleOf(domain: string, count: number): Person[] {
  return Array.from({ length: count }, (_, index) => {
    const label = `${domain.charAt(0)}${index + 1}`;
    return { label, domain, devices: index === 0 ? [`${label}-1`, `${label}-2`] : [`${label}-1`] };
  });
}

/** One with its hub at each domain; where people write to their own domain only, one more that is of all. */
function roomsOf(draw: Draw, domains: readonly string[], people: readonly Person[], across: boolean): Room[] {
  const of = (domain: string) => people.filter((each) => each.domain === domain).map(({ label }) => label);
  const title = (index: number) => ['Rigging', 'Ropes', 'Knots', 'Masts'][index] ?? 'Decks';
  return domains.flatMap((domain, index): Room[] => {
    const [maker = '', ...mates] = of(domain);
    const foreign = domains.filter((each) => each !== domain).flatMap(of);
    if (across && foreign.length > 0) {
      const second = draw.one(foreign.filter((each) => each.endsWith('1')));
      const rest = [...mates, ...foreign].filter((each) => each !== second);
      return [{ title: title(index), people: [maker, second, ...draw.some(rest, 0.5)], talks: true }];
    }
    const [second = '', ...rest] = mates;
    const own = { title: title(index), people: [maker, second, ...draw.some(rest, 0.5)], talks: true };
    if (foreign.length === 0) return [own];
    const far = draw.one(foreign.filter((each) => each.endsWith('1')));
    const others = draw.some(
      [...mates, ...foreign].filter((each) => each !== far),
      0.4,
    );
    return [own, { title: `${title(index)} of all`, people: [maker, far, ...others], talks: false }];
  });
}

function faultsOf(
  draw: Draw,
  domains: readonly string[],
  people: readonly Person[],
  { lengthMs, disk }: ScheduleOptions,
): Fault[] {
  const devices = people.flatMap((each) => each.devices);
  const kinds: Fault['fault']['kind'][] = ['kill', 'kill', 'clock', 'device clock', 'away'];
  if (disk) kinds.push('full');
  if (domains.length > 1) kinds.push('cut', 'cut', 'cut', 'delay', 'repeat', 'lose', 'reorder');
  const faults: Fault[] = [];
  for (let count = draw.between(FAULTS); count > 0; count--) {
    const lastsMs = draw.between(LASTS_MS);
    const at = Math.floor(draw.number() * Math.max(lengthMs - lastsMs, 1));
    const domain = draw.one(domains);
    const to = draw.one(domains.filter((each) => each !== domain || domains.length === 1));
    const device = draw.one(devices);
    const byMs = draw.chance(0.5) ? HOUR_MS : -HOUR_MS;
    faults.push({ at, lastsMs, fault: faultOf(draw, draw.one(kinds), { domain, to, device, byMs }) });
  }
  return faults.toSorted((a, b) => a.at - b.at);
}

interface Where {
  readonly domain: string;
  readonly to: string;
  readonly device: string;
  readonly byMs: number;
}

function faultOf(draw: Draw, kind: Fault['fault']['kind'], { domain, to, device, byMs }: Where): Fault['fault'] {
  switch (kind) {
    case 'kill':
    case 'full':
      return { kind, domain };
    case 'cut':
      return { kind, from: domain, to, both: draw.chance(0.6), how: draw.one(['reset', 'silent', 'answers'] as const) };
    case 'delay':
      return { kind, from: domain, to, ms: draw.between({ from: 20, to: MAX_DELAY_MS }) };
    case 'repeat':
    case 'lose':
      return { kind, domain, part: draw.one([0.3, 0.6, 1]) * (kind === 'lose' ? 0.6 : 1) };
    case 'reorder':
      return { kind, domain, holdMs: draw.between({ from: 20, to: MAX_HOLD_MS }) };
    case 'clock':
      return { kind, domain, byMs };
    case 'device clock':
      return { kind, device, byMs };
    case 'away':
      return { kind, device };
  }
}

/** Who is in is followed as if every act succeeded, so that most of them make sense. */
function actsOf(draw: Draw, people: readonly Person[], rooms: readonly Room[], lengthMs: number): Act[] {
  const inside = rooms.map((room) => new Set(room.people));
  const devicesOf = (label: string) => people.find((each) => each.label === label)?.devices ?? [];
  const acts: Act[] = [];
  for (let at = 0; at < lengthMs; at += Math.ceil(draw.number() * 2 * ACT_EVERY_MS)) {
    const index = Math.floor(draw.number() * rooms.length);
    const [room, present] = [rooms[index], inside[index]];
    if (!room || !present) continue;
    const what = draw.one(DEEDS.flatMap(([deed, weight]) => new Array<Deed['what']>(weight).fill(deed)));
    const keepers = room.people.slice(0, 2);
    const domains = new Set(people.filter(({ label }) => room.people.includes(label)).map(({ domain }) => domain));
    const near = people.filter(({ domain }) => domains.has(domain)).map(({ label }) => label);
    const out = near.filter((each) => !present.has(each));
    const passing = [...present].filter((each) => !keepers.includes(each));
    const actor = (among: readonly string[]) => draw.one(devicesOf(draw.one(among)));
    const act = (who: readonly string[], deed: Deed) => acts.push({ at, device: actor(who), room: index, deed });
    if (!room.talks && !WORDLESS.has(what)) continue;
    switch (what) {
      case 'write':
      case 'edit':
      case 'react':
      case 'delete':
        act([...present], { what, which: draw.number() });
        break;
      case 'add': {
        if (out.length === 0) break;
        const person = draw.one(out);
        act(keepers, { what, person });
        present.add(person);
        break;
      }
      case 'remove': {
        if (passing.length === 0) break;
        const person = draw.one(passing);
        act(keepers, { what, person });
        present.delete(person);
        break;
      }
      case 'leave': {
        if (passing.length === 0) break;
        const person = draw.one(passing);
        act([person], { what });
        present.delete(person);
        break;
      }
      case 'start call':
        act([...present], { what });
        break;
      case 'end call':
      case 'rename':
        act(keepers, { what });
        break;
    }
  }
  return acts;
}

/** For people: one line each. */
export function linesOf({ seed, domains, lengthMs, people, rooms, faults, acts }: Schedule): string[] {
  const events = [
    ...faults.map(({ at, lastsMs, fault }) => ({ at, line: `${words(fault)} for ${lastsMs} ms` })),
    ...acts.map(({ at, device, room, deed }) => ({ at, line: `${device} in ${rooms[room]?.title}: ${words(deed)}` })),
  ].toSorted((a, b) => a.at - b.at);
  return [
    `seed ${seed}, ${lengthMs} ms, ${domains.join(' ')}`,
    `devices: ${people.flatMap((each) => each.devices).join(' ')}`,
    ...rooms.map((room) => `${room.title}: ${room.people.join(' ')}${room.talks ? '' : ', without messages'}`),
    ...events.map(({ at, line }) => `${`${at}`.padStart(5)} ${line}`),
  ];
}

function words(event: object): string {
  return Object.values(event)
    .map((value) => (typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(2) : `${value}`))
    .join(' ');
}
