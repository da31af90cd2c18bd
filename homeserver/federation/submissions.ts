/**
 * Messages of this domain's devices to conversations of other hubs. Each is on the own disk before its device hears anything, is handed
 * in to the hub in order, and stays until it comes back by the feed, which gives it its place, or the hub refuses it. Behind one that was
 * refused nothing of that device to that conversation goes on: it is given back too, so that nothing overtakes.
 */
import { type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
import { MAX_FED, MAX_FEED_LENGTH, type Submission, type SubmissionsAnswer } from '#signalling/federation-feed.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import { outcomePayload } from '#signalling/queue.ts';
import type { Asker } from '../ds/group-office.ts';
import type { NewEntry } from '../qs/queue-table.ts';
import type { Queues } from '../qs/queues.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import { TooMuch } from './errors.ts';
import { Lanes, type Outcome } from './lanes.ts';
import type { Waiting } from './status.ts';
import { SUBMISSION_BOUNDS, type SubmissionBounds, Tally } from './submission-bounds.ts';
import { Intake } from './submission-intake.ts';
import * as table from './submission-table.ts';
import { Waiters } from './submission-waiters.ts';
import { withUnsent } from './unsent-numbers.ts';

export interface SubmissionsOptions {
  readonly store: Pick<Store, 'db'>;
  readonly writer: Writer;
  readonly queues: Pick<Queues, 'appendAll' | 'heardBy' | 'acknowledgedBy'>;
  readonly world: World;
  readonly isAllowed: (hub: DomainName) => boolean;
  /** @throws HawserError */
  readonly submit: (hub: DomainName, messages: readonly Submission[]) => Promise<SubmissionsAnswer['results']>;
  /** So many messages are at the hub, and have their place there. */
  readonly onArrived?: (hub: DomainName, messages: number) => void;
  /** The hub refused a message for good. */
  readonly onRefused?: (hub: DomainName, code: ErrorCode) => void;
  /** What came back under the number of a message is another one than was handed in. */
  readonly onEquivocated?: (hub: DomainName) => void;
  readonly onFault: (error: unknown) => void;
  readonly bounds?: SubmissionBounds;
  /** For how long a device waits for what becomes of its message, ms; a few seconds when left out. */
  readonly patienceMs?: number;
}

/** A message of a device of this domain that came by the feed of its hub. */
export interface Arrival extends table.Named {
  readonly group: GroupId;
  /** As the hub has it. */
  readonly payload: string;
  /** Where it stands here, for the other devices. */
  readonly position: number;
  /** When the hub took it, ms since 1970. */
  readonly at: number;
}

/** What the hub has taken comes back within this time, or is handed in once more; ms without anything from there. */
const COMES_BACK_MS = 30_000;
/** What waits for longer is given back, ms. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;
/** Messages that are given back in one transaction. */
const PORTION = 200;

/** The hub answers and will take no message of this domain at all. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['FED_OLD_VERSION', 'FED_SCOPE']);

/** What this process knows of one hub. */
interface Progress {
  /** Everything up to this row was taken, or given back. */
  upTo: number;
  /** Rows that were taken and have not come back. */
  readonly taken: Set<number>;
  /** When something was taken that did not wait behind others, or came back last; ms since 1970. */
  heardAt: number;
}

export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #tally: Tally;
  readonly #intake: Intake;
  readonly #waiters: Waiters;
  readonly #lanes: Lanes;
  readonly #progress = new Map<DomainName, Progress>();

  constructor(options: SubmissionsOptions) {
    this.#options = options;
    const { writer, queues, world, onFault } = options;
    this.#waiters = new Waiters(options.patienceMs);
    this.#tally = new Tally(options.bounds ?? SUBMISSION_BOUNDS);
    this.#intake = new Intake({ writer, queues, world, tally: this.#tally });
    this.#lanes = new Lanes({
      ...{ world, onFault, work: (hub) => this.#handIn(hub) },
      // It may take long now: nobody waits for that.
      onRest: (hub) => this.#waiters.releaseAll(hub),
    });
  }

  /** Goes on with what an earlier process left. To be called before anything is sent. */
  async start(): Promise<void> {
    for (const each of await table.waits(this.#options.store.db)) this.#tally.add(each);
    for (const hub of this.#tally.depths().keys()) this.#lanes.wake(hub);
  }

  /** How many messages wait for each hub. */
  depths(): ReadonlyMap<DomainName, number> {
    return this.#tally.depths();
  }

  /** The same with when the oldest of them was written, ms since 1970. */
  async waiting(): Promise<Waiting[]> {
    const { db } = this.#options.store;
    const all: Waiting[] = [];
    for (const [domain, count] of this.depths()) {
      const [oldest] = await table.oldestNames(db, domain, 1);
      if (oldest) all.push({ domain, count, oldestAt: oldest.since });
    }
    return all;
  }

  /**
   * Takes a message to a conversation of another hub; one that was taken before is taken again without effect. Answers with its place
   * where it comes back soon.
   * @throws HawserError FED_NOT_ALLOWED, FED_WAITING_FULL, HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_GROUP, HOME_STORE_UNAVAILABLE, and what the
   * hub refused it with
   */
  async send(asker: Asker, message: NewMessage): Promise<SentMessage> {
    const hub = domainOf(message.conversation);
    if (!this.#options.isAllowed(hub)) throw new HawserError('FED_NOT_ALLOWED', hub);
    const named = { device: asker.device, conversation: message.conversation, number: message.number };
    // Nobody waits for a hub that is known not to answer.
    using patience = this.#lanes.isResting(hub) ? undefined : this.#waiters.open(named, hub);
    const stored = await this.#intake.take(asker, message);
    if (!('since' in stored)) return stored;
    this.#lanes.wake(hub);
    // It failed while this one was stored.
    if (this.#lanes.isResting(hub)) this.#waiters.release(named);
    return (await patience?.outcome) ?? { waiting: hub, since: stored.since };
  }

  /** The hub was heard of, or is allowed again. */
  retryNow(hub: DomainName): void {
    this.#lanes.retryNow(hub);
  }

  /**
   * To be called in the transaction that takes over what the feed of a hub brought. Each message that was handed in here goes, and its
   * device is told: by the answer to its request, or by its queue where nobody waits. Where the hub has put something else under its
   * number it was not sent, and is given back with what is behind it, as one that was refused.
   */
  async ownMessagesArrived(tx: Db, arrivals: readonly Arrival[]): Promise<void> {
    const entries: NewEntry[] = [];
    const altered: table.Waiting[][] = [];
    const chains = Map.groupBy(arrivals, ({ device, conversation }) => `${device} ${conversation}`);
    for (const chain of chains.values()) {
      const arrived = await this.#arrived(tx, chain);
      entries.push(...arrived.entries);
      altered.push([...arrived.altered]);
    }
    await this.#options.queues.appendAll(tx, entries);
    // Behind what was sent: a device takes everything in its line for given back with one that was.
    for (const rows of altered) await this.#giveBackAltered(tx, rows);
  }

  ownMessageArrived(tx: Db, arrival: Arrival): Promise<void> {
    return this.ownMessagesArrived(tx, [arrival]);
  }

  /** Gives back everything that waits for a hub: it is not federated with any more. */
  forget(hub: DomainName): Promise<void> {
    return this.#giveBackAll(() => table.oldestNames(this.#options.store.db, hub, PORTION), 'FED_NOT_ALLOWED');
  }

  /** Gives back what waits for too long, and hands in once more what was taken and does not come back. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    for (const [hub, progress] of this.#progress) {
      if (progress.taken.size === 0 || Math.abs(world.now() - progress.heardAt) < COMES_BACK_MS) continue;
      this.#progress.delete(hub);
      this.#lanes.wake(hub);
    }
    const before = world.now() - MAX_AGE_MS;
    await this.#giveBackAll(() => table.olderThan(store.db, before, PORTION), 'FED_UNREACHABLE');
  }

  /** Resolves when nothing is being handed in. Whoever waits is told that his message does. */
  async close(): Promise<void> {
    this.#waiters.releaseAll();
    await this.#lanes.close();
  }

  /** Of one device to one conversation, in order. @returns what its queue is to tell, and what came back as something else */
  async #arrived(tx: Db, chain: readonly Arrival[]) {
    const nothing = { entries: [], altered: [] };
    const [first] = chain;
    if (!first) return nothing;
    const { device, conversation } = first;
    const numbers = chain.map(({ number }) => number);
    const rows = await table.from(tx, { ...first, number: Math.min(...numbers) }, Math.max(...numbers));
    const waiting = new Map(rows.map((row) => [row.number, row]));
    const { number: decided = 0, unsent: before = null } = (await table.decided(tx, first)) ?? {};
    // Whatever is known and does not wait came before.
    const known = chain.filter(({ number }) => number > decided || waiting.has(number));
    const messages = await table.messagesOf(tx, rows);
    const isAsSent = ({ number, payload }: Arrival) => (messages.get(number) ?? payload) === payload;
    const fresh = known.filter(isAsSent);
    const altered = known.flatMap((arrival) => (isAsSent(arrival) ? [] : (waiting.get(arrival.number) ?? [])));
    const newest = fresh.at(-1);
    if (!newest) return { ...nothing, altered };
    const arrived = fresh.flatMap(({ number }) => waiting.get(number) ?? []);
    await this.#remove(tx, arrived);
    if (arrived.length > 0) afterCommit(tx, () => this.#options.onArrived?.(domainOf(conversation), arrived.length));
    let [unsent, upTo] = [before, decided];
    for (const { number } of fresh) {
      unsent = withUnsent(unsent, upTo + 1, number - 1);
      upTo = Math.max(upTo, number);
    }
    await table.decide(tx, { device, conversation, number: upTo, unsent, place: newest });
    const hasQueue = await table.hasQueue(tx, device);
    const entries = fresh.flatMap((arrival): NewEntry[] => {
      const { number, group, position, at } = arrival;
      const tell = this.#waiters.claim(arrival);
      if (tell) afterCommit(tx, () => tell({ position, at }));
      if (tell || !hasQueue) return [];
      const payload = outcomePayload({ conversation, position });
      return [{ audience: device, kind: 'sent', group, id: `${number}`, payload, at }];
    });
    return { entries, altered };
  }

  /** @param altered of one device to one conversation */
  async #giveBackAltered(tx: Db, altered: readonly table.Waiting[]): Promise<void> {
    const [first] = altered;
    if (!first) return;
    const rows = await table.from(tx, first);
    await this.#giveBack(tx, rows, 'FED_EQUIVOCATED', rows.at(-1)?.number);
    const numbers = new Set(altered.map(({ number }) => number));
    afterCommit(tx, () => {
      for (const row of rows) {
        if (numbers.has(row.number)) this.#waiters.refuse(row, new HawserError('FED_EQUIVOCATED', row.hub));
        else this.#waiters.release(row);
      }
      this.#options.onEquivocated?.(first.hub);
    });
  }

  /** @returns whether all of it is handed in */
  async #handIn(hub: DomainName): Promise<Outcome> {
    while (!this.#lanes.isClosed) {
      const progress = this.#progressOf(hub);
      const rows = await table.oldest(this.#options.store.db, hub, progress.upTo, MAX_FED);
      const batch = withinLength(rows);
      if (batch.length === 0) return 'done';
      let results: SubmissionsAnswer['results'];
      try {
        results = await this.#options.submit(hub, batch.map(submissionOf));
        if (results.length !== batch.length) throw new HawserError('FED_UNREACHABLE', hub);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        if (error instanceof TooMuch) return error;
        if (!FINAL.has(error.code)) return 'down';
        await this.#giveBackAll(() => table.oldestNames(this.#options.store.db, hub, PORTION), error.code);
        continue;
      }
      if (!(await this.#answered(progress, batch, results))) return 'down';
    }
    return 'done';
  }

  /** @returns whether all of them are done with, for now */
  async #answered(
    progress: Progress,
    batch: readonly table.StoredSubmission[],
    results: SubmissionsAnswer['results'],
  ): Promise<boolean> {
    /** Devices and conversations of which nothing is looked at any more. */
    const over = new Set<string>();
    let isHeld = false;
    if (progress.taken.size === 0) progress.heardAt = this.#options.world.now();
    for (const [index, row] of batch.entries()) {
      const result = results[index];
      const key = `${row.device_id} ${row.conversation_id}`;
      if (!result || over.has(key)) continue;
      if ('taken' in result) {
        progress.taken.add(row.position);
      } else {
        over.add(key);
        const refusal = new HawserError(isErrorCode(result.code) ? result.code : 'FED_REFUSED');
        if (refusal.retry) isHeld = true;
        else await this.#giveBackFrom(row, refusal);
      }
      if (!isHeld) progress.upTo = row.position;
    }
    const last = batch.at(-1);
    if (!isHeld && last) progress.upTo = last.position;
    return !isHeld;
  }

  /** The message, and what is behind it of that device to that conversation. */
  async #giveBackFrom(refused: table.StoredSubmission, refusal: HawserError): Promise<void> {
    const { writer, onRefused } = this.#options;
    const { device_id: device, conversation_id: conversation, number } = refused;
    await writer.run(async (tx) => {
      const rows = await table.from(tx, { device, conversation, number });
      // Meanwhile it came back, or was given back already.
      if (rows[0]?.number !== number) return;
      await this.#giveBack(tx, rows, refusal.code, rows.at(-1)?.number);
      afterCommit(tx, () => {
        const [first, ...behind] = rows;
        if (first) this.#waiters.refuse(first, refusal);
        for (const each of behind) this.#waiters.release(each);
      });
    });
    onRefused?.(refused.hub, refusal.code);
  }

  async #giveBackAll(find: () => Promise<readonly table.Waiting[]>, code: ErrorCode): Promise<void> {
    for (let rows = await find(); rows.length > 0; rows = await find()) {
      const portion = rows;
      await this.#options.writer.run(async (tx) => {
        await this.#giveBack(tx, portion, code);
        afterCommit(tx, () => {
          for (const each of portion) this.#waiters.refuse(each, new HawserError(code, each.hub));
        });
      });
    }
  }

  /** @param last up to which number they are given back because of the first one; each for itself when left out */
  async #giveBack(tx: Db, rows: readonly table.Waiting[], code: ErrorCode, last?: number): Promise<void> {
    const entries: NewEntry[] = [];
    for (const row of rows) {
      const { device, conversation, group, number } = row;
      const { number: decided = 0, unsent: before = null } = (await table.decided(tx, row)) ?? {};
      const unsent = withUnsent(before, decided + 1, number);
      await table.decide(tx, { device, conversation, number: Math.max(number, decided), unsent });
      if (!(await table.hasQueue(tx, device))) continue;
      const payload = outcomePayload({ conversation, code, last: last ?? number });
      const at = this.#options.world.now();
      entries.push({ audience: device, kind: 'refused', group, id: `${number}`, payload, at });
    }
    await this.#options.queues.appendAll(tx, entries);
    await this.#remove(tx, rows);
  }

  async #remove(tx: Db, rows: readonly table.Waiting[]): Promise<void> {
    await table.remove(tx, rows);
    afterCommit(tx, () => {
      for (const { hub, device, length, position } of rows) {
        this.#tally.remove({ hub, device, rows: 1, length });
        const progress = this.#progress.get(hub);
        if (progress?.taken.delete(position)) progress.heardAt = this.#options.world.now();
      }
    });
  }

  #progressOf(hub: DomainName): Progress {
    const known = this.#progress.get(hub);
    if (known) return known;
    const fresh = { upTo: 0, taken: new Set<number>(), heardAt: this.#options.world.now() };
    this.#progress.set(hub, fresh);
    return fresh;
  }
}

/** As many of the first as go in one request: at least one. */
function withinLength(rows: readonly table.StoredSubmission[]): readonly table.StoredSubmission[] {
  let length = 0;
  const end = rows.findIndex(({ message }, index) => {
    length += message.length;
    return index > 0 && length > MAX_FEED_LENGTH;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

function submissionOf(row: table.StoredSubmission): Submission {
  const { conversation_id: conversation, device_id: device, number, message, is_quiet } = row;
  return { conversation, device, number, message, ...(is_quiet === 1 && { quiet: true }) };
}
