/** For tests: a clock that is set by hand, and ids that are the same in every run. */
import { createHash } from 'node:crypto';
import type { DomainName, UserId } from '#signalling/ids.ts';
import { parseAddress, parseDomainName } from '#signalling/ids.ts';
import { openStore, type Store } from '../store/store.ts';
import type { World } from '../world.ts';

export interface TestWorld extends World {
  advance(ms: number): void;
}

export function testWorld(seed = 'seed'): TestWorld {
  let time = 1_800_000_000_000;
  let drawn = 0;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
    random(bytes) {
      drawn += 1;
      return createHash('shake256', { outputLength: bytes }).update(`${seed} ${drawn}`).digest();
    },
  };
}

export function openTestStore(): Promise<Store> {
  return openStore(':memory:');
}

export function domain(name: string): DomainName {
  const parsed = parseDomainName(name);
  if (!parsed) throw new RangeError(name);
  return parsed;
}

/** @param address such as `@alice@alpha.example` */
export function user(address: string): UserId {
  const parsed = parseAddress(address);
  if (!parsed) throw new RangeError(address);
  return parsed;
}

/** Asks again and again until the answer is a value; rejects after `timeoutMs`. */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  timeoutMs = 10_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
