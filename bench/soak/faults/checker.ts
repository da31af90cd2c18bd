/**
 * Whether two homeservers and more kept what they promised: compares what the hubs accepted with what every device holds when all is
 * healed and quiet. Pure.
 *
 * Which device should have a message, the devices know that took it: each notes who was in the group when it took it, and a device that was
 * in by the account of all of them has to have it. Who was in the conversation, the hub's notices among the messages say. The keepers of a
 * room, who are in it all the time, have to have everything.
 */

export type Saying = 'message' | 'edit' | 'reaction' | 'delete';

/** Something that a device said, and what its writer knows of it. */
export interface Said {
  readonly id: string;
  readonly room: string;
  readonly device: string;
  readonly saying: Saying;
  /** What an edit, a reaction or a deletion is about. */
  readonly target?: string | undefined;
  /** `accepted`: the hub has it. `waits`: it never left the device. */
  readonly state: 'waits' | 'accepted' | 'failed';
  readonly code?: string | undefined;
}

/** Who was in the group when a device took something. */
export interface Sample {
  readonly room: string;
  readonly id: string;
  readonly by: string;
  readonly devices: readonly string[];
}

export interface Held {
  readonly id: string;
  readonly saying: Saying;
  /**
   * In the order of the device's own homeserver. Absent where it has none yet; below 0 where it is known and its place is not any more, as
   * that of an edit of what was deleted.
   */
  readonly order?: number | undefined;
  readonly device?: string | undefined;
  readonly target?: string | undefined;
}

export interface Notice {
  readonly order: number;
  readonly type: 'added' | 'removed' | 'left' | 'role' | 'title' | 'parted' | 'undelivered';
  /** Label of a person, the title, or the domain. */
  readonly who: string;
}

/** What one device holds of one room. */
export interface View {
  readonly device: string;
  readonly person: string;
  readonly room: string;
  readonly held: readonly Held[];
  readonly notices: readonly Notice[];
  readonly gaps: readonly { readonly order: number; readonly why: string; readonly of?: string | undefined }[];
  /** What came and waits for what it is about. */
  readonly waiting: readonly { readonly id: string; readonly target: string }[];
  readonly group?:
    | { readonly id: string; readonly epoch: string; readonly devices: readonly string[]; readonly isSettled: boolean }
    | undefined;
  /** As its list of conversations says; absent where it is not in there. */
  readonly listed?:
    | {
        readonly title: string;
        /** `a1 admin` */
        readonly members: readonly string[];
        readonly group?: string | undefined;
        /** The conference and who is in it; absent where no call goes on. */
        readonly call?: string | undefined;
      }
    | undefined;
}

export interface Room {
  readonly id: string;
  readonly talks: boolean;
  /** People who are in it all the time; the first is of the hub's domain. */
  readonly keepers: readonly string[];
  /** People who were in it when the faults began. */
  readonly initial: readonly string[];
}

export interface Evidence {
  readonly rooms: readonly Room[];
  readonly said: readonly Said[];
  readonly samples: readonly Sample[];
  /** One for each device and room. */
  readonly views: readonly View[];
}

/**
 * `lost`: accepted, and not on a device that should have it; or a device cannot read it. `duplicated`: twice on a device. `reordered`: not
 * in the same order on all. `diverged`: epoch, members, title or call are not the same. `leaked`: a device has what was said when its person
 * was out. `stuck`: something still waits.
 */
export const KINDS = ['lost', 'duplicated', 'reordered', 'diverged', 'leaked', 'stuck'] as const;
export type Kind = (typeof KINDS)[number];

export interface Finding {
  readonly kind: Kind;
  readonly room: string;
  readonly device: string;
  readonly what: string;
}

/** A message was encrypted before this device was in, and delivered after it. */
const BEFORE_JOINING = /MLS_(EPOCH_PAST|NOT_MEMBER)/;
/** Keys that read one message read no second one, so that this is what a second delivery looks like. */
const USED = /MLS_(UNREADABLE|REFUSED)/;

