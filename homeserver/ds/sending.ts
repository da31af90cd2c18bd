/**
 * Messages on their way to the disk. What arrives while others are written is written next, all of it together: some statements
 * for a hundred messages in the place of some for each.
 */
import { HawserError } from '#signalling/errors.ts';
import type { SentMessage } from '#signalling/groups.ts';
import type { ConversationId, DeviceId, GroupId } from '#signalling/ids.ts';
import type { Queues } from '../qs/queues.ts';
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
  /** Looks once more, when nothing else can come in between. @throws HawserError where it may not be sent any more */
  readonly permit: (tx: Db) => Promise<void>;
}

interface Numbered extends SentMessage {
  readonly number: number;
}

interface Waiting {
  readonly outgoing: Outgoing;
  readonly resolve: (sent: SentMessage) => void;
  readonly reject: (error: unknown) => void;
}

/** Messages in one transaction: more wait for the next one, so that nobody waits long. */
const MAX_BATCH = 256;
/** Last numbers that are held in memory, some 300 bytes each; the others are in the database. */
const MAX_KNOWN = 20_000;

export class Sending {
  readonly #options: SendingOptions;
  /** The last message of a device to a conversation, as far as it is on disk. */
  readonly #known = new Map<string, Numbered>();
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** Resolves when it is on disk. @throws HawserError what `permit` throws, HOME_STORE_UNAVAILABLE */
  send(outgoing: Outgoing): Promise<SentMessage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ outgoing, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  /** The place of what was taken before; undefined where it is new. */
  async taken(db: Db, asked: Pick<Outgoing, 'device' | 'conversation' | 'number'>): Promise<SentMessage | undefined> {
    const last = this.#known.get(keyOf(asked)) ?? (await storedNumber(db, asked));
    return last && asked.number <= last.number ? sentOf(last) : undefined;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
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
      if (before && outgoing.number <= before.number) {
        // Also where the first of two that came at once is only just being written.
        settled.push(() => resolve(sentOf(this.#known.get(key) ?? before)));
        continue;
      }
      try {
        await outgoing.permit(tx);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        settled.push(() => reject(error));
        continue;
      }
      last.set(key, { number: outgoing.number, position: 0, at });
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
      last.set(keyOf(outgoing), { number: outgoing.number, position, at });
      settled.push(() => resolve({ position, at }));
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

function sentOf({ position, at }: Numbered): SentMessage {
  return { position, at };
}

function storedNumber(
  db: Db,
  { device, conversation }: Pick<Outgoing, 'device' | 'conversation'>,
): Promise<Numbered | undefined> {
  return db
    .selectFrom('sent_numbers')
    .select(['number', 'position', 'at'])
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .executeTakeFirst();
}

/** One row a device and conversation, whatever came of it in this batch. */
async function storeNumbers(tx: Db, fresh: readonly Waiting[], last: ReadonlyMap<string, Numbered>): Promise<void> {
  const rows = new Map(
    fresh.map(({ outgoing }) => {
      const { device: device_id, conversation: conversation_id } = outgoing;
      const { number = 0, position = 0, at = 0 } = last.get(keyOf(outgoing)) ?? {};
      return [keyOf(outgoing), { device_id, conversation_id, number, position, at }];
    }),
  );
  for (const part of inParts([...rows.values()])) {
    await tx
      .insertInto('sent_numbers')
      .values(part)
      .onConflict((c) =>
        c.columns(['device_id', 'conversation_id']).doUpdateSet((e) => ({
          number: e.ref('excluded.number'),
          position: e.ref('excluded.position'),
          at: e.ref('excluded.at'),
        })),
      )
      .execute();
  }
}
