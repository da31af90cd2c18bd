/** The media that synthetic people publish, made beforehand by `encode.ts`: a camera in three layers, and a microphone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIvf } from './ivf.ts';

export interface ClipFrame {
  readonly data: Buffer;
  readonly isKey: boolean;
}

export interface Clip {
  readonly name: string;
  /** 0 for sound. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** RTP clock units between two frames. */
  readonly ticks: number;
  readonly frames: readonly ClipFrame[];
  /** What the frames of one loop really amount to, bit/s, without any header. */
  readonly bitrate: number;
}

export interface Clips {
  /** By layer, 0 the smallest; all have the same number of frames and the same rate. */
  readonly camera: readonly Clip[];
  /** The largest layer of the camera: a screen is published in one layer, and costs about as much. */
  readonly screen: Clip;
  readonly microphone: Clip;
}

/** What `encode.ts` makes, and the bit rate that each is to have within 3 %. */
export const PICTURES = [
  { name: 'camera-0', width: 320, height: 180, bitrate: 150_000 },
  { name: 'camera-1', width: 640, height: 360, bitrate: 500_000 },
  { name: 'camera-2', width: 1280, height: 720, bitrate: 1_500_000 },
] as const;
export const SOUND = { name: 'microphone', bitrate: 32_000 } as const;
export const FRAMES_PER_SECOND = 30;
export const LOOP_SECONDS = 4;
/** Frames of the loop at which every layer has a key frame. */
export const KEY_FRAMES = [0, 60] as const;
export const FOLDER = join(import.meta.dirname, 'clips');

const VIDEO_CLOCK = 90_000;
const SOUND_CLOCK = 48_000;

export async function loadClips(): Promise<Clips> {
  const read = async (name: string) => clipOf(name, await readFile(join(FOLDER, `${name}.ivf`)));
  const [camera, microphone] = await Promise.all([
    Promise.all(PICTURES.map(({ name }) => read(name))),
    read(SOUND.name),
  ]);
  const screen = camera.at(-1);
  if (!screen) throw new Error('a camera needs a clip');
  return { camera, screen, microphone };
}

/** @throws Error where the file is damaged */
export function clipOf(name: string, file: Buffer): Clip {
  const { fourcc, width, height, timebase, frames } = readIvf(file);
  const second = frames[1];
  if (!second) throw new Error(`the clip ${name} has fewer than two frames`);
  const seconds = second.timestamp / timebase;
  const bytes = frames.reduce((sum, { data }) => sum + data.length, 0);
  return {
    name,
    width,
    height,
    framesPerSecond: 1 / seconds,
    ticks: Math.round(seconds * (fourcc === 'OPUS' ? SOUND_CLOCK : VIDEO_CLOCK)),
    frames: frames.map(({ data }) => ({ data, isKey: fourcc === 'OPUS' || isKeyFrame(data) })),
    bitrate: Math.round((bytes * 8) / (seconds * frames.length)),
  };
}

/** RFC 6386, section 9.1: the lowest bit of the frame tag is 0. */
function isKeyFrame(frame: Buffer): boolean {
  return ((frame[0] ?? 1) & 1) === 0;
}