/** Everything that is wrong; empty where all is well. */
export function findingsIn(evidence: Evidence): Finding[] {
  return evidence.rooms.flatMap((room) => new Inspection(room, evidence).findings());
}

class Inspection {
  readonly #room: Room;
  readonly #said: readonly Said[];
  readonly #samples: ReadonlyMap<string, readonly Sample[]>;
  readonly #views: readonly View[];
  /** Of the keepers' devices; the first is that of the hub's domain, with which all others are compared. */
  readonly #keeping: readonly View[];
  readonly #findings: Finding[] = [];

  constructor(room: Room, { said, samples, views }: Evidence) {
    this.#room = room;
    this.#said = said.filter((each) => each.room === room.id);
    this.#samples = Map.groupBy(
      samples.filter((each) => each.room === room.id),
      ({ id }) => id,
    );
    this.#views = views.filter((each) => each.room === room.id);
    this.#keeping = room.keepers.flatMap((keeper) => this.#views.filter(({ person }) => person === keeper));
  }

  findings(): Finding[] {
    const [reference] = this.#keeping;
    if (!reference) return [];
    if (this.#room.talks) {
      this.#lost(reference);
      this.#duplicated();
      for (const view of this.#views) this.#reordered(view, reference);
      for (const view of this.#keeping) this.#notices(view, reference);
      this.#leaked(reference);
      this.#stuck(reference);
    }
    for (const view of this.#views) this.#diverged(view, reference);
    return this.#findings;
  }

  #find(kind: Kind, device: string, what: string): void {
    this.#findings.push({ kind, room: this.#room.id, device, what });
  }

  /** What was accepted, or is on any device, is on all that should have it. */
  #lost(reference: View): void {
    const everything = new Map<string, { readonly saying: Saying; readonly target?: string | undefined }>();
    for (const each of this.#said) if (each.state === 'accepted') everything.set(each.id, each);
    for (const { held } of this.#views) {
      for (const each of held) if (each.order !== undefined) everything.set(each.id, each);
    }
    for (const view of this.#views) {
      const has = new Set(view.held.flatMap(({ id, order }) => (order === undefined ? [] : [id])));
      /** People of whom something is missing. */
      const missing = new Set<string | undefined>();
      for (const [id, { saying, target }] of everything) {
        if (has.has(id) || !this.#shouldHave(view, id, reference)) continue;
        // Without what it is about there is nothing to hold; and of two deletions the first one counts.
        if (target !== undefined && !has.has(target)) continue;
        if (saying === 'delete' && view.held.some((each) => each.saying === 'delete' && each.target === target))
          continue;
        if (this.#isExcused(view, id)) continue;
        missing.add(this.#writerOf(id));
        this.#find('lost', view.device, this.#nameOf(id));
      }
      for (const { order, why, of } of view.gaps) {
        if (BEFORE_JOINING.test(why) && this.#cameLater(view)) continue;
        const kind = USED.test(why) && !missing.has(of) ? 'duplicated' : 'lost';
        this.#find(kind, view.device, `unreadable at ${order}: ${why} of ${of}`);
      }
    }
  }

  #shouldHave({ device, person }: View, id: string, reference: View): boolean {
    if (this.#said.some((each) => each.id === id && each.device === device && each.state === 'accepted')) return true;
    if (this.#room.keepers.includes(person)) return true;
    const samples = this.#samples.get(id) ?? [];
    const order = orderOf(reference, id);
    if (samples.length === 0 || order === undefined) return false;
    return samples.every(({ devices }) => devices.includes(device)) && this.#isIn(person, order, reference);
  }

  /** It was encrypted in an epoch before the device was in: it shows that there was something of this person. */
  #isExcused(view: View, id: string): boolean {
    const writer = this.#writerOf(id);
    return this.#cameLater(view) && view.gaps.some(({ why, of }) => BEFORE_JOINING.test(why) && of === writer);
  }

  /** The person. */
  #writerOf(id: string): string | undefined {
    const writer = this.#said.find((each) => each.id === id)?.device;
    return this.#views.find(({ device }) => device === writer)?.person;
  }

  /** By the notices of those who are in all the time: that of its own coming is not for the device. */
  #cameLater({ person }: View): boolean {
    const wasAdded = ({ type, who }: Notice) => type === 'added' && who === person;
    return !this.#room.initial.includes(person) || this.#keeping.some(({ notices }) => notices.some(wasAdded));
  }

  /** Whether a person was in the conversation at a place, by the notices of the reference. */
  #isIn(person: string, order: number, { notices }: View): boolean {
    const own = notices.filter(({ type, who }) => who === person && isMove(type)).toSorted((a, b) => a.order - b.order);
    const last = own.findLast((each) => each.order < order);
    if (last) return last.type === 'added';
    return own.length > 0 ? own[0]?.type !== 'added' : this.#room.initial.includes(person);
  }

  #duplicated(): void {
    for (const { device, held, notices } of this.#views) {
      const seen = new Set<string>();
      for (const { id } of held) {
        if (seen.has(id)) this.#find('duplicated', device, this.#nameOf(id));
        seen.add(id);
      }
      const places = notices.map(({ order }) => order);
      if (new Set(places).size < places.length) this.#find('duplicated', device, 'two notices at one place');
    }
  }

  /** What two devices both have is in the same order on both, and what one device wrote in the order in which it did. */
  #reordered(view: View, reference: View): void {
    const places = new Map(sequence(reference).map((id, index) => [id, index]));
    let last = -1;
    for (const id of sequence(view)) {
      const place = places.get(id);
      if (place === undefined) continue;
      if (place < last) this.#find('reordered', view.device, this.#nameOf(id));
      last = Math.max(last, place);
    }
    const numbers = new Map(this.#said.map(({ id }, index) => [id, index]));
    const newest = new Map<string, number>();
    for (const id of sequence(view)) {
      const writer = this.#said[numbers.get(id) ?? -1]?.device;
      const number = numbers.get(id);
      if (writer === undefined || number === undefined) continue;
      if (number < (newest.get(writer) ?? -1))
        this.#find('reordered', view.device, `${this.#nameOf(id)} of its writer`);
      newest.set(writer, Math.max(number, newest.get(writer) ?? -1));
    }
  }

  /** Whoever is in all the time is told of every change, in one order among the messages. */
  #notices(view: View, reference: View): void {
    if (view === reference) return;
    const both = (one: View, other: View) => {
      const has = new Set(sequence(other));
      return withNotices(one).filter((each) => each.startsWith('notice ') || has.has(each));
    };
    const [own, theirs] = [both(view, reference), both(reference, view)];
    if (own.join('\n') === theirs.join('\n')) return;
    const [ownSet, theirSet] = [counted(own), counted(theirs)];
    const missing = theirSet.filter((each) => !ownSet.includes(each));
    const more = ownSet.filter((each) => !theirSet.includes(each));
    for (const each of missing) this.#find('lost', view.device, each);
    for (const each of more) this.#find('duplicated', view.device, each);
    if (missing.length + more.length === 0) this.#find('reordered', view.device, 'notices among the messages');
  }

  #leaked(reference: View): void {
    for (const { device, person, held } of this.#views) {
      for (const { id, order, device: writer } of held) {
        const place = orderOf(reference, id);
        if (order === undefined || place === undefined || writer === device) continue;
        if (!this.#isIn(person, place, reference)) this.#find('leaked', device, this.#nameOf(id));
      }
    }
  }

  #stuck(reference: View): void {
    const members = membersIn(reference);
    for (const { id, device, state, code, saying, target } of this.#said) {
      const { person = '', held = [] } = this.#views.find((each) => each.device === device) ?? {};
      // Of two deletions the first one counts, and nothing is held of the second one.
      const isSecond = saying === 'delete' && held.some((each) => each.saying === 'delete' && each.target === target);
      if (state === 'waits' && members.includes(person) && !isSecond)
        this.#find('stuck', device, `${this.#nameOf(id)} waits`);
      if (state === 'failed' && this.#room.keepers.includes(person)) {
        this.#find('stuck', device, `${this.#nameOf(id)} was given back: ${code}`);
      }
      if (state === 'failed' && orderOf(reference, id) !== undefined) {
        this.#find('duplicated', device, `${this.#nameOf(id)} was given back and is there: ${code}`);
      }
    }
    for (const { device, held, waiting } of this.#views) {
      for (const { id, target } of waiting) {
        if (held.some((each) => each.id === target))
          this.#find('stuck', device, `${this.#nameOf(id)} waits for what is there`);
      }
    }
  }

  /** Epoch, members, title and call of whoever is in. */
  #diverged({ device, person, listed, group }: View, reference: View): void {
    const members = membersIn(reference);
    const isIn = members.includes(person);
    if (!isIn) {
      if (listed) this.#find('diverged', device, 'has the conversation in its list, and is out');
      return;
    }
    if (!listed) return this.#find('diverged', device, 'does not have the conversation in its list');
    for (const what of ['title', 'members', 'call'] as const) {
      const [own, theirs] = [`${listed[what]}`, `${reference.listed?.[what]}`];
      if (own !== theirs) this.#find('diverged', device, `${what}: ${own} and not ${theirs}`);
    }
    if (!this.#room.talks) return;
    const own = group && `${group.id} epoch ${group.epoch} ${group.devices.toSorted().join(' ')}`;
    const theirs =
      reference.group &&
      `${reference.group.id} epoch ${reference.group.epoch} ${reference.group.devices.toSorted().join(' ')}`;
    if (own !== theirs) this.#find('diverged', device, `group: ${own} and not ${theirs}`);
    if (group?.isSettled === false) this.#find('stuck', device, 'a proposal that nobody commits');
    const inside = this.#views.filter((each) => members.includes(each.person)).map((each) => each.device);
    const missing = inside.filter((each) => !group?.devices.includes(each));
    const foreign = group?.devices.filter((each) => !inside.includes(each)) ?? [];
    if (missing.length > 0) this.#find('diverged', device, `not in its group: ${missing.join(' ')}`);
    if (foreign.length > 0) this.#find('diverged', device, `in its group, and out of the room: ${foreign.join(' ')}`);
  }

  /** `message 12 of a1-1` */
  #nameOf(id: string): string {
    const index = this.#said.findIndex((each) => each.id === id);
    const said = this.#said[index];
    return said ? `${said.saying} ${index + 1} of ${said.device}` : `${id} of nobody`;
  }
}

function isMove(type: Notice['type']): boolean {
  return type === 'added' || type === 'removed' || type === 'left';
}

function membersIn({ listed }: View): string[] {
  return listed?.members.map((each) => each.split(' ')[0] ?? '') ?? [];
}

function orderOf({ held }: View, id: string): number | undefined {
  const order = held.find((each) => each.id === id)?.order;
  return order === undefined || order < 0 ? undefined : order;
}

function sequence(view: View): string[] {
  return withNotices({ ...view, notices: [] });
}

/** By place. */
function withNotices({ held, notices }: Pick<View, 'held' | 'notices'>): string[] {
  return [
    ...held.flatMap(({ id, order }) => (order === undefined || order < 0 ? [] : [{ order, name: id }])),
    ...notices.map(({ order, type, who }) => ({ order, name: `notice ${type} ${who}` })),
  ]
    .toSorted((a, b) => a.order - b.order)
    .map(({ name }) => name);
}

/** The second time that something is in the list, it is another one. */
function counted(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
