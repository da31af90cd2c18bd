import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ConversationId, DeviceId } from '#signalling/ids.ts';
import { TURN_MS, Turns } from './turns.ts';

const conversation = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAA' as ConversationId;
const device = (name: string) => `mimi://alpha.example/u/alice/d/${name}` as DeviceId;

let turns: Turns;
let begun: string[];
let over: string[];

beforeEach(() => {
  vi.useFakeTimers();
  turns = new Turns();
  [begun, over] = [[], []];
});
afterEach(() => {
  turns.close();
  vi.useRealTimers();
});

const ask = (name: string) =>
  turns.wait(conversation, device(name)).then(
    () => begun.push(name),
    (error: { code: string }) => over.push(`${name} ${error.code}`),
  );

test('one after the other, when the one before is done or has had its time', async () => {
  for (const name of ['a', 'b', 'c']) void ask(name);
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['a']);
  turns.done(conversation, device('b')); // it is not its turn
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['a']);
  turns.done(conversation, device('a'));
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['a', 'b']);
  await vi.advanceTimersByTimeAsync(TURN_MS);
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('a device that asks again and again has one place', async () => {
  void ask('a');
  for (let i = 0; i < 1_100; i++) void ask('greedy');
  void ask('patient');
  await vi.advanceTimersByTimeAsync(0);
  turns.done(conversation, device('a'));
  turns.done(conversation, device('greedy'));
  await vi.advanceTimersByTimeAsync(0);
  expect(new Set(begun)).toEqual(new Set(['a', 'greedy', 'patient']));
  expect(over).toEqual([]);
});

test('who waits too long is told to ask again, and at the end nobody waits', async () => {
  for (let i = 0; i < 12; i++) void ask(`${i}`);
  await vi.advanceTimersByTimeAsync(13_000);
  expect(over.length).toBeGreaterThan(0);
  expect(new Set(over.map((each) => each.split(' ')[1]))).toEqual(new Set(['HOME_SLOW_DOWN']));
  void ask('next');
  void ask('late');
  turns.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(over.at(-1)).toBe('late SIG_CLOSED');
  expect(vi.getTimerCount()).toBe(0);
});
