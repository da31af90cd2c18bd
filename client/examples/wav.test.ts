/** The two examples that say and hear something in a call, as people run them: processes of their own, of two organisations. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import { CallWorld } from '../testing/call-world.ts';
import { readWav, WavWriter } from './wav.ts';

const RATE = 48_000;
const TONE_HZ = 700;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-wav-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const toneOf = (seconds: number) =>
  Int16Array.from({ length: RATE * seconds }, (_, at) =>
    Math.round(9_000 * Math.sin((2 * Math.PI * TONE_HZ * at) / RATE)),
  );

/** The part of the power that is at the tone: Goertzel's algorithm. */
function shareOfTone(samples: Int16Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0);
  const turn = (2 * Math.PI * TONE_HZ) / RATE;
  let [one, two] = [0, 0];
  for (const sample of samples) [one, two] = [sample + 2 * Math.cos(turn) * one - two, one];
  return power === 0 ? 0 : (2 * (one * one + two * two - 2 * Math.cos(turn) * one * two)) / (samples.length * power);
}

test('a file is read as it was written, with silence where nothing was', async () => {
  const path = join(folder, 'own.wav');
  const file = await WavWriter.create(path, RATE);
  file.write(5, Int16Array.of(1, -2, 32_767));
  file.write(0, Int16Array.of(-32_768));
  await file.close();
  expect(await readWav(path)).toEqual({
    rate: RATE,
    channels: 1,
    samples: Int16Array.of(-32_768, 0, 0, 0, 0, 1, -2, 32_767),
  });
  await expect(WavWriter.create(path, RATE)).rejects.toMatchObject({ code: 'EEXIST' });
});

test('what is no such file is refused with what to do', async () => {
  const path = join(folder, 'not.wav');
  for (const bytes of [Buffer.alloc(0), Buffer.from('ID3'), Buffer.from('RIFFxxxxAVI '), Buffer.from('RIFFxxxxWAVE')]) {
    await writeFile(path, bytes);
    await expect(readWav(path)).rejects.toThrow(/no WAV file. Make one: ffmpeg|has no sound in it/);
  }
});

test('one plays a file into a call, the other one writes down what it hears', { timeout: 60_000 }, async () => {
  await using world = await CallWorld.start();
  const { handle, bobsHandle, password } = await world.friends();
  const [sound, recording] = [join(folder, 'sound.wav'), join(folder, 'recording')];
  const file = await WavWriter.create(sound, RATE);
  file.write(0, toneOf(12));
  await file.close();
  const start = (program: string, argument: string, url: string, name: string): ChildProcess => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(`./${program}.ts`, import.meta.url)), argument], {
      env: {
        ...process.env,
        ...{ HAWSER_URL: url, BOT_HANDLE: name, BOT_PASSWORD: password, BOT_CONVERSATION: 'Harbour' },
        ...{ BOT_VAULT: join(folder, `${name}.db`), BOT_PASSPHRASE: 'a passphrase of the test' },
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const recorder = start('wav-recorder', recording, world.farUrl, bobsHandle);
  const player = start('wav-player', sound, world.url, handle);
  expect(await once(player, 'exit')).toEqual([0, null]);
  await until(async () => (await readdir(recording)).length === 1, 'it has heard one', 5_000);
  recorder.kill('SIGTERM');
  expect(await once(recorder, 'exit')).toEqual([0, null]);
  const [name = ''] = await readdir(recording);
  expect(name).toMatch(new RegExp(`^${handle}-`));
  const { rate, samples } = await readWav(join(recording, name));
  expect(rate).toBe(RATE);
  const heard = [];
  for (let at = 0; at + RATE / 10 <= samples.length; at += RATE / 10)
    heard.push(shareOfTone(samples.subarray(at, at + RATE / 10)));
  // It came when it could; from then on it is the tone and, but for pieces with a gap in them, nothing else.
  const [clean, between] = [heard.filter((share) => share > 0.9), heard.filter((share) => share > 0.1 && share <= 0.9)];
  expect(clean.length).toBeGreaterThan(10);
  expect(between.length).toBeLessThan(clean.length / 4);
});
