/** How `hawser sft` ends, as a process and with people in a call. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { newConferenceId, TestSft } from '#sft/testing.ts';
import { TestPerson } from '#sft/testing-people.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { ServerProcess } from './demo/server-process.ts';
import { sftDrain } from './sft.ts';

const folder = temporaryFolder();

/** A media server in a process of its own; `ended` is set when it has ended by itself. */
async function serve(name: string, drainMinutes: number) {
  const config = join(folder, `${name}.yaml`);
  const log = join(folder, `${name}.log`);
  const state: { server?: ServerProcess; ended?: string } = {};
  const sft = await TestSft.start(folder, name, {
    run: async (site) => {
      const { data: _made, ...rest } = site;
      await writeFile(config, stringify({ ...rest, data: join(folder, name), sft: { ...site.sft, drainMinutes } }));
      const server = await ServerProcess.start('sft', name, config, log, (why) => {
        state.ended = why;
      });
      state.server = server;
      return { close: () => server.stop() };
    },
  });
  const signal = (which: NodeJS.Signals) => process.kill(state.server?.pid ?? 0, which);
  return { sft, config, state, signal, log: () => readFile(log, 'utf8') };
}

it('SIGTERM lets a call go on, and the last one who leaves ends the process', async () => {
  const { sft, state, signal, log } = await serve('alpha', 30);
  await using _alpha = sft;
  const conference = newConferenceId();
  using alice = await TestPerson.join(sft, conference);
  using anna = await TestPerson.join(sft, conference);
  await alice.speak();
  signal('SIGTERM');
  await until(async () => (await log()).includes('no new conferences are taken'), 'it drains');
  await anna.hears(alice);
  await expect(TestPerson.join(sft, newConferenceId())).rejects.toMatchObject({ code: 'SFT_DRAINING' });
  expect(state.ended).toBeUndefined();
  await alice.leave();
  await anna.leave();
  await until(() => state.ended !== undefined, 'its end');
  expect(state.ended).toContain('(exit code 0)');
  expect(await log()).toContain('drained: everybody has left');
}, 60_000);

it('a second signal ends it at once, whoever is still there', async () => {
  const { sft, state, signal, log } = await serve('beta', 30);
  await using _sft = sft;
  using _alice = await TestPerson.join(sft, newConferenceId());
  signal('SIGTERM');
  await until(async () => (await log()).includes('no new conferences'), 'the first one');
  signal('SIGINT');
  await until(() => state.ended !== undefined, 'its end');
  expect(state.ended).toContain('exit code 130');
}, 60_000);

it('hawser sft drain says who is in a call, and Ctrl-C does not wait for them', async () => {
  const { sft, config, state, signal } = await serve('gamma', 0);
  await using _sft = sft;
  const out: string[] = [];
  const run = (...argv: string[]) => {
    const terminal = {
      out: (line: string) => out.push(line),
      err: () => undefined,
      signal: new AbortController().signal,
    };
    return sftDrain.execute(['--config', config, ...argv], terminal);
  };
  await expect(run()).rejects.toThrow('Say how long with --minutes.');
  using _alice = await TestPerson.join(sft, newConferenceId());
  await run('--minutes', '20');
  expect(out[0]).toBe('The media server takes no new conferences. People of this domain: 1; conferences: 1.');
  expect(out[1]).toMatch(/^It ends when the last one has left, or at \d{4}-\d\d-\d\d \d\d:\d\d UTC\./);
  expect(state.ended).toBeUndefined();
  signal('SIGINT');
  await until(() => state.ended !== undefined, 'its end');
  expect(state.ended).toContain('exit code 0');
  await expect(run('--minutes', '5')).rejects.toThrow('No media server runs at');
}, 60_000);
