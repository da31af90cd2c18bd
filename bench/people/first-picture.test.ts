import { expect, it } from 'vitest';
import { packetise } from '#client/media/node/vp8.ts';
import { loadClips } from '../media/clips.ts';
import { FirstPicture } from './first-picture.ts';

const { camera } = await loadClips();

function show(first: FirstPicture, layer: number, index: number, timestamp: number, now: number, lost = -1): void {
  const frame = camera[layer]?.frames[index]?.data;
  if (!frame) throw new Error('no such frame');
  const payloads = packetise(frame, index);
  payloads.forEach((payload, at) => {
    if (at !== lost) first.hear({ timestamp, marker: at === payloads.length - 1 }, payload, now + at);
  });
}

it('is there when the last packet of the first key frame of the wanted size is', () => {
  const first = new FirstPicture(1280);
  show(first, 2, 5, 1, 100);
  show(first, 0, 0, 2, 200);
  expect(first.at).toBeUndefined();
  show(first, 2, 0, 3, 300);
  const packets = packetise(camera[2]?.frames[0]?.data ?? Buffer.alloc(1), 0).length;
  expect(first.at).toBe(300 + packets - 1);
  show(first, 2, 60, 4, 900);
  expect(first.at).toBe(300 + packets - 1);
});

it('is not there while the end of the key frame or its beginning is missing', () => {
  const first = new FirstPicture(1280);
  const last = packetise(camera[2]?.frames[0]?.data ?? Buffer.alloc(1), 0).length - 1;
  show(first, 2, 0, 1, 100, last);
  show(first, 2, 1, 2, 200);
  show(first, 2, 60, 3, 300, 0);
  expect(first.at).toBeUndefined();
});
