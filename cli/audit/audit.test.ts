import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { placeOf } from '#homeserver/store/place.ts';
import { openStore } from '#homeserver/store/store.ts';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { auditExport, auditTail, auditVerify } from '../audit.ts';
import type { Command } from '../command.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let config: string;
let out: string[];
let err: string[];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  config = join(world.folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  [out, err] = [[], []];
});

function run(command: Command, argv: readonly string[] = [], signal = new AbortController().signal): Promise<number> {
  const terminal = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), signal };
  return command.execute([...argv, '--config', config], terminal);
}

const kinds = async () => {
  out = [];
  await run(auditTail, ['--json', '--lines', '500']);
  return out.map((line) => (JSON.parse(line) as { kind: string; domain: string | null }).kind);
};

it('tells what an administrator did, names nobody, and follows', async () => {
  expect((await kinds())[0]).toBe('changed');
  await alpha.homeserver.createAccount({ handle: 'secretive', name: 'Secretive', password: 'correct horse battery' });
  await alpha.allow({ organisation: beta, may: { calls: false } });
  await until(async () => (await kinds()).includes('account-added'), 'the account is noted');
  await until(async () => (await kinds()).filter((kind) => kind === 'changed').length > 1, 'the change is noted');
  expect(out.join('')).toContain('calls no');
  expect(out.join('')).not.toContain('ecretive');

  const stop = new AbortController();
  out = [];
  const following = run(auditTail, ['--follow'], stop.signal);
  await until(() => out.length > 0, 'it shows what is there');
  await alpha.allow();
  await until(() => out.some((line) => line.includes('removed  beta.example')), 'it shows what is new');
  stop.abort();
  expect(await following).toBe(0);
});

it('verifies and exports a log, also of a homeserver that does not run', async () => {
  expect(await run(auditVerify)).toBe(0);
  expect(out[0]).toMatch(/^All \d+ lines are what was written\. The newest is \d+, with the hash [0-9a-f]{64}$/);
  await alpha.stop();
  const file = join(world.folder, 'log.jsonl');
  await run(auditExport, [file]);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(out[1]).toBe(`${file} holds ${lines.length} lines of alpha.example.`);
  expect(err).toEqual([`The homeserver is not running; reading its database in ${alpha.site.data}.`]);
  await expect(run(auditExport, [file])).rejects.toThrow('cannot be made (EEXIST)');
});

it('finds a line that was removed, an end that was cut off, and a head that is gone', async () => {
  const change = async (remove: (last: number) => [number, number]) => {
    const store = await openStore(await placeOf(alpha.site));
    const { seq } = await store.db
      .selectFrom('audit')
      .select((eb) => eb.fn.max('seq').as('seq'))
      .executeTakeFirstOrThrow();
    const [from, to] = remove(seq);
    const rows = await store.db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>=', from)
      .where('seq', '<=', to)
      .execute();
    await store.db.deleteFrom('audit').where('seq', '>=', from).where('seq', '<=', to).execute();
    await store.close();
    return async () => {
      const again = await openStore(await placeOf(alpha.site));
      await again.db.insertInto('audit').values(rows).execute();
      await again.close();
    };
  };
  const [undoEnd, verified] = [await change((last) => [last, last]), await run(auditVerify)];
  expect([verified, out[0]]).toEqual([1, expect.stringContaining('the log ends before it')]);
  await undoEnd();
  const undo = await change(() => [2, 2]);
  expect(await run(auditVerify, ['--json'])).toBe(1);
  expect(JSON.parse(out[1] ?? '')).toMatchObject({ broken: { seq: 3 } });
  await undo();
  expect(await run(auditVerify)).toBe(0);
  await rm(join(alpha.site.data, 'audit.head'));
  expect(await run(auditVerify)).toBe(1);
});
