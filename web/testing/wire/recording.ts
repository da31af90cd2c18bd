/** Every packet of some ports of this machine, as tcpdump sees it on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { open, readFile } from 'node:fs/promises';
import { until } from '#signalling/testing-until.ts';
import { type Packet, readPcap } from './pcap.ts';

/** For packets that tcpdump has not written yet, KiB: enough for some seconds of all media of a call. */
const BUFFER_KIB = 65_536;

export interface RecordingOptions {
  /** Of tcpdump. */
  readonly program: string;
  /** Where packets are kept. */
  readonly file: string;
  readonly ports: readonly number[];
}

export class Recording {
  readonly #child: ChildProcess;
  readonly #options: RecordingOptions;
  readonly #ended: Promise<string>;

  private constructor(child: ChildProcess, options: RecordingOptions, ended: Promise<string>) {
    this.#child = child;
    this.#options = options;
    this.#ended = ended;
  }

  /** Resolves when packets are recorded. @throws Error with what tcpdump says where it does not */
  static async start(options: RecordingOptions): Promise<Recording> {
    const { program, file, ports } = options;
    const filter = ports.map((port) => `port ${port}`).join(' or ');
    // As the user that it was started as: the file is in a folder of his.
    const args = ['-i', 'lo', '-n', '-s', '0', '-U', '-B', `${BUFFER_KIB}`, '-Z', 'root', '-w', file, filter];
    const asSelf = process.getuid?.() === 0 ? args : args.filter((word) => word !== '-Z' && word !== 'root');
    const child = spawn(program, asSelf, { stdio: ['ignore', 'ignore', 'pipe'] });
    const begun = Promise.withResolvers<void>();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/listening on/.test(said)) begun.resolve();
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', () => resolve(said));
    });
    void ended.then(() => begun.reject(new Error(`tcpdump records nothing: ${said}`)));
    await begun.promise;
    return new Recording(child, options, ended);
  }

  /** Ends it when all that went over the ports until now is written. @throws Error where packets were lost: what is not recorded proves nothing */
  async stop(): Promise<readonly Packet[]> {
    await this.#writtenUntilNow();
    this.#child.kill('SIGINT');
    const said = await this.#ended;
    const lost = /(\d+) packets? dropped by kernel/.exec(said)?.[1];
    if (lost !== '0') throw new Error(`tcpdump has not recorded everything: ${said}`);
    return readPcap(await readFile(this.#options.file));
  }

  /** Packets are written in their order, and up to a second late: so a last one is sent after them, and waited for. */
  async #writtenUntilNow(): Promise<void> {
    const last = randomBytes(16);
    const socket = createSocket('udp4');
    socket.send(last, this.#options.ports[0], '127.0.0.1', () => socket.close());
    await using file = await open(this.#options.file);
    const buffer = Buffer.alloc(1024 * 1024);
    let before = Buffer.alloc(0);
    const isThere = async () => {
      const { bytesRead } = await file.read(buffer);
      const all = Buffer.concat([before, buffer.subarray(0, bytesRead)]);
      before = Buffer.from(all.subarray(-last.length));
      return all.includes(last);
    };
    await until(isThere, 'tcpdump has written the last packet', 20_000);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
