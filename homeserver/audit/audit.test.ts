import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../store/store.ts';
import { Writer } from '../store/writer.ts';
import { openTestStore, type TestWorld, testWorld } from '../testing/world.ts';
import { Audit } from './audit.ts';
import { type AuditEvent, type AuditLine, BEFORE_ALL, lineBehind, Walk } from './chain.ts';
import { readHead } from './head-file.ts';

let store: Store;
let world: TestWorld;
let folder: string;
let faults: unknown[];

beforeEach(async () => {
  [store, world, faults] = [await openTestStore(), testWorld(), []];
  folder = await mkdtemp(join(tmpdir(), 'hawser-audit-'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (writer: Pick<Writer, 'run'> = new Writer(store)) =>
  Audit.open({ store, writer, world, folder, onFault: (error) => faults.push(error) });
const refusal: AuditEvent = { kind: 'refusal', domain: 'beta.example', call: 'feed', code: 'FED_SCOPE' };
const brokenAt = async () => {
  const walk = new Walk(await readHead(folder));
  for (const line of await store.db.selectFrom('audit').selectAll().orderBy('seq').execute()) walk.take(line);
  return walk.broken;
};

describe('what is noted', () => {
  test('stands in the log in its order, each line holding the one before', async () => {
    const audit = await open();
    audit.note({ kind: 'allowed', domain: 'beta.example' });
    audit.note(refusal);
    audit.note({ kind: 'blocked', domain: 'beta.example', detail: 'x'.repeat(1_000) });
    const lines = await audit.behind(0);
    expect(lines.map(({ seq, kind, count }) => [seq, kind, count])).toEqual([
      [1, 'allowed', 1],
      [2, 'refusal', 1],
      [3, 'blocked', 1],
    ]);
    expect(lines[2]?.detail).toHaveLength(200);
    expect(await audit.last(1)).toEqual(lines.slice(2));
    expect(await readHead(folder)).toEqual({ seq: 3, hash: lines[2]?.hash });
    expect(await brokenAt()).toBeUndefined();
  });

  test('and repeats itself is counted into one line a minute', async () => {
    const audit = await open();
    for (let i = 0; i < 1_000; i++) audit.note(refusal);
    audit.note({ ...refusal, code: 'FED_LIMIT' });
    expect((await audit.behind(0)).map(({ code, count }) => [code, count])).toEqual([
      ['FED_SCOPE', 1],
      ['FED_LIMIT', 1],
    ]);
    world.advance(60_000);
    audit.sweep();
    expect((await audit.behind(2)).map(({ code, count }) => [code, count])).toEqual([['FED_SCOPE', 999]]);
    audit.note(refusal);
    audit.note(refusal);
    await audit.close();
    expect((await audit.behind(3)).map(({ count }) => count)).toEqual([1, 1]);
  });

  test('under ever new names is bounded', async () => {
    const audit = await open();
    for (let i = 0; i < 5_000; i++) audit.note({ ...refusal, domain: `d${i}.example` });
    await audit.close();
    const lines = [...(await audit.behind(0)), ...(await audit.behind(500))];
    expect(lines.length).toBeLessThan(510);
    expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });

  test('while the database is away waits for it, within bounds, and what had no room is told', async () => {
    let isAway = true;
    const writer = new Writer(store);
    const run: Writer['run'] = (work) => (isAway ? Promise.reject(new Error('away')) : writer.run(work));
    const audit = await open({ run });
    for (let i = 0; i < 3_000; i++) audit.note({ kind: 'account-added' });
    await audit.idle();
    expect(faults).not.toHaveLength(0);
    isAway = false;
    audit.sweep();
    await audit.idle();
    const lost = await store.db.selectFrom('audit').selectAll().where('kind', '=', 'lost').execute();
    expect(lost.map(({ count }) => count)).toEqual([1_000]);
    expect(await brokenAt()).toBeUndefined();
  });
});

describe('whoever tampers is found out', () => {
  const filled = async () => {
    const audit = await open();
    for (let i = 0; i < 5; i++) audit.note({ kind: 'allowed', domain: `d${i}.example` });
    await audit.close();
  };

  test('a line that was changed', async () => {
    await filled();
    await store.db.updateTable('audit').set({ domain: 'x.example' }).where('seq', '=', 3).execute();
    expect(await brokenAt()).toMatchObject({ seq: 3 });
  });

  test('a line that was removed', async () => {
    await filled();
    await store.db.deleteFrom('audit').where('seq', '=', 2).execute();
    expect(await brokenAt()).toEqual({ seq: 3, why: 'lines 2 to 2 are missing before it' });
  });

  test('an end that was cut off, also when the homeserver has written on', async () => {
    await filled();
    await store.db.deleteFrom('audit').where('seq', '>', 3).execute();
    expect(await brokenAt()).toMatchObject({ seq: 4 });
    const audit = await open();
    audit.note(refusal);
    await audit.close();
    expect(await brokenAt()).toMatchObject({ seq: 4, why: expect.stringContaining('the head file names line 5') });
  });

  test('a log that was made anew', async () => {
    await filled();
    await store.db.deleteFrom('audit').execute();
    const line = lineBehind(BEFORE_ALL, { kind: 'allowed', at: 1, count: 1 });
    await store.db.insertInto('audit').values(line).execute();
    expect(await brokenAt()).toMatchObject({ seq: 2 });
  });

  test('a head file that is no head is none', async () => {
    await filled();
    await writeFile(join(folder, 'audit.head'), 'nonsense');
    expect(await readHead(folder)).toBeUndefined();
    expect(await brokenAt()).toBeUndefined();
    expect(await readFile(join(folder, 'audit.head'), 'utf8')).toBe('nonsense');
  });

  test('whatever field of whatever line is another one', () => {
    const events = fc.array(fc.record({ at: fc.nat(), count: fc.nat(), detail: fc.string() }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(events, fc.nat(), fc.constantFrom('at', 'count', 'detail', 'hash'), (all, which, field) => {
        const lines: AuditLine[] = [];
        for (const event of all) lines.push(lineBehind(lines.at(-1) ?? BEFORE_ALL, { kind: 'allowed', ...event }));
        const at = which % lines.length;
        const spoilt = lines.map((line, index) =>
          index === at
            ? { ...line, [field]: typeof line[field] === 'number' ? line[field] + 1 : `${line[field]}x` }
            : line,
        );
        const [right, wrong] = [new Walk(lines.at(-1)), new Walk(lines.at(-1))];
        for (const line of lines) right.take(line);
        for (const line of spoilt) wrong.take(line as AuditLine);
        return right.broken === undefined && wrong.broken?.seq === at + 1;
      }),
    );
  });
});
