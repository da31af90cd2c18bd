import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Report } from '#client/content/content.ts';
import { MAX_REPORTED } from '#client/content/limits.ts';
import type { Changes } from '#mls/journal.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { MemoryVault } from '../vault/memory.ts';
import { type OwnReport, Reports } from './reports.ts';
import { idOf } from './testing/chat.ts';

const conversation = 'mimi://alpha.example/r/AAECAwQFBgcICQoLDA0ODw' as ConversationId;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function setUp(vault = new MemoryVault(), whileSaying: () => Promise<void> = async () => undefined) {
  const sent: (readonly Report[])[] = [];
  const say = async (reports: readonly Report[], also: () => Changes) => {
    await whileSaying();
    await vault.write(also());
    sent.push(reports);
  };
  const onFault = (error: unknown) => expect.unreachable(`${error}`);
  const reports = await Reports.open({ conversation, vault, say, onFault });
  const note = async (...all: OwnReport[]) => {
    await vault.write(reports.records(all));
    reports.add(all);
  };
  return { vault, sent, reports, note };
}

test('reports are gathered into few messages, each with the furthest that is known', async () => {
  const { vault, sent, reports, note } = await setUp();
  await note({ message: idOf(1), status: 'delivered' });
  await note({ message: idOf(1), status: 'read' });
  await note({ message: idOf(1), status: 'delivered' });
  for (let number = 2; number <= MAX_REPORTED + 1; number++) await note({ message: idOf(number), status: 'delivered' });
  expect(sent).toEqual([]);
  await vi.runAllTimersAsync();
  expect(sent.map((each) => each.length)).toEqual([MAX_REPORTED, 1]);
  expect(sent[0]?.[0]).toEqual({ message: idOf(1), status: 'read' });
  expect((await vault.list('report/')).size).toBe(0);
  await note({ message: idOf(1), status: 'read' });
  reports.close();
  await vi.runAllTimersAsync();
  expect(sent).toHaveLength(2);
});

test('what was read while it was told that it came is told too, also where the program ends in between', async () => {
  let whileSaying: () => Promise<void> = async () => undefined;
  const { vault, sent, reports, note } = await setUp(undefined, () => whileSaying());
  await note({ message: idOf(1), status: 'delivered' });
  whileSaying = async () => {
    whileSaying = async () => undefined;
    await note({ message: idOf(1), status: 'read' });
  };
  await vi.advanceTimersByTimeAsync(500);
  expect(sent).toEqual([[{ message: idOf(1), status: 'delivered' }]]);
  reports.close();
  const next = await setUp(vault);
  await vi.runAllTimersAsync();
  expect(next.sent).toEqual([[{ message: idOf(1), status: 'read' }]]);
});

test('what could not be stored is told with the next', async () => {
  let fails = true;
  const vault = new MemoryVault();
  const faults: unknown[] = [];
  const sent: (readonly Report[])[] = [];
  const say = async (each: readonly Report[], also: () => Changes) => {
    if (fails) throw new Error('no room');
    await vault.write(also());
    sent.push(each);
  };
  const reports = await Reports.open({ conversation, vault, say, onFault: (error) => faults.push(error) });
  reports.add([{ message: idOf(1), status: 'delivered' }]);
  await vi.runAllTimersAsync();
  expect(faults).toHaveLength(1);
  fails = false;
  reports.add([{ message: idOf(2), status: 'read' }]);
  await vi.runAllTimersAsync();
  expect(sent.flat().map(({ message }) => message)).toEqual([idOf(1), idOf(2)]);
});

test('what was not told when the program ended is told by the next one', async () => {
  const { vault, reports, note } = await setUp();
  await note({ message: idOf(1), status: 'read' }, { message: idOf(2), status: 'delivered' });
  reports.close();
  const { sent } = await setUp(vault);
  await vi.runAllTimersAsync();
  expect(new Set(sent.flat())).toEqual(
    new Set([
      { message: idOf(1), status: 'read' },
      { message: idOf(2), status: 'delivered' },
    ]),
  );
  await vi.runAllTimersAsync();
  expect((await setUp(vault)).sent).toEqual([]);
});
