/** What differs between life and a test: time and chance. */
import { randomBytes } from 'node:crypto';

export interface World {
  /** ms since 1970 */
  readonly now: () => number;
  readonly random: (bytes: number) => Buffer;
}

export const WORLD: World = { now: Date.now, random: randomBytes };

/** base64url of fresh random bytes: an id, or a token where there are 32 of them. */
export function randomToken(world: World, bytes: number): string {
  return world.random(bytes).toString('base64url');
}
