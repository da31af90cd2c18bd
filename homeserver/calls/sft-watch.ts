/**
 * When the SFT is silent, who is still in a call? Pure: what the SFT does and the time go in, the conferences that it has
 * to be taken to have left come out.
 *
 * An SFT that vanished gets 15 s to come back. One that is (back) here gets as long to state every conference again; those
 * that it does not mention are empty.
 */
import type { ConferenceId } from '#signalling/ids.ts';

export const ABSENCE_MS = 15_000;

export interface SftWatch {
  readonly stated: ReadonlySet<ConferenceId>;
  /** ms; when those that were not stated count as left. Undefined after that. */
  readonly deadline: number | undefined;
}

/** At the start of the homeserver, and whenever the connection ended. */
export function lost(now: number): SftWatch {
  return { stated: new Set(), deadline: now + ABSENCE_MS };
}

export function connected(now: number): SftWatch {
  return { stated: new Set(), deadline: now + ABSENCE_MS };
}

export function stated(watch: SftWatch, conference: ConferenceId): SftWatch {
  return watch.deadline === undefined ? watch : { ...watch, stated: new Set([...watch.stated, conference]) };
}

/** @param attended conferences in which people of the domain were when they were last heard of */
export function due(watch: SftWatch, attended: readonly ConferenceId[], now: number): [SftWatch, ConferenceId[]] {
  if (watch.deadline === undefined || now < watch.deadline) return [watch, []];
  return [{ stated: new Set(), deadline: undefined }, attended.filter((conference) => !watch.stated.has(conference))];
}
