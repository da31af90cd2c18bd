/** Who is writing at the moment. Nothing of it is stored. Pure. */
import type { UserId } from '#signalling/ids.ts';

/** By person, until when it holds: ms since 1970. */
export type Typing = ReadonlyMap<UserId, number>;

/** ms. Whoever writes says so every five seconds; one that got lost does no harm, and nobody writes for ever. */
export const TYPING_LASTS = 12_000;
export const TYPING_EVERY = 5_000;
/** People of whom it is kept: a page shows a few. */
const MAX_TYPING = 50;

export function withTyping(typing: Typing, user: UserId, active: boolean, now: number): Typing {
  const next = new Map([...typing].filter(([each, until]) => each !== user && until > now));
  if (active && next.size < MAX_TYPING) next.set(user, now + TYPING_LASTS);
  return next;
}

/** Who is writing, and when the next of them stops. */
export function typingAt(typing: Typing, now: number): { readonly users: readonly UserId[]; readonly next?: number } {
  const active = [...typing].filter(([, until]) => until > now);
  const next = active.length === 0 ? undefined : Math.min(...active.map(([, until]) => until));
  return { users: active.map(([user]) => user), ...(next !== undefined && { next }) };
}
