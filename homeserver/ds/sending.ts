/**
 * Messages on their way to the disk. What arrives while others are written is written next, all of it together: some statements
 * for a hundred messages in the place of some for each.
 */
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { HawserError } from '#signalling/errors.ts';
import type { TakenMessage } from '#signalling/groups.ts';
import type { ConversationId, DeviceId, GroupId } from '#signalling/ids.ts';
import type { Queues } from '../qs/queues.ts';
import { planned } from '../store/planned.ts';
import { inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';

export interface SendingOptions {
  readonly writer: Writer;
  readonly queues: Queues;
  readonly world: World;
}

export interface Outgoing {
  readonly conversation: ConversationId;
  readonly group: GroupId;
  readonly device: DeviceId;
  /** Counts the device's messages to the conversation: one that is not higher than the last was taken before. */
  readonly number: number;
  /** base64url */
  readonly message: string;
  /** Nobody is to be woken for it. */
  readonly isQuiet: boolean;
  /**
   * Of the message: where its sender is not believed that one number is one message, as of another domain. @see digestOf
   */
  readonly digest?: string;
  /** Shared by messages of which none is taken behind one that was refused. */
  readonly chain?: Chain;
  /** It is on disk, and was not before: called at most once, however often it is sent. */
  readonly onNew?: (() => void) | undefined;
  /** Looks once more, when nothing else can come in between. @throws HawserError where it may not be sent any more */
  readonly permit: (tx: Db) => Promise<void>;
}

/** Messages of one device to one conversation that were handed in together. */
export interface Chain {
  refusal?: HawserError;
}

interface Numbered extends TakenMessage {
  readonly number: number;
  readonly digest: string | null;
}

type Asked = Pick<Outgoing, 'device' | 'conversation' | 'number' | 'digest'>;

interface Waiting {
  readonly outgoing: Outgoing;
  readonly resolve: (sent: TakenMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** Messages in one transaction: more wait for the next one, so that nobody waits long. */
const MAX_BATCH = 256;
/**
 * Between the beginnings of two transactions at least: what arrives meanwhile is written together. Who sends alone waits for nothing.
 */
const GATHERED_MS = 4;
/** Last numbers that are held in memory, some 300 bytes each; the others are in the database. */
const MAX_KNOWN = 20_000;

export class Sending {
  readonly #options: SendingOptions;
  /** The last message of a device to a conversation, as far as it is on disk. */
  readonly #known = new Map<string, Numbered>();
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** The last transaction, by `performance.now()`. */
  #beganAt = Number.NEGATIVE_INFINITY;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** Resolves when it is on disk. @throws HawserError what `permit` throws, HOME_STORE_UNAVAILABLE */
  send(outgoing: Outgoing): Promise<TakenMessage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ outgoing, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  /** The place of what was taken before; undefined where it is new. @throws HawserError FED_EQUIVOCATED */
  async taken(db: Db, asked: Asked): Promise<TakenMessage | undefined> {
    const last = this.#known.get(keyOf(asked)) ?? (await storedNumber(db, asked));
    if (!last || asked.number > last.number) return undefined;
    refuseOther(last, asked);
    return sentOf(last);
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const early = this.#beganAt + GATHERED_MS - performance.now();
      if (early > 0 && this.#waiting.length < MAX_BATCH) await wait(early);
      this.#beganAt = performance.now();
      let batch: readonly Waiting[] = [];
      try {
        const settle = await this.#options.writer.run((tx) => {
          batch = this.#waiting.splice(0, MAX_BATCH);
          return this.#write(tx, batch);
        });
        settle();
      } catch (error) {
        for (const { reject } of batch) reject(error);
        // The database is away before anything was taken: whoever waits is told so too.
        if (batch.length === 0) for (const { reject } of this.#waiting.splice(0)) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** @returns what is to be done when the transaction is on disk */
  async #write(tx: Db, batch: readonly Waiting[]): Promise<() => void> {
    const { queues, world } = this.#options;
    const at = world.now();
    /** With those of this batch. */
    const last = new Map<string, Numbered>();
    const fresh: Waiting[] = [];
    const settled: (() => void)[] = [];
    for (const waiting of batch) {
      const { outgoing, resolve, reject } = waiting;
      const key = keyOf(outgoing);
      const before = last.get(key) ?? this.#known.get(key) ?? (await storedNumber(tx, outgoing));
      const { chain } = outgoing;
      try {
        if (before && outgoing.number <= before.number) {
          refuseOther(before, outgoing);
          // Also where the first of two that came at once is only just being written.
          settled.push(() => resolve(sentOf(this.#known.get(key) ?? before)));
          continue;
        }
        if (chain?.refusal) throw chain.refusal;
        await outgoing.permit(tx);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        if (chain) chain.refusal ??= error;
        settled.push(() => reject(error));
        continue;
      }
      last.set(key, { number: outgoing.number, position: 0, at, digest: outgoing.digest ?? null });
      fresh.push(waiting);
    }
    const entries = await queues.appendAll(
      tx,
      fresh.map(({ outgoing: { group, device, number, message, isQuiet } }) => ({
        ...({ audience: group, kind: 'message', sender: device, id: `${number}` } as const),
        ...{ payload: message, at, quiet: isQuiet },
      })),
    );
    for (const [index, { outgoing, resolve }] of fresh.entries()) {
      const position = entries[index]?.position ?? 0;
      last.set(keyOf(outgoing), { number: outgoing.number, position, at, digest: outgoing.digest ?? null });
      settled.push(() => {
        outgoing.onNew?.();
        resolve({ position, at });
      });
    }
    await storeNumbers(tx, fresh, last);
    return () => {
      for (const [key, numbered] of last) this.#know(key, numbered);
      for (const settle of settled) settle();
    };
  }

  #know(key: string, numbered: Numbered): void {
    this.#known.delete(key);
    this.#known.set(key, numbered);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function keyOf({ device, conversation }: Pick<Outgoing, 'device' | 'conversation'>): string {
  return `${device} ${conversation}`;
}

/** By which one message is told from another: 12 bytes, base64url. @param message base64url */
export function digestOf(message: string): string {
  return createHash('sha256').update(message).digest('base64url').slice(0, 16);
}

/** Of the newest number only: what was said under those before it nobody knows any more. @throws HawserError FED_EQUIVOCATED */
function refuseOther(last: Numbered, { number, digest }: Asked): void {
  const isOther = number === last.number && digest !== undefined && last.digest !== null && digest !== last.digest;
  if (isOther) throw new HawserError('FED_EQUIVOCATED', 'two messages with one number');
}

function sentOf({ position, at }: Numbered): TakenMessage {
  return { position, at };
}

function storedNumber(
  db: Db,
  { device, conversation }: Pick<Outgoing, 'device' | 'conversation'>,
): Promise<Numbered | undefined> {
  return db
    .selectFrom('sent_numbers')
    .select(['number', 'position', 'at', 'digest'])
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .executeTakeFirst();
}

/** One row a device and conversation, whatever came of it in this batch. */
async function storeNumbers(tx: Db, fresh: readonly Waiting[], last: ReadonlyMap<string, Numbered>): Promise<void> {
  const rows = new Map(
    fresh.map(({ outgoing }) => {
      const { device: device_id, conversation: conversation_id } = outgoing;
      const { number = 0, position = 0, at = 0, digest = null } = last.get(keyOf(outgoing)) ?? {};
      return [keyOf(outgoing), { device_id, conversation_id, number, position, at, digest }];
    }),
  );
  for (const part of inParts([...rows.values()])) {
    const values = part.flatMap(({ device_id, conversation_id, number, position, at, digest }) => [
      ...[device_id, conversation_id, number, position, at, digest],
    ]);
    await planned(tx, `sent ${part.length}`, values, () =>
      tx
        .insertInto('sent_numbers')
        .values(part)
        .onConflict((c) =>
          c.columns(['device_id', 'conversation_id']).doUpdateSet((e) => ({
            number: e.ref('excluded.number'),
            position: e.ref('excluded.position'),
            at: e.ref('excluded.at'),
            digest: e.ref('excluded.digest'),
          })),
        ),
    );
  }
}
