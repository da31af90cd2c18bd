/** For tests: a device on a host of a test's network that asks a TURN server. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestHost, TestNetwork } from '#ports/testing/network.ts';
import type { TurnCredential } from '../credential.ts';
import type { Endpoint } from '../stun.ts';
import type { Allocation } from '../turn-client.ts';
import type { Answer, Question } from './turn-asker.ts';

const PROGRAM = fileURLToPath(new URL('turn-asker.ts', import.meta.url));

export class Asker {
  readonly #lines: ((answer: Answer) => void)[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param tls over TLS to a server of this name, believing this authority */
  static async open(
    network: TestNetwork,
    where: TestHost,
    server: Endpoint,
    tls?: { readonly ca: string; readonly name: string },
  ): Promise<Asker> {
    const child = network.start(where, process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    const asker = new Asker(child);
    if (child.stdout) {
      createInterface(child.stdout).on('line', (line) => asker.#lines.shift()?.(JSON.parse(line)));
    }
    child.once('exit', () => {
      for (const resolve of asker.#lines.splice(0)) resolve({ ok: false, code: 0, why: 'the program ended' });
    });
    const opened = await asker.ask({ ask: 'open', server, ...tls });
    if (!opened.ok) throw new Error(opened.why);
    return asker;
  }

  ask(question: Question): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#lines.push(resolve);
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return promise;
  }

  /** Ends it as a crash does: nothing is given back. */
  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** 200, or the code with which it was refused. */
  async code(question: Question): Promise<number> {
    const answer = await this.ask(question);
    return answer.ok ? 200 : answer.code;
  }

  async allocate({ username, password }: TurnCredential, family?: 'ipv6'): Promise<Allocation> {
    const answer = await this.ask({ ask: 'allocate', username, password, ...(family && { family }) });
    if (!answer.ok) throw new Error(answer.why);
    return answer.value as Allocation;
  }

  async heard(): Promise<readonly { readonly data: string; readonly peer: Endpoint }[]> {
    const answer = await this.ask({ ask: 'heard' });
    return answer.ok ? (answer.value as { data: string; peer: Endpoint }[]) : [];
  }
}
