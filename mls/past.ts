/**
 * Epochs that are over, kept so that messages which were on their way can still be read. By time and not by number: fifty people
 * who join in a second make several epochs in that second.
 */
import type { ClientState, EpochReceiverData } from 'ts-mls';

/** 5 minutes: what a device that was asleep for a moment finds in its queue. ms. Media keys have their own, shorter time. */
export const KEEP_PAST_EPOCHS = 5 * 60 * 1000;
/**
 * The newest of them stay for a day, ms: a clock that stood an hour back when an epoch ended makes it look old at once when it is
 * right again, while the hub still takes messages of two epochs back, and a commit of this device may be ahead of its queue.
 */
export const KEEP_NEWEST_EPOCHS = 24 * 60 * 60 * 1000;
export const NEWEST_EPOCHS = 4n;

export interface PastEpoch {
  readonly data: EpochReceiverData;
  /** ms since 1970 */
  readonly endedAt: number;
}

export type Past = ReadonlyMap<bigint, PastEpoch>;

const NONE = new Uint8Array();

/** The state that was current until now, as far as it takes to read its messages. */
export function endEpoch(past: Past, ended: ClientState, now: number): Past {
  const { groupContext, ratchetTree, secretTree, keySchedule } = ended;
  const { senderDataSecret } = keySchedule;
  // Resumption keys are not used here, so that none is kept.
  const data = { groupContext, ratchetTree, secretTree, senderDataSecret, resumptionPsk: NONE };
  return new Map(past).set(groupContext.epoch, { data, endedAt: Math.floor(now) });
}

/**
 * Splits what is still kept from what has to be wiped. The same map where nothing is too old. What is kept reaches back from now
 * without a gap, also when the clock was set back in between: the trees of past epochs are stored as differences.
 */
export function dropOld(past: Past, now: number): { kept: Past; dropped: readonly PastEpoch[] } {
  let last: bigint | undefined;
  const newestOf = [...past.keys()].reduce((most, epoch) => (epoch > most ? epoch : most), 0n);
  for (const [epoch, { endedAt }] of past) {
    const keep = newestOf - epoch < NEWEST_EPOCHS ? KEEP_NEWEST_EPOCHS : KEEP_PAST_EPOCHS;
    if (now - endedAt > keep && (last === undefined || epoch > last)) last = epoch;
  }
  if (last === undefined) return { kept: past, dropped: [] };
  const newest = last;
  const dropped = [...past].filter(([epoch]) => epoch <= newest).map(([, each]) => each);
  return { kept: new Map([...past].filter(([epoch]) => epoch > newest)), dropped };
}
