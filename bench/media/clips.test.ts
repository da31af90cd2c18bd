import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clipOf, FOLDER, KEY_FRAMES, LOOP_SECONDS, loadClips, PICTURES, SOUND } from './clips.ts';
import { readIvf, writeIvf } from './ivf.ts';

it.each([0, 1, 2])('camera layer %i has its size, its rate within 3 %%, and its key frames', async (layer) => {
  const { camera } = await loadClips();
  const clip = camera[layer];
  const nominal = PICTURES[layer];
  if (!clip || !nominal) throw new Error('no such layer');
  expect([clip.width, clip.height]).toEqual([nominal.width, nominal.height]);
  expect(Math.abs(clip.bitrate / nominal.bitrate - 1)).toBeLessThan(0.03);
  expect([clip.framesPerSecond, clip.ticks, clip.frames.length / clip.framesPerSecond]).toEqual([
    30,
    3_000,
    LOOP_SECONDS,
  ]);
  expect(clip.frames.flatMap(({ isKey }, index) => (isKey ? [index] : []))).toEqual([...KEY_FRAMES]);
});

it('the microphone has frames of 20 ms and its rate within 3 %', async () => {
  const { microphone } = await loadClips();
  expect(Math.abs(microphone.bitrate / SOUND.bitrate - 1)).toBeLessThan(0.03);
  expect([microphone.framesPerSecond, microphone.ticks]).toEqual([50, 960]);
  // RFC 6716, section 3.1: configuration in the top five bits; code 0 is one frame a packet.
  for (const { data } of microphone.frames) expect((data[0] ?? 0xff) & 0x03).toBe(0);
});

it('all clips together stay below 2 MB', async () => {
  const sizes = await Promise.all((await readdir(FOLDER)).map(async (name) => (await stat(join(FOLDER, name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(2_000_000);
});

it('a clip that was cut off or is something else is refused', () => {
  const frames = [0, 1].map((timestamp) => ({ timestamp, data: Buffer.alloc(10, timestamp) }));
  const file = writeIvf({ fourcc: 'VP80', width: 4, height: 2, timebase: 30, frames });
  expect(readIvf(file).frames).toEqual(frames);
  for (const end of [31, 40, 50, file.length - 1]) expect(() => readIvf(file.subarray(0, end))).toThrow();
  expect(() => readIvf(Buffer.alloc(64))).toThrow('no IVF');
  expect(() => clipOf('short', writeIvf({ fourcc: 'VP80', width: 4, height: 2, timebase: 30, frames: [] }))).toThrow();
});
