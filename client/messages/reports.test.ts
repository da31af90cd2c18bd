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

async function setUp(vault = new MemoryVault()) {
  const sent: (readonly Report[])[] = [];
  const say = (reports: readonly Report[], also: Changes) => {
    sent.push(reports);
    return vault.write(also);
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
