/**
 * For tests of who can see and hear what: a picture and a sound that are known, made for the camera and the microphone of a
 * browser, and whether they are in frames that somebody has.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpusScript from 'opusscript';
import type { Page } from 'playwright-core';
import { clearBytesOf } from '#client/sframe/codecs.ts';
import { type Epoch, Epochs } from '#client/sframe/epochs.ts';
import { IncomingFrames, WAIT_MS } from '#client/sframe/incoming-frames.ts';
import { nodeEngine } from '#client/sframe/node-engine.ts';
import type { ParticipantId } from '#signalling/ids.ts';

const SIDE = { width: 640, height: 360 } as const;
const TONE_HZ = 1_000;
const RATE = 48_000;

export interface Frame {
  readonly data: Uint8Array;
  /** Of RTP, 32 bits. */
  readonly timestamp: number;
}

/** Writes both into the folder. @returns their paths */
export async function writeMarker(folder: string): Promise<{ readonly film: string; readonly sound: string }> {
  const [film, sound] = [join(folder, 'marker.y4m'), join(folder, 'marker.wav')];
  await Promise.all([writeFile(film, markerFilm()), writeFile(sound, markerSound())]);
  return { film, sound };
}

/** All forms in which somebody could have written down bytes, also amid others: base64 of them begins at any of three places. */
export const formsOf = (bytes: Uint8Array): readonly Buffer[] => {
  const own = Buffer.from(bytes);
  const inText = (form: 'base64' | 'base64url') =>
    [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), own]).toString(form);
      // Letters of which each bit is of these bytes.
      return Buffer.from(text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + own.length) * 8) / 6)));
    });
  return [own, Buffer.from(own.toString('hex')), ...inText('base64'), ...inText('base64url')];
};

/** Keys as somebody would have them who knows all but the secret. */
export function withoutSecret(keys: readonly Epoch[]): readonly Epoch[] {
  return keys.map((epoch) => ({ ...epoch, baseKey: new Uint8Array(16).fill(1) }));
}

/** What whoever has the keys reads of the frames of one source, as its encoder made them. */
export async function opened(
  frames: readonly Frame[],
  keys: readonly Epoch[],
  { participant, kind }: { readonly participant: ParticipantId; readonly kind: 'camera' | 'microphone' },
): Promise<readonly Frame[]> {
  const epochs = new Epochs(nodeEngine, () => 0);
  for (const epoch of keys) epochs.add(epoch);
  let now = 0;
  const incoming = new IncomingFrames({ ...{ epochs, participant, kind, now: () => now }, onRefused: () => undefined });
  const read: Frame[] = [];
  for (const { data, timestamp } of frames) {
    now += 20;
    const clear = clearBytesOf(kind === 'camera' ? 'video/vp8' : 'audio/opus', data);
    for (const shown of await incoming.take({ data, clear, timestamp })) read.push({ data: shown.data, timestamp });
  }
  return read;
}

/** How many of the frames whoever has the keys can decrypt, also pictures that cannot be shown because what they build on is missing. */
export async function decrypted(
  frames: readonly Frame[],
  keys: readonly Epoch[],
  { participant, kind }: { readonly participant: ParticipantId; readonly kind: 'camera' | 'microphone' },
): Promise<number> {
  const epochs = new Epochs(nodeEngine, () => 0);
  for (const epoch of keys) epochs.add(epoch);
  let [now, count] = [0, 0];
  const incoming = new IncomingFrames({
    ...{ epochs, participant, kind, now: () => now },
    onRefused: (refusal) => {
      if (refusal === 'incomplete') count += 1;
    },
  });
  const nothing = { data: new Uint8Array(), timestamp: 0 };
  for (const { data, timestamp } of [...frames, nothing]) {
    // What waits is given up before the next one comes.
    now += WAIT_MS;
    const clear = clearBytesOf(kind === 'camera' ? 'video/vp8' : 'audio/opus', data);
    const shown = await incoming.take({ data, clear, timestamp });
    count += shown.length;
  }
  return count;
}

/** In which part of the pieces of 20 ms the tone is more than half of all that is heard. */
export async function toneIn(frames: readonly Frame[]): Promise<number> {
  const decoder = new OpusScript(RATE, 1, OpusScript.Application.AUDIO);
  let marked = 0;
  for (const { data } of frames) {
    try {
      const pcm = decoder.decode(Buffer.from(data));
      const samples = Float64Array.from({ length: pcm.length / 2 }, (_, at) => pcm.readInt16LE(at * 2) / 32_768);
      if (shareOfTone(samples) > 0.5) marked += 1;
    } catch {
      // Not what Opus makes.
    }
  }
  decoder.delete();
  return frames.length === 0 ? 0 : marked / frames.length;
}

