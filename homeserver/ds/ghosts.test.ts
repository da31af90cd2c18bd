import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ParticipantId, RoomId } from '#signalling/ids.ts';
import { GHOST_MS, Ghosts } from './ghosts.ts';

const room = 'mimi://alpha.example/r/a/c/b' as RoomId;
const ids = (...names: string[]) => names as ParticipantId[];

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('whoever is in the group and at no SFT for long has to go', () => {
  const ghosts = new Ghosts();
  const look = (...present: string[]) => [...ghosts.look(room, ids('a', 'b'), new Set(ids(...present)))];
  expect(look('a')).toEqual([]);
  vi.advanceTimersByTime(GHOST_MS - 1);
  expect(look('a')).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(look('a')).toEqual(['b']);
  // Back at once, it has as long again.
  expect(look('a')).toEqual([]);
  vi.advanceTimersByTime(GHOST_MS);
  expect(look('a')).toEqual(['b']);
});

test('whoever was there in between begins again', () => {
  const ghosts = new Ghosts();
  const look = (...present: string[]) => [...ghosts.look(room, ids('a', 'b'), new Set(ids(...present)))];
  look('a');
  vi.advanceTimersByTime(GHOST_MS / 2);
  expect(look('a', 'b')).toEqual([]);
  vi.advanceTimersByTime(GHOST_MS / 2);
  expect(look('a')).toEqual([]);
  vi.advanceTimersByTime(GHOST_MS);
  expect(look('a')).toEqual(['b']);
});

test('of a call that is over nothing is kept', () => {
  const ghosts = new Ghosts();
  ghosts.look(room, ids('a'), new Set());
  vi.advanceTimersByTime(GHOST_MS);
  ghosts.keepOnly(new Set());
  expect([...ghosts.look(room, ids('a'), new Set())]).toEqual([]);
});
