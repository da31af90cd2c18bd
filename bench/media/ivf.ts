/**
 * The container of the clips: IVF, 32 bytes of header, then each frame with 12 bytes of its own (little-endian). FFmpeg and
 * libvpx read the pictures; sound is kept the same way under the four letters OPUS, with a clock of 48,000.
 */
export interface IvfFrame {
  /** In units of `timebase`. */
  readonly timestamp: number;
  readonly data: Buffer;
}

export interface Ivf {
  readonly fourcc: 'VP80' | 'OPUS';
  /** 0 for sound. */
  readonly width: number;
  readonly height: number;
  /** Units a second. */
  readonly timebase: number;
  readonly frames: readonly IvfFrame[];
}

const HEADER = 32;
const FRAME_HEADER = 12;

export function writeIvf({ fourcc, width, height, timebase, frames }: Ivf): Buffer {
  const header = Buffer.alloc(HEADER);
  header.write('DKIF', 0, 'latin1');
  header.writeUInt16LE(HEADER, 6);
  header.write(fourcc, 8, 'latin1');
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header.writeUInt32LE(timebase, 16);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(frames.length, 24);
  const parts = frames.flatMap(({ timestamp, data }) => {
    const head = Buffer.alloc(FRAME_HEADER);
    head.writeUInt32LE(data.length, 0);
    head.writeBigUInt64LE(BigInt(timestamp), 4);
    return [head, data];
  });
  return Buffer.concat([header, ...parts]);
}

/** @throws Error where the file is no IVF of ours or ends too early */
export function readIvf(file: Buffer): Ivf {
  if (file.length < HEADER || file.toString('latin1', 0, 4) !== 'DKIF') throw new Error('this is no IVF file');
  const fourcc = file.toString('latin1', 8, 12);
  if (fourcc !== 'VP80' && fourcc !== 'OPUS') throw new Error(`a clip of ${fourcc} cannot be played`);
  const count = file.readUInt32LE(24);
  const frames: IvfFrame[] = [];
  let at = file.readUInt16LE(6);
  for (let index = 0; index < count; index++) {
    if (at + FRAME_HEADER > file.length) throw new Error('the IVF file ends inside a frame');
    const end = at + FRAME_HEADER + file.readUInt32LE(at);
    if (end > file.length) throw new Error('the IVF file ends inside a frame');
    frames.push({ timestamp: Number(file.readBigUInt64LE(at + 4)), data: file.subarray(at + FRAME_HEADER, end) });
    at = end;
  }
  return {
    fourcc,
    width: file.readUInt16LE(12),
    height: file.readUInt16LE(14),
    timebase: file.readUInt32LE(16),
    frames,
  };
}