/** Of the power, the part that is at the tone: Goertzel's algorithm. Silence has none. */
function shareOfTone(samples: Float64Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0);
  if (power / samples.length < 1e-5) return 0;
  const turn = (2 * Math.PI * TONE_HZ) / RATE;
  let [one, two] = [0, 0];
  for (const sample of samples) [one, two] = [sample + 2 * Math.cos(turn) * one - two, one];
  const atTone = one * one + two * two - 2 * Math.cos(turn) * one * two;
  return (2 * atTone) / (samples.length * power);
}

/** How many of the frames a browser decodes to a picture with four quarters in the colours of the marker. */
export function markedPictures(page: Page, frames: readonly Frame[]): Promise<number> {
  const chunks = frames.map(({ data }) => ({
    text: Buffer.from(data).toString('base64'),
    isKey: ((data[0] ?? 1) & 1) === 0,
  }));
  return page.evaluate(async (all) => {
    let marked = 0;
    const canvas = new OffscreenCanvas(64, 36);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const look = (frame: VideoFrame) => {
      context?.drawImage(frame, 0, 0, 64, 36);
      frame.close();
      const at = (x: number, y: number) => [...(context?.getImageData(x, y, 1, 1).data ?? [])].slice(0, 3);
      const [r, g, b, w] = [at(16, 9), at(48, 9), at(16, 27), at(48, 27)] as number[][];
      const isMore = (one: number[] | undefined, index: number) =>
        one?.every((value, each) => each === index || (one[index] ?? 0) > value + 60) ?? false;
      const isWhite = w?.every((value) => value > 190) ?? false;
      if (isMore(r, 0) && isMore(g, 1) && isMore(b, 2) && isWhite) marked += 1;
    };
    const make = () => {
      const decoder = new VideoDecoder({ output: look, error: () => undefined });
      decoder.configure({ codec: 'vp8' });
      return decoder;
    };
    let decoder = make();
    let hasKey = false;
    for (const [index, { text, isKey }] of all.entries()) {
      if (decoder.state === 'closed') [decoder, hasKey] = [make(), false];
      if (!isKey && !hasKey) continue;
      hasKey = true;
      const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      try {
        decoder.decode(new EncodedVideoChunk({ type: isKey ? 'key' : 'delta', timestamp: index * 33_000, data }));
        while (decoder.decodeQueueSize > 10) await new Promise((resolve) => setTimeout(resolve, 5));
      } catch {
        // What is no picture ends the decoder.
      }
    }
    if (decoder.state !== 'closed') await decoder.flush().catch(() => undefined);
    return marked;
  }, chunks);
}

/** A second of quarters: red, green, blue, white (BT.601, in the range of video). */
function markerFilm(): Buffer {
  const { width, height } = SIDE;
  const colours = [
    [81, 90, 240],
    [145, 54, 34],
    [41, 240, 110],
    [235, 128, 128],
  ] as const;
  const plane = (w: number, h: number, which: 0 | 1 | 2) =>
    Buffer.from(
      Uint8Array.from({ length: w * h }, (_, at) => {
        const quarter = (at % w < w / 2 ? 0 : 1) + (Math.floor(at / w) < h / 2 ? 0 : 2);
        return colours[quarter]?.[which] ?? 0;
      }),
    );
  const frame = Buffer.concat([
    Buffer.from('FRAME\n'),
    plane(width, height, 0),
    plane(width / 2, height / 2, 1),
    plane(width / 2, height / 2, 2),
  ]);
  const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420\n`);
  return Buffer.concat([head, ...Array.from({ length: 30 }, () => frame)]);
}

/** Ten seconds of a tone that comes and goes, so that nothing takes it for noise. */
function markerSound(): Buffer {
  const count = RATE * 10;
  const bytes = Buffer.alloc(44 + count * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + count * 2, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(count * 2, 40);
  for (let at = 0; at < count; at++) {
    const isOn = at % (RATE / 2) < RATE / 3;
    bytes.writeInt16LE(isOn ? Math.round(16_000 * Math.sin((2 * Math.PI * TONE_HZ * at) / RATE)) : 0, 44 + at * 2);
  }
  return bytes;
}
