/**
 * Messages of epochs that this device has not reached: they come early when two connections race, or when a commit is late. Bounded
 * by epoch, number and size, as anybody in the group can send them.
 */
import { HawserError } from '#signalling/errors.ts';

/** A device that is further behind than this joins again. */
export const MAX_EPOCHS_AHEAD = 16n;
/** For one epoch: the messages of a minute in a lively group. */
export const MAX_MESSAGES = 256;
/** Bytes, over all epochs. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** By epoch, in the order in which they came. */
export type Waiting = ReadonlyMap<bigint, readonly Uint8Array[]>;

/**
 * @param current the epoch that the device is in
 * @throws {HawserError} MLS_EPOCH_FUTURE where it cannot wait
 */
export function wait(waiting: Waiting, current: bigint, epoch: bigint, bytes: Uint8Array): Waiting {
  if (epoch > current + MAX_EPOCHS_AHEAD) throw new HawserError('MLS_EPOCH_FUTURE', 'it is too far ahead');
  const same = waiting.get(epoch) ?? [];
  let total = bytes.length;
  for (const messages of waiting.values()) for (const message of messages) total += message.length;
  if (same.length >= MAX_MESSAGES || total > MAX_WAITING_BYTES) {
    throw new HawserError('MLS_EPOCH_FUTURE', 'too much is waiting');
  }
  return new Map(waiting).set(epoch, [...same, bytes.slice()]);
}

/** What waited for the epoch that was reached, and what still waits; what waited for an epoch before it is gone. */
export function reach(waiting: Waiting, epoch: bigint): { due: readonly Uint8Array[]; still: Waiting } {
  if (waiting.size === 0) return { due: [], still: waiting };
  return { due: waiting.get(epoch) ?? [], still: new Map([...waiting].filter(([each]) => each > epoch)) };
}
