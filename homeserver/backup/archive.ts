/**
 * The file of a backup: the plain form of tar (POSIX.1-1988, "ustar") with regular files only, so that `tar -tf` shows what is in
 * it. The reader takes nothing but what the writer writes: no links, no devices, no name that leads out of a folder.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { BackupError } from './fault.ts';

const BLOCK = 512;
/** What is read at once, bytes. */
const CHUNK = 1024 * 1024;
/** Larger sizes do not fit the eleven octal digits and are written as a number, as GNU tar does. */
const OCTAL_LIMIT = 8 ** 11;

export class ArchiveWriter {
  readonly #file: FileHandle;

  /** @param file empty, open for writing */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * @param name such as `data/assets/x`
   * @param size of what `chunks` gives, bytes
   * @returns its SHA-256, hexadecimal
   * @throws BackupError where there are fewer bytes or more
   */
  async add(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    await this.#file.writeFile(header(name, size));
    const hash = createHash('sha256');
    let written = 0;
    for await (const chunk of chunks) {
      written += chunk.length;
      hash.update(chunk);
      await this.#file.writeFile(chunk);
    }
    if (written !== size) throw new BackupError(`${name} changed while it was read. Try again.`);
    await this.#file.writeFile(Buffer.alloc(padding(size)));
    return hash.digest('hex');
  }

  /** Two empty blocks end a tar. */
  async end(): Promise<void> {
    await this.#file.writeFile(Buffer.alloc(2 * BLOCK));
    await this.#file.sync();
  }
}

export interface Entry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  content(): AsyncGenerator<Uint8Array>;
}

/**
 * The entries in their order. What is in one of them may be read at any time while the file is open.
 * @throws BackupError where the file is no archive of ours, is cut off or goes on after its end
 */
export async function* readArchive(file: FileHandle): AsyncGenerator<Entry> {
  const { size: length } = await file.stat();
  for (let at = 0; ; ) {
    const block = await readBlock(file, at);
    if (block.every((byte) => byte === 0)) {
      const rest = await readBlock(file, at + BLOCK);
      if (!rest.every((byte) => byte === 0) || length !== at + 2 * BLOCK) throw damaged('it goes on after its end');
      return;
    }
    const { name, size } = parseHeader(block);
    const start = at + BLOCK;
    at = start + size + padding(size);
    if (at > length) throw damaged(`it ends in the middle of ${name}`);
    yield { name, size, content: () => slices(file, start, size) };
  }
}

async function* slices(file: FileHandle, start: number, size: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < size; ) {
    const { bytesRead, buffer } = await file.read({
      buffer: Buffer.allocUnsafe(Math.min(CHUNK, size - done)),
      position: start + done,
    });
    if (bytesRead === 0) throw damaged('it ends too early');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function readBlock(file: FileHandle, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(BLOCK), position });
  if (bytesRead < BLOCK) throw damaged('it ends too early');
  return buffer;
}

/** Of each field: where it begins and how long it is. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

const REGULAR_FILE = '0';
const MAGIC = 'ustar\u000000';

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (field: keyof typeof FIELDS, text: string) => block.write(text, FIELDS[field][0]);
  const [prefix, last] = split(name);
  put('name', last);
  put('prefix', prefix);
  put('mode', '0000600');
  put('uid', '0000000');
  put('gid', '0000000');
  put('mtime', '00000000000');
  put('type', REGULAR_FILE);
  put('magic', MAGIC);
  if (size < OCTAL_LIMIT) put('size', size.toString(8).padStart(11, '0'));
  else {
    block.writeUInt8(0x80, FIELDS.size[0]);
    block.writeBigUInt64BE(BigInt(size), FIELDS.size[0] + 4);
  }
  put('checksum', `${checksum(block).toString(8).padStart(6, '0')}\u0000 `);
  return block;
}

function parseHeader(block: Buffer): { name: string; size: number } {
  const text = (field: keyof typeof FIELDS) => {
    const [start, length] = FIELDS[field];
    return block.toString('utf8', start, start + length).replace(/\0.*$/s, '');
  };
  const isOurs =
    block.toString('latin1', 257, 265) === MAGIC && Number.parseInt(text('checksum'), 8) === checksum(block);
  if (!isOurs) throw damaged('this is no backup, or a part of it is missing');
  const name = text('prefix') === '' ? text('name') : `${text('prefix')}/${text('name')}`;
  const isBig = block[FIELDS.size[0]] === 0x80;
  const size = isBig ? Number(block.readBigUInt64BE(FIELDS.size[0] + 4)) : Number.parseInt(text('size'), 8);
  if (text('type') !== REGULAR_FILE || !isSafeName(name) || !Number.isSafeInteger(size)) {
    throw damaged('there is something in it that no backup holds');
  }
  return { name, size };
}

/** Whether a name stays in the folder below which it is put. */
export function isSafeName(name: string): boolean {
  return name !== '' && !name.includes('\0') && name.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** The last part, of at most 100 bytes, and the folders before it, of at most 155. */
function split(name: string): [prefix: string, last: string] {
  if (!isSafeName(name)) throw new BackupError(`${JSON.stringify(name)} cannot be saved under this name. Rename it.`);
  if (Buffer.byteLength(name) <= FIELDS.name[1]) return ['', name];
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
    const [prefix, last] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= FIELDS.prefix[1] && Buffer.byteLength(last) <= FIELDS.name[1])
      return [prefix, last];
  }
  throw new BackupError(`The name ${name} is too long to be saved. Rename it.`);
}

/** The sum of all bytes, its own field counted as spaces. */
function checksum(block: Buffer): number {
  const [start, length] = FIELDS.checksum;
  return block.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function damaged(how: string): BackupError {
  return new BackupError(`The backup cannot be used: ${how}. Take another one.`);
}
