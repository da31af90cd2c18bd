/**
 * Which part of a conversation is drawn: some pages of it, never all, so that the longest one scrolls as well as the shortest.
 * Pure.
 */
import type { Item } from '#client/messages/view.ts';

/** Messages that come at once when one scrolls to an end of what is drawn. */
export const PAGE = 50;
/** Messages that are drawn at once. Beyond, the far end is let go. */
export const MAX_DRAWN = 200;

/** As `Timeline.items` wants it: so many before a place, or up to the newest. */
export interface Drawn {
  readonly before?: number;
  readonly limit: number;
}

export const NEWEST: Drawn = { limit: PAGE };

/** One page more of the past. @param items what is drawn now */
export function older(drawn: Drawn, items: readonly Item[]): Drawn {
  const limit = drawn.limit + PAGE;
  if (limit <= MAX_DRAWN) return { ...drawn, limit };
  const next = items[items.length - PAGE]?.order;
  return next === undefined ? { ...drawn, limit } : { before: next, limit: MAX_DRAWN };
}

/** One page more towards the present. @param following places of the messages after what is drawn, in order; a page of them at most */
export function newer(drawn: Drawn, following: readonly number[]): Drawn {
  const limit = Math.min(MAX_DRAWN, drawn.limit + PAGE);
  const last = following.at(-1);
  return last === undefined || following.length < PAGE ? { limit } : { before: last + 1, limit };
}

/** A page around a place. @param following as for `newer` */
export function around(place: number, following: readonly number[]): Drawn {
  const end = following[PAGE / 2 - 1];
  return end === undefined ? { limit: PAGE + following.length } : { before: Math.max(end, place) + 1, limit: PAGE };
}
