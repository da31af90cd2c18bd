import { pino } from 'pino';
import { afterEach, expect, it, vi } from 'vitest';
import { discreet } from './log.ts';
import { LogLevel } from './log-level.ts';

afterEach(() => void vi.useRealTimers());

function logTo() {
  const lines: string[] = [];
  const root = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const log = discreet(root);
  const level = new LogLevel(log, () => Date.now());
  const messages = () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { root, log, level, messages };
}

it('is followed by children and their children, whenever they were made, and by nobody else', () => {
  const { root, log, level, messages } = logTo();
  const child = log.child({ part: 'x' }, { serializers: {} });
  const grandchild = child.child({ request: '1' });
  grandchild.debug('before');
  expect(level.set({ level: 'debug' })).toEqual({ level: 'debug' });
  for (const each of [log, child, grandchild, child.child({})]) each.debug('seen');
  root.debug('another server');
  level.set({ level: 'warn' });
  for (const each of [log, child, grandchild]) each.info('unseen');
  grandchild.warn('heard');
  expect(messages()).toEqual([
    'the log level changes',
    ...Array.from({ length: 4 }, () => 'seen'),
    'the log level changes',
    'heard',
  ]);
});

it('goes back by itself to what it was for good', () => {
  vi.useFakeTimers({ now: 1_000 });
  const { log, level } = logTo();
  level.set({ level: 'warn' });
  expect(level.set({ level: 'trace', seconds: 600 })).toEqual({ level: 'trace', back: 'warn', until: 601_000 });
  level.set({ level: 'debug', seconds: 60 });
  vi.advanceTimersByTime(59_000);
  expect(log.level).toBe('debug');
  vi.advanceTimersByTime(1_000);
  expect(level.state).toEqual({ level: 'warn' });
  vi.advanceTimersByTime(600_000);
  expect(log.level).toBe('warn');
  level.set({ level: 'debug', seconds: 60 });
  level.set({ level: 'info' });
  vi.advanceTimersByTime(60_000);
  expect(level.state).toEqual({ level: 'info' });
});
