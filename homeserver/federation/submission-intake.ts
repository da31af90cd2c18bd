/**
 * Messages to conversations of other hubs on their way to the own disk: as in ds/sending.ts, what arrives while others are written is
 * written next, all of it together.
 */
import { may } from '#signalling/capabilities.ts';
import { HawserError, isErrorCode } from '#signalling/errors.ts';
import type { NewMessage, TakenMessage } from '#signalling/groups.ts';
import { type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import { parseRefused } from '#signalling/queue.ts';
import type { Asker } from '../ds/group-office.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Tally } from './submission-bounds.ts';
import * as table from './submission-table.ts';
import { isUnsent } from './unsent-numbers.ts';

export interface IntakeOptions {
  readonly writer: Writer;
  readonly queues: Pick<Queues, 'heardBy' | 'acknowledgedBy'>;
  readonly world: World;
  readonly tally: Tally;
}

/** It waits on disk, since then (ms since 1970); or it was taken before, and has a place. */
export type Stored = { readonly since: number } | TakenMessage;

interface Request {
  readonly asker: Asker;
  readonly message: NewMessage;
  /** What the device knew when it asked: a position of its queue. Undefined where it has not said. */
  readonly heard: number | undefined;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: unknown) => void;
}

/** Messages in one transaction: more wait for the next one, so that nobody waits long. */
const MAX_BATCH = 256;

