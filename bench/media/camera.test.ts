import { expect, it } from 'vitest';
import { parsePayload } from '#client/media/node/vp8.ts';
import { Camera } from './camera.ts';
import { type Clip, loadClips } from './clips.ts';

const half = () => 0.4;
const { camera: clips } = await loadClips();

/** Frame data by layer of the next moment. */
function moment(camera: Camera): Buffer[] {
  const packets = camera.next();
  return clips.map((_, layer) =>
    Buffer.concat(
      packets.filter((each) => each.layer === layer).map(({ payload }) => parsePayload(payload)?.data ?? payload),
    ),
  );
}

const isKey = (frame: Buffer | undefined) => ((frame?.[0] ?? 1) & 1) === 0;

/** Every frame is the one after the frame before it, or a key frame: the only orders that a decoder can follow. */
function isDecodable(sent: readonly Buffer[], clip: Clip): boolean {
  let at = -1;
  return sent.every((frame) => {
    const next = clip.frames[(at + 1) % clip.frames.length];
    at = next?.data.equals(frame) ? at + 1 : clip.frames.findIndex(({ data, isKey: key }) => key && data.equals(frame));
    at %= clip.frames.length;
    return at >= 0;
  });
}

it('begins with a key frame on every layer and can be decoded for ever after, also when key frames are asked for', () => {
  const camera = new Camera(clips, half);
  const sent: Buffer[][] = clips.map(() => []);
  for (let index = 0; index < 400; index++) {
    if (index % 47 === 3) camera.requestKeyFrame(index % 3);
    for (const [layer, frame] of moment(camera).entries()) sent[layer]?.push(frame);
  }
  sent.forEach((frames, layer) => {
    expect(isKey(frames[0])).toBe(true);
    const clip = clips[layer];
    expect(clip && isDecodable(frames, clip)).toBe(true);
  });
});

it('answers a request with a key frame of that layer at the very next moment, and of no other layer', () => {
  const camera = new Camera(clips, half);
  for (let index = 0; index < 20; index++) moment(camera);
  camera.requestKeyFrame(2);
  expect(moment(camera).map(isKey)).toEqual([false, false, true]);
  expect(moment(camera).map(isKey)).toEqual([false, false, false]);
});

it('is back in its round after the next key frame, so that cameras keep the distance at which they began', () => {
  const rounds = [new Camera(clips, half), new Camera(clips, half)] as const;
  for (let index = 0; index < 20; index++) for (const each of rounds) moment(each);
  rounds[0].requestKeyFrame(1);
  const same: boolean[] = [];
  for (let index = 0; index < 130; index++) {
    const [a, b] = rounds.map((each) => moment(each)[1]);
    same.push(a !== undefined && b?.equals(a) === true);
  }
  expect(same[0]).toBe(false);
  expect(same.slice(60).every(Boolean)).toBe(true);
});

it('spreads a moment over the time to the next, all layers under one timestamp, the marker on each last packet', () => {
  const camera = new Camera(clips, half);
  const packets = camera.next();
  expect(new Set(packets.map(({ timestamp }) => timestamp)).size).toBe(1);
  expect(packets.map(({ at }) => at)).toEqual(packets.map(({ at }) => at).sort((a, b) => a - b));
  expect(Math.max(...packets.map(({ at }) => at))).toBeLessThan(0.9);
  for (const layer of [0, 1, 2]) {
    const own = packets.filter((each) => each.layer === layer);
    expect(own.map(({ marker }) => marker)).toEqual(own.map((_, index) => index === own.length - 1));
  }
  expect(((camera.next()[0]?.timestamp ?? 0) - (packets[0]?.timestamp ?? 0) + 0x1_0000_0000) % 0x1_0000_0000).toBe(
    3_000,
  );
});

it('makes only the layers that somebody wants, and begins a layer that comes back with a key frame', () => {
  const camera = new Camera(clips, half);
  const layers = () => [...new Set(camera.next().map(({ layer }) => layer))].sort();
  camera.setLayers([0]);
  expect(layers()).toEqual([0]);
  for (let i = 0; i < 10; i++) camera.next();
  camera.setLayers([0, 2]);
  const [low, middle, high] = moment(camera);
  expect([isKey(low), middle?.length, isKey(high)]).toEqual([false, 0, true]);
  camera.setLayers([]);
  expect(layers()).toEqual([]);
});
