/**
 * What happens where a device stays away while much is written to it: the oldest messages go, never commits, and the device
 * is told. Without the commits it could not read anything any more; messages it can do without.
 */
import type { DeviceId } from '#signalling/ids.ts';
import { whenIdle } from '../idle.ts';
import type { Db } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Audience, NewEntry } from './queue-table.ts';

export interface QueueBounds {
  /** Application messages that wait for one device. */
  readonly messages: number;
  /** Their payloads, bytes of base64. */
  readonly bytes: number;
}

export const BOUNDS: QueueBounds = { messages: 20_000, bytes: 128 * 1024 * 1024 };
/** What is left of a queue that overflowed: less than the bound, so that it does not overflow with each message. */
const KEPT = 0.75;

interface Appender {
  readonly isClosed: boolean;
  append(tx: Db, entry: NewEntry): Promise<unknown>;
}

/**
 * @param newest the newest position of all: devices that are closer to it than the bound are not looked at
 * @returns audiences of which something can be forgotten now
 */
export async function dropOldest(
  queues: Appender,
  db: Db,
  writer: Writer,
  world: World,
  newest: number,
  bounds = BOUNDS,
): Promise<ReadonlySet<Audience>> {
  const due = new Set<Audience>();
  const candidates = await db
    .selectFrom('queues')
    .select('device_id')
    .where('acknowledged', '<', newest - Math.min(bounds.messages, Math.floor(bounds.bytes / 100_000)))
    .execute();
  for (const { device_id: device } of candidates) {
    // To count what waits for somebody who is in a thousand conversations takes 25 ms.
    await whenIdle();
    if (queues.isClosed) break;
    const { floor, audiences } = await floorOf(db, device, bounds);
    if (floor === undefined) continue;
    for (const audience of audiences) due.add(audience);
    await writer.run(async (tx) => {
      await tx
        .updateTable('queues')
        .set({ dropped: floor })
        .where('device_id', '=', device)
        .where('dropped', '<', floor)
        .execute();
      await queues.append(tx, { audience: device, kind: 'overflow', payload: '', at: world.now() });
    });
  }
  return due;
}

/** The newest message that has to go; undefined where all may stay. */
async function floorOf(db: Db, device: DeviceId, bounds: QueueBounds) {
  const audiences = new Set<Audience>();
  let messages = 0;
  let bytes = 0;
  let isOver = false;
  let floor: number | undefined;
  for await (const { position, audience, size } of sizesOf(db, device)) {
    messages += 1;
    bytes += size;
    isOver ||= messages > bounds.messages || bytes > bounds.bytes;
    if (floor === undefined && (messages > bounds.messages * KEPT || bytes > bounds.bytes * KEPT)) floor = position;
    if (floor !== undefined) audiences.add(audience);
  }
  return { floor: isOver ? floor : undefined, audiences };
}

/** The messages that wait for a device, newest first. */
async function* sizesOf(db: Db, device: DeviceId) {
  let below = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = await db
      .selectFrom('subscriptions')
      .innerJoin('queues', 'queues.device_id', 'subscriptions.device_id')
      .innerJoin('entries', 'entries.audience', 'subscriptions.audience')
      .select((e) => ['entries.position', 'entries.audience', e.fn<number>('length', ['payload']).as('size')])
      .where('subscriptions.device_id', '=', device)
      .where('kind', '=', 'message')
      .where('entries.position', '<', below)
      .whereRef('entries.position', '>', 'queues.acknowledged')
      .whereRef('entries.position', '>', 'queues.dropped')
      .whereRef('entries.position', '>', 'subscriptions.since')
      .where((e) => e.or([e('until', 'is', null), e('entries.position', '<=', e.ref('until'))]))
      .where((e) => e.or([e('sender', 'is', null), e('sender', '!=', device)]))
      .orderBy('entries.position', 'desc')
      .limit(PAGE)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (rows.length < PAGE || last === undefined) return;
    await whenIdle();
    below = last.position;
  }
}

const PAGE = 5_000;
