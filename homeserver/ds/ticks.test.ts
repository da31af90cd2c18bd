import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CallRoomId, DeviceId, ParticipantId } from '#signalling/ids.ts';
import { Ticks } from './ticks.ts';

const ROOM = 'mimi://alpha.example/r/a/calls/b' as CallRoomId;
const device = (number: number) => `mimi://alpha.example/d/a/${number}` as DeviceId;
const key = (number: number) => new Uint8Array([number]);
const QUIET = { size: 3, isQuiet: true };

let told: string[];
let ticks: Ticks;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  told = [];
  ticks = new Ticks((room) => told.push(room));
});

afterEach(() => {
  ticks.close();
  vi.useRealTimers();
});

const comeTogether = (...numbers: number[]) =>
  numbers.map((number) => ticks.come(ROOM, device(number), key(number), QUIET));

test('whoever comes alone comes by himself; those who come in the same tick, together', () => {
  expect(comeTogether(1, 2, 3)).toEqual([true, false, false]);
  vi.advanceTimersByTime(249);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([ROOM]);
  expect(ticks.take(ROOM).come).toEqual([key(2), key(3)]);
});

test('they are proposed until they are in, and one of them who asks again only once', () => {
  comeTogether(1, 2, 3, 3);
  vi.advanceTimersByTime(250);
  ticks.take(ROOM);
  // The first one's own commit voided what was proposed.
  ticks.done(ROOM, [device(1)], 4);
  vi.advanceTimersByTime(250);
  expect(told).toHaveLength(2);
  expect(ticks.take(ROOM).come).toEqual([key(2), key(3)]);
  ticks.done(ROOM, [device(2), device(3)], 6);
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(2);
});

test('nobody comes by himself while something is proposed, or into a large group', () => {
  expect(ticks.come(ROOM, device(1), key(1), { size: 3, isQuiet: false })).toBe(false);
  ticks.end(ROOM);
  expect(ticks.come(ROOM, device(1), key(1), { size: 31, isQuiet: true })).toBe(false);
  expect(ticks.come(ROOM, device(2), key(2), { size: 30, isQuiet: true })).toBe(false);
  ticks.end(ROOM);
  expect(ticks.come(ROOM, device(2), key(2), { size: 30, isQuiet: true })).toBe(true);
});

test('whoever goes is proposed at once, and those who go right after, together', () => {
  const gone = (name: string) => ticks.go(ROOM, new Set([name as ParticipantId]));
  gone('a');
  vi.advanceTimersByTime(0);
  expect(told).toHaveLength(1);
  expect([...ticks.take(ROOM).gone]).toEqual(['a']);
  gone('b');
  gone('c');
  vi.advanceTimersByTime(249);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect([...ticks.take(ROOM).gone]).toEqual(['b', 'c']);
  // Once is enough: the hub keeps what it proposed.
  expect([...ticks.take(ROOM).gone]).toEqual([]);
});

test('of very many, some at a time', () => {
  ticks.come(ROOM, device(0), key(0), QUIET);
  for (let number = 1; number <= 70; number++) ticks.come(ROOM, device(number), key(number), QUIET);
  const all = Array.from({ length: 60 }, (_, number) => `${number}` as ParticipantId);
  ticks.go(ROOM, new Set(all));
  vi.advanceTimersByTime(250);
  const { come, gone } = ticks.take(ROOM);
  expect([come.length, gone.size]).toEqual([50, 50]);
  ticks.done(
    ROOM,
    Array.from({ length: 50 }, (_, number) => device(number + 1)),
    53,
  );
  vi.advanceTimersByTime(250);
  const rest = ticks.take(ROOM);
  expect([rest.come.length, rest.gone.size]).toEqual([20, 10]);
});

test('whoever is not in for long has gone', () => {
  comeTogether(1, 2);
  vi.advanceTimersByTime(30_001);
  expect(ticks.take(ROOM).come).toEqual([]);
});

test('a larger group has longer ticks', () => {
  ticks.come(ROOM, device(1), key(1), { size: 200, isQuiet: true });
  vi.advanceTimersByTime(0);
  ticks.take(ROOM);
  ticks.done(ROOM, [], 201);
  ticks.come(ROOM, device(2), key(2), { size: 201, isQuiet: true });
  vi.advanceTimersByTime(999);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(told).toHaveLength(2);
});