export class Intake {
  readonly #options: IntakeOptions;
  #waiting: Request[] = [];
  #isWriting = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it is on disk.
   * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_GROUP, FED_WAITING_FULL, HOME_STORE_UNAVAILABLE, what the hub answered to
   * a message with this number, and MLS_EPOCH_PAST until the device knows that one before it was given back
   */
  take(asker: Asker, message: NewMessage): Promise<Stored> {
    return new Promise((resolve, reject) => {
      const heard = this.#options.queues.heardBy(asker.device);
      this.#waiting.push({ asker, message, heard, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      let batch: readonly Request[] = [];
      const counted: table.Waits[] = [];
      try {
        const settle = await this.#options.writer.run((tx) => {
          batch = this.#waiting.splice(0, MAX_BATCH);
          return this.#write(tx, batch, counted);
        });
        settle();
      } catch (error) {
        for (const each of counted) this.#options.tally.remove(each);
        for (const { reject } of batch) reject(error);
        // The database is away before anything was taken: whoever waits is told so too.
        if (batch.length === 0) for (const { reject } of this.#waiting.splice(0)) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** @returns what is to be done when the transaction is on disk */
  async #write(tx: Db, batch: readonly Request[], counted: table.Waits[]): Promise<() => void> {
    const { world, tally, queues } = this.#options;
    const now = world.now();
    const settled: (() => void)[] = [];
    const rows = new Map<string, table.NewSubmission>();
    const looked = new Looked(tx, queues);
    for (const { asker, message, heard, resolve, reject } of batch) {
      const { conversation, number, quiet } = message;
      const named = { device: asker.device, conversation, number };
      const key = `${asker.device} ${conversation} ${number}`;
      try {
        const before = rows.has(key) ? { since: now } : await looked.known(named);
        if (before) {
          settled.push(() => resolve(before));
          continue;
        }
        const group = await looked.permit(asker, message);
        // What was written before the device heard of that one would overtake it.
        if (await looked.isBehindRefused(named, heard))
          throw new HawserError('MLS_EPOCH_PAST', 'behind one that was refused');
        const hub = domainOf(conversation);
        const wait = { hub, device: asker.device, rows: 1, length: message.message.length };
        if (!tally.hasRoom(wait)) throw new HawserError('FED_WAITING_FULL', hub);
        tally.add(wait);
        counted.push(wait);
        looked.add(named);
        rows.set(key, rowOf(hub, asker, message, group, now, quiet === true));
        settled.push(() => resolve({ since: now }));
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        settled.push(() => reject(error));
      }
    }
    await table.insert(tx, [...rows.values()]);
    return () => {
      for (const settle of settled) settle();
    };
  }
}

/** What one transaction has looked at: each thing once, however many messages come at once. */
class Looked {
  readonly #tx: Db;
  readonly #queues: IntakeOptions['queues'];
  /** The highest number that waits, of a device to a conversation; with those that this transaction adds. */
  readonly #newest = new Map<string, number>();
  readonly #decided = new Map<string, Awaited<ReturnType<typeof table.decided>>>();
  readonly #standings = new Map<string, Awaited<ReturnType<typeof table.standing>>>();

  readonly #refused = new Map<string, number>();

  constructor(tx: Db, queues: IntakeOptions['queues']) {
    this.#tx = tx;
    this.#queues = queues;
  }

  add(named: table.Named): void {
    this.#newest.set(chainOf(named), named.number);
  }

  /** What is known of a message that was handed in before; undefined where it is new. @throws HawserError what the hub answered */
  async known(named: table.Named): Promise<Stored | undefined> {
    const { number } = named;
    const key = chainOf(named);
    const newest = await once(this.#newest, key, () => table.newestNumber(this.#tx, named));
    if (number <= newest) {
      const waiting = await table.find(this.#tx, named);
      if (waiting) return { since: waiting.since };
    }
    const decided = await once(this.#decided, key, () => table.decided(this.#tx, named));
    if (decided && number <= decided.number) {
      // Until its device has taken what became of it: later it does not ask any more.
      const refusal = await table.refusal(this.#tx, named);
      if (refusal !== undefined) throw new HawserError(codeIn(refusal));
      // It never came, or was given back: under a new number it can be taken.
      if (isUnsent(decided.unsent, number)) throw new HawserError('MLS_EPOCH_PAST', 'this number was not sent');
      const place = number < decided.number ? await table.placeOf(this.#tx, named) : undefined;
      if (place) return place;
      return { position: decided.position, at: decided.at };
    }
    if (number < newest) throw new HawserError('HOME_BAD_REQUEST', 'the number is lower than one before it');
    return undefined;
  }

  /** Whether one of the device's messages to the conversation was given back, and the device did not know that. */
  async isBehindRefused(named: table.Named, heard: number | undefined): Promise<boolean> {
    const refused = await once(this.#refused, chainOf(named), () => table.lastRefusal(this.#tx, named));
    if (refused === 0) return false;
    return refused > (heard ?? (await this.#queues.acknowledgedBy(this.#tx, named.device)));
  }

  /** @throws HawserError where this person cannot send to the conversation, as far as is known here */
  async permit({ user }: Asker, { conversation }: NewMessage): Promise<GroupId> {
    const standing = await once(this.#standings, `${user} ${conversation}`, () =>
      table.standing(this.#tx, conversation, user),
    );
    if (!standing?.role) throw new HawserError('HOME_NOT_FOUND');
    if (!may(standing.role, 'sendMessage')) throw new HawserError('HOME_FORBIDDEN', 'sendMessage');
    if (standing.group === null) throw new HawserError('HOME_NO_GROUP');
    return standing.group;
  }
}

async function once<T>(known: Map<string, T>, key: string, look: () => Promise<T>): Promise<T> {
  if (!known.has(key)) known.set(key, await look());
  return known.get(key) as T;
}

function chainOf({ device, conversation }: table.Named): string {
  return `${device} ${conversation}`;
}

function rowOf(
  hub: DomainName,
  { device }: Asker,
  { conversation, number, message }: NewMessage,
  group: GroupId,
  now: number,
  isQuiet: boolean,
): table.NewSubmission {
  return {
    ...{ hub, device_id: device, conversation_id: conversation, group_id: group, number, message },
    is_quiet: isQuiet ? 1 : 0,
    created_at: now,
  };
}

function codeIn(payload: string) {
  const { code } = parseRefused(payload);
  return isErrorCode(code) ? code : 'FED_REFUSED';
}
