/** WAV files of 16-bit PCM (Microsoft Multimedia Programming Interface 1.0, RIFF WAVE): read whole, and written while more comes. */
import { type FileHandle, open, readFile } from 'node:fs/promises';

export interface Wav {
  /** Hz */
  readonly rate: number;
  readonly channels: number;
  /** Of all channels in turn. */
  readonly samples: Int16Array;
}

const PCM = 1;
const EXTENSIBLE = 0xfffe;
const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;

/** @throws Error with a sentence that says what to do */
export async function readWav(path: string): Promise<Wav> {
  const file = await readFile(path);
  const isWav =
    file.length >= 12 && file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WAVE';
  if (!isWav) throw new Error(`${path} is no WAV file. Make one: ffmpeg -i ${path} -ac 1 -ar 48000 sound.wav`);
  let format: Omit<Wav, 'samples'> | undefined;
  for (let at = 12; at + 8 <= file.length; ) {
    const name = file.toString('latin1', at, at + 4);
    const length = Math.min(file.readUInt32LE(at + 4), file.length - at - 8);
    const chunk = file.subarray(at + 8, at + 8 + length);
    if (name === 'fmt ') format = formatIn(chunk, path);
    if (name === 'data' && format) {
      const whole = chunk.length - (chunk.length % (SAMPLE_BYTES * format.channels));
      const samples = Int16Array.from({ length: whole / SAMPLE_BYTES }, (_, index) =>
        chunk.readInt16LE(index * SAMPLE_BYTES),
      );
      return { ...format, samples };
    }
    // Chunks begin at even places.
    at += 8 + length + (length % 2);
  }
  throw new Error(`${path} has no sound in it.`);
}

function formatIn(chunk: Buffer, path: string): Omit<Wav, 'samples'> {
  const [kind, channels, rate, bits] = [0, 2, 4, 14].map((at) =>
    at === 4 ? chunk.readUInt32LE(at) : chunk.readUInt16LE(at),
  );
  const isRead = (kind === PCM || kind === EXTENSIBLE) && bits === 16 && (channels === 1 || channels === 2);
  if (!isRead || rate === undefined) {
    throw new Error(
      `${path} is not 16-bit PCM. Convert it: ffmpeg -i ${path} -c:a pcm_s16le -ac 1 -ar 48000 sound.wav`,
    );
  }
  return { rate, channels };
}

/** One channel. Where nothing is written there is silence, which takes no room on the disk. */
export class WavWriter {
  readonly #file: FileHandle;
  readonly #rate: number;
  #samples = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, rate: number) {
    this.#file = file;
    this.#rate = rate;
  }

  /** A new file; one that is there is not written over. @throws Error of the file system */
  static async create(path: string, rate: number): Promise<WavWriter> {
    return new WavWriter(await open(path, 'wx'), rate);
  }

  /** @param at of the first of the samples, counted from the begin of the file */
  write(at: number, samples: Int16Array): void {
    const bytes = Buffer.alloc(samples.length * SAMPLE_BYTES);
    for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, index * SAMPLE_BYTES);
    this.#samples = Math.max(this.#samples, at + samples.length);
    this.#last = this.#last.then(() => this.#file.write(bytes, 0, bytes.length, HEADER_BYTES + at * SAMPLE_BYTES));
  }

  /** Writes down how long it is. @throws Error of the file system, also of an earlier write */
  async close(): Promise<void> {
    try {
      await this.#last;
      await this.#file.write(headerOf(this.#samples, this.#rate), 0, HEADER_BYTES, 0);
    } finally {
      await this.#file.close();
    }
  }
}

function headerOf(samples: number, rate: number): Buffer {
  const bytes = samples * SAMPLE_BYTES;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(PCM, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * SAMPLE_BYTES, 28);
  header.writeUInt16LE(SAMPLE_BYTES, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(bytes, 40);
  return header;
}
