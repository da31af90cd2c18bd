/**
 * Queues of devices: what was accepted for a device waits here, on disk, until the device says that it has it. At least
 * once, in the order of acceptance; a device tells repeats apart by the position.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type DeviceId, type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import { type Entry, MAX_DELIVERED } from '#signalling/queue.ts';
import { afterCommit } from '../store/after-commit.ts';
import { inParts } from '../store/rows.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import { randomToken, type World } from '../world.ts';
import { MAX_DELIVERY_LENGTH, parts, Texts } from './deliveries.ts';
import { Flow } from './flow.ts';
import { forget } from './forgetting.ts';
import { dropOldest, type QueueBounds } from './overflow.ts';
import type { Audience, NewEntry, Placed } from './queue-table.ts';
import * as table from './queue-table.ts';

export interface QueuesOptions {
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  readonly bounds?: QueueBounds;
  /** A message for an audience is on disk that is worth waking somebody for. */
  readonly onLoud?: (audience: Audience, sender: DeviceId | undefined) => void;
  /** A device is gone, and such a message was on its way to it. */
  readonly onMissed?: (device: DeviceId) => void;
  /** Every entry that is on disk, in the order of positions. */
  readonly onCommitted?: (audience: Audience, entry: Entry) => void;
  readonly onFault: (error: unknown) => void;
}

/** A connected device. */
export interface Receiver {
  /** @param text the entries as JSON; the same for all devices that get them */
  deliver(entries: readonly Entry[], text: string): void;
}

interface Connected extends Receiver {
  readonly device: DeviceId;
  readonly flow: Flow;
  readonly audiences: Set<Audience>;
  /** What goes out at the end of this moment. */
  fresh: Entry[];
  /** Whether everything that was accepted has been sent: then it gets what comes at once, else from the database. */
  isLive: boolean;
  /** Position of the newest message sent to it that is worth waking somebody for. */
  loud: number;
  isPumping: boolean;
  isGone: boolean;
}

const ORDER_ID_BYTES = 12;

/** Acknowledgements are written together, after this time; what a crash loses of them is only sent again. ms */
const ACKNOWLEDGE_MS = 500;

/** Audiences of which what everybody has is forgotten in one transaction: it takes about 3 ms. */
const FORGOTTEN_TOGETHER = 8;

export class Queues {
  readonly #options: QueuesOptions;
  readonly #connected = new Map<DeviceId, Connected>();
  readonly #byAudience = new Map<Audience, Set<Connected>>();
  readonly #withFresh = new Set<Connected>();
  /** Position of the newest entry that is on disk. */
  #newest: number;
  #acknowledged = new Map<DeviceId, number>();
  /** The same of all devices that have said anything since the start. */
  readonly #heard = new Map<DeviceId, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Audiences of which something may be forgotten. */
  #due: Set<Audience>;
  #isClosed = false;

  /** Of this order of positions: where it is another one than before, a device asks again for everything. */
  readonly id: string;

  private constructor(options: QueuesOptions, id: string, newest: number, due: Set<Audience>) {
    this.#options = options;
    this.id = id;
    this.#newest = newest;
    this.#due = due;
  }

