/** Real speech, made beforehand by `encode-speech.ts` with espeak-ng: Opus with DTX, and how loud each 20 ms is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FOLDER } from './clips.ts';
import { readIvf } from './ivf.ts';

export interface SpeechFrame {
  /** Absent where DTX sends nothing. */
  readonly packet: Buffer | undefined;
  /** -dBov (RFC 6464), 127 is silence. */
  readonly level: number;
}

export interface Speech {
  readonly name: string;
  /** 20 ms each; the first is the begin of the first word. */
  readonly frames: readonly SpeechFrame[];
}

/** One entry of `speech.json`. */
export interface SpeechNote {
  readonly name: string;
  /** Of espeak-ng. */
  readonly voice: string;
  readonly text: string;
  readonly levels: readonly number[];
}

/** RTP clock units of 20 ms of sound. */
export const FRAME_TICKS = 960;
/** The entry without a word: what the encoder sends while nobody speaks. */
export const SILENT = 'speech-silence';

export async function loadSpeech(): Promise<{ readonly clips: readonly Speech[]; readonly comfort: Buffer }> {
  const notes: SpeechNote[] = JSON.parse(await readFile(join(FOLDER, 'speech.json'), 'utf8'));
  const all = await Promise.all(
    notes.map(async ({ name, levels }) => speechOf(name, await readFile(join(FOLDER, `${name}.ivf`)), levels)),
  );
  // The last that the encoder sends before DTX stops it is what it repeats now and then while silence lasts.
  const comfort = all.find(({ name }) => name === SILENT)?.frames.findLast(({ packet }) => packet)?.packet;
  if (!comfort) throw new Error(`the clip ${SILENT} holds no packet`);
  return { clips: all.filter(({ name }) => name !== SILENT), comfort };
}

/** @throws Error where the file is damaged */
export function speechOf(name: string, file: Buffer, levels: readonly number[]): Speech {
  const packets = new Map(readIvf(file).frames.map(({ timestamp, data }) => [timestamp / FRAME_TICKS, data]));
  return { name, frames: levels.map((level, frame) => ({ packet: packets.get(frame), level })) };
}