  static async open(options: QueuesOptions): Promise<Queues> {
    const { db } = options.store;
    const id = await table.orderId(db, randomToken(options.world, ORDER_ID_BYTES));
    return new Queues(options, id, await table.newestPosition(db), new Set(await table.keptAudiences(db)));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get connections(): number {
    return this.#connected.size;
  }

  isConnected(device: DeviceId): boolean {
    return this.#connected.has(device);
  }

  /** Writes an entry; whoever is connected gets it when the transaction is on disk. */
  async append(tx: Db, entry: NewEntry): Promise<Entry> {
    const [written] = await this.appendAll(tx, [entry]);
    if (!written) throw new Error('an entry was not written');
    return written;
  }

  /** The same for many. @returns them in the order in which they are given, which is that of their positions */
  async appendAll(tx: Db, entries: readonly NewEntry[]): Promise<Entry[]> {
    const placed = await table.append(tx, entries);
    afterCommit(tx, () => {
      for (const [index, each] of placed.entries()) {
        const { kind, quiet } = entries[index] ?? {};
        this.#committed(each, kind === 'message' && quiet !== true);
      }
    });
    return placed.map(({ entry }) => entry);
  }

  /** From now on what goes to the audience is for the device too. */
  async subscribe(tx: Db, device: DeviceId, audience: Audience, since: number): Promise<void> {
    await table.subscribe(tx, device, audience, since);
    afterCommit(tx, () => {
      const connected = this.#connected.get(device);
      if (!connected) return;
      this.#listen(connected, audience);
      // What is for it from before it listened, its own external commit for instance, has to come from the database.
      if (since >= this.#newest || !connected.isLive) return;
      connected.isLive = false;
      this.#pump(connected);
    });
  }

  /** The entry at `until` is the last one that the device gets. */
  async unsubscribe(tx: Db, device: DeviceId, audience: Audience, until: number): Promise<void> {
    await table.unsubscribe(tx, device, audience, until);
    afterCommit(tx, () => {
      const connected = this.#connected.get(device);
      if (connected) this.#unlisten(connected, audience);
    });
  }

  /** The same for all devices of an audience. */
  async unsubscribeAll(tx: Db, audience: Audience, until: number): Promise<void> {
    const devices = await table.unsubscribeAll(tx, audience, until);
    afterCommit(tx, () => {
      for (const device of devices) {
        const connected = this.#connected.get(device);
        if (connected) this.#unlisten(connected, audience);
      }
    });
  }

  /** A new device: what is for it alone waits from now on. */
  async create(tx: Db, device: DeviceId): Promise<void> {
    await table.subscribe(tx, device, device, 0);
  }

  /** All devices that have a queue. */
  devices(): Promise<DeviceId[]> {
    return table.queuedDevices(this.#options.store.db);
  }

  /** Those of some devices that have a queue: all that were not removed. */
  among(tx: Db, devices: readonly DeviceId[]): Promise<Set<DeviceId>> {
    return table.queuedAmong(tx, devices);
  }

  /** Devices that get what goes to each of some groups now. */
  readers(tx: Db, groups: readonly GroupId[]): Promise<Map<GroupId, Set<DeviceId>>> {
    return table.readersOf(tx, groups);
  }

  /** Others than devices had something of these: it is looked at with the next sweep. */
  mayForget(audiences: Iterable<Audience>): void {
    for (const audience of audiences) this.#due.add(audience);
  }

  /** Hubs of the groups that the device is in. */
  async hubsOf(device: DeviceId): Promise<DomainName[]> {
    const audiences = await table.audiencesOf(this.#options.store.db, device);
    return [...new Set(audiences.filter((audience) => audience !== device).map(domainOf))];
  }

  async remove(device: DeviceId): Promise<void> {
    const connected = this.#connected.get(device);
    if (connected) this.#disconnect(connected);
    this.#acknowledged.delete(device);
    this.#heard.delete(device);
    await this.#options.writer.run((tx) => table.removeQueue(tx, device));
  }

  /**
   * Sends everything behind `after` to the receiver, and what comes from then on. A device has one receiver: the newest.
   * @returns how to end it
   */
  async connect(device: DeviceId, after: number, receiver: Receiver): Promise<Connection> {
    const { db } = this.#options.store;
    const connected: Connected = {
      deliver: (entries, text) => receiver.deliver(entries, text),
      device,
      flow: new Flow(Math.min(after, this.#newest)),
      audiences: new Set(),
      fresh: [],
      isLive: false,
      loud: 0,
      isPumping: false,
      isGone: false,
    };
    const before = this.#connected.get(device);
    if (before) this.#disconnect(before);
    this.#connected.set(device, connected);
    // Whatever joins from here on is told by `subscribe`.
    for (const audience of await table.audiencesOf(db, device)) this.#listen(connected, audience);
    for (const audience of connected.audiences) this.#due.add(audience);
    this.#note(device, connected.flow.acknowledged);
    this.#pump(connected);
    return {
      acknowledge: (position) => this.#acknowledge(connected, position),
      end: () => this.#disconnect(connected),
    };
  }

  /** The same by asking, for clients without a WebSocket. */
  waiting(device: DeviceId, after: number): Promise<Entry[]> {
    return table.waiting(this.#options.store.db, device, after, MAX_DELIVERED);
  }

  /** @param position everything up to here is on the device; more than there is counts as all */
  async acknowledge(device: DeviceId, position: number): Promise<void> {
    for (const audience of await table.audiencesOf(this.#options.store.db, device)) this.#due.add(audience);
    this.#note(device, Math.min(position, this.#newest));
  }

  /** Everything up to here is on the device, as it has said until this moment; undefined where it has said nothing since the start. */
  heardBy(device: DeviceId): number | undefined {
    return this.#heard.get(device);
  }

  /** The same as it is written down. */
  acknowledgedBy(tx: Db, device: DeviceId): Promise<number> {
    return table.acknowledgedBy(tx, device);
  }

  /** Forgets what everybody has, and drops the oldest messages where too many wait. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, writer, world, bounds } = this.#options;
    // Whoever has everything that was for it has the rest too, which was not: nothing is kept for its sake.
    for (const { device, flow, isLive } of this.#connected.values()) {
      if (isLive && flow.isEmpty) this.#note(device, this.#newest);
    }
    await this.flush();
    const due = this.#due;
    this.#due = new Set();
    await this.#forget([...due]);
    for (const audience of await dropOldest(this, store.db, writer, world, this.#newest, bounds))
      this.#due.add(audience);
  }

  /** In parts with pauses, in which others write. */
  async #forget(due: readonly Audience[]): Promise<void> {
    for (const part of inParts(due, FORGOTTEN_TOGETHER)) {
      if (this.#isClosed) return; // the next process looks at all of them
      const began = performance.now();
      await this.#options.writer.run((tx) => forget(tx, part));
      await wait(performance.now() - began);
    }
  }

  /** Writes what was acknowledged and is not written yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const acknowledged = this.#acknowledged;
    if (acknowledged.size === 0) return;
    this.#acknowledged = new Map();
    await this.#options.writer.run((tx) => table.acknowledge(tx, acknowledged));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connected of [...this.#connected.values()]) this.#disconnect(connected);
    await this.flush();
  }

  #committed({ audience, entry }: Placed, isLoud: boolean): void {
    this.#newest = entry.position;
    this.#options.onCommitted?.(audience, entry);
    if (isLoud) this.#options.onLoud?.(audience, entry.sender);
    for (const connected of this.#byAudience.get(audience) ?? []) {
      if (!connected.isLive) continue;
      if (entry.kind === 'message' && entry.sender === connected.device) continue;
      // It was on disk when the database was asked last.
      if (entry.position <= connected.flow.sent) continue;
      if (connected.flow.isFull) connected.isLive = false;
      else {
        connected.flow.send(entry.position, audience, entry.payload.length);
        if (isLoud) connected.loud = entry.position;
        connected.fresh.push(entry);
        // All that was written in one transaction is told in this very moment, and goes out in one delivery.
        if (this.#withFresh.size === 0) queueMicrotask(() => this.#sendFresh());
        this.#withFresh.add(connected);
      }
    }
  }

  #sendFresh(): void {
    const texts = new Texts();
    const withFresh = [...this.#withFresh];
    this.#withFresh.clear();
    for (const connected of withFresh) {
      const { fresh } = connected;
      connected.fresh = [];
      if (connected.isGone) continue; // it asks for it again
      for (const part of parts(fresh)) connected.deliver(part, texts.of(part));
    }
  }

  #acknowledge(connected: Connected, position: number): boolean {
    const arrived = connected.flow.acknowledge(position);
    if (!arrived) return false;
    for (const audience of arrived) this.#due.add(audience);
    this.#note(connected.device, position);
    if (!connected.isLive) this.#pump(connected);
    return true;
  }

  #note(device: DeviceId, position: number): void {
    this.#heard.set(device, Math.max(position, this.#heard.get(device) ?? 0));
    this.#acknowledged.set(device, Math.max(position, this.#acknowledged.get(device) ?? 0));
    this.#timer ??= setTimeout(() => this.flush().catch(this.#options.onFault), ACKNOWLEDGE_MS);
  }

  /** Sends from the database until everything is sent, or enough is under way. */
  #pump(connected: Connected): void {
    if (connected.isPumping || connected.isGone) return;
    connected.isPumping = true;
    this.#pumpOn(connected)
      .catch(this.#options.onFault)
      .finally(() => {
        connected.isPumping = false;
      });
  }

  async #pumpOn(connected: Connected): Promise<void> {
    const { flow, device } = connected;
    while (!connected.isGone && !flow.isFull) {
      const newest = this.#newest;
      const entries = await table.waiting(this.#options.store.db, device, flow.sent, MAX_DELIVERED);
      if (connected.isGone) return;
      const some = takeWhileRoom(entries, flow, device);
      if (some.length > 0) connected.deliver(some, JSON.stringify(some));
      // Nothing came while the database was asked, so there is nothing between what was sent and what comes next.
      if (some.length === entries.length && entries.length < MAX_DELIVERED && newest === this.#newest) {
        connected.isLive = true;
        return;
      }
    }
  }

  #listen(connected: Connected, audience: Audience): void {
    if (connected.isGone) return;
    connected.audiences.add(audience);
    const receivers = this.#byAudience.get(audience) ?? new Set();
    this.#byAudience.set(audience, receivers.add(connected));
  }

  #unlisten(connected: Connected, audience: Audience): void {
    connected.audiences.delete(audience);
    const receivers = this.#byAudience.get(audience);
    receivers?.delete(connected);
    if (receivers?.size === 0) this.#byAudience.delete(audience);
  }

  #disconnect(connected: Connected): void {
    connected.isGone = true;
    connected.isLive = false;
    for (const audience of [...connected.audiences]) this.#unlisten(connected, audience);
    if (this.#connected.get(connected.device) === connected) this.#connected.delete(connected.device);
    if (connected.loud > connected.flow.acknowledged) this.#options.onMissed?.(connected.device);
  }
}

export interface Connection {
  /** False where the device acknowledges what was never sent to it. */
  acknowledge(position: number): boolean;
  end(): void;
}

/** At least one, so that an entry that is larger than the window goes out alone. */
function takeWhileRoom(entries: readonly Entry[], flow: Flow, device: DeviceId): Entry[] {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (flow.isFull || (taken.length > 0 && bytes + entry.payload.length > MAX_DELIVERY_LENGTH)) break;
    bytes += entry.payload.length;
    flow.send(entry.position, entry.group ?? device, entry.payload.length);
    taken.push(entry);
  }
  return taken;
}
