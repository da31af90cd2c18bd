/**
 * A process of the benchmark's own that answers calls: synthetic people and the border each have theirs, so that none
 * takes the processor from the other unseen. It ends when whoever started it is gone, however that came.
 */
import { type ChildProcess, fork } from 'node:child_process';
import process from 'node:process';

/** What a helper can be asked to do; parameters and results are plain data. */
export type Methods = Readonly<Record<string, (params: never) => unknown>>;
type ParamsOf<M extends Methods, K extends keyof M> = Parameters<M[K]>[0];
type ResultOf<M extends Methods, K extends keyof M> = Awaited<ReturnType<M[K]>>;

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly code?: string };

/** What a helper could not do, in its own words. */
export class HelperError extends Error {
  override readonly name = 'HelperError';
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

export class Helper<M extends Methods> {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #exited: Promise<void>;
  #last = 0;
  #stopping = false;

  /**
   * @param file the program; it calls `answerCalls` with the methods `M`
   * @param undo stops it in its turn
   * @param onDied called with a sentence when it ends without having been asked to
   * @throws Error where everything is being stopped already
   */
  static start<M extends Methods>(
    name: string,
    file: string,
    undo: AsyncDisposableStack,
    onDied: (sentence: string) => void,
  ): Helper<M> {
    if (undo.disposed) throw new Error('Stopped.');
    const helper = new Helper<M>(name, file, onDied);
    undo.defer(() => helper.stop());
    return helper;
  }

  private constructor(name: string, file: string, onDied: (sentence: string) => void) {
    this.name = name;
    this.#child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (answer) => this.#hear(answer as Answer)); // of our own program at the other end
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.once('exit', (code, signal) => {
      const sentence = `The process of the ${name} ended by itself (${signal ?? `exit code ${code}`}).`;
      for (const { reject } of this.#asked.values()) reject(new HelperError(sentence));
      if (!this.#stopping) onDied(sentence);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws HelperError */
  call<K extends keyof M & string>(method: K, params: ParamsOf<M, K>): Promise<ResultOf<M, K>> {
    const id = ++this.#last;
    const asked = Promise.withResolvers<ResultOf<M, K>>();
    this.#asked.set(id, asked as PromiseWithResolvers<unknown>);
    this.#child.send({ id, method, params } satisfies Question, (error) => {
      if (error) this.#hear({ id, error: `The process of the ${this.name} is gone.` });
    });
    return asked.promise;
  }

  /** Ends it, with force where it does not go within two seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    await this.#exited;
    clearTimeout(timer);
  }

  /** No word of goodbye. */
  async kill(): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #hear(answer: Answer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if ('error' in answer) asked?.reject(new HelperError(answer.error, answer.code));
    else asked?.resolve(answer.result);
  }
}

/** The other end: answers calls until the starter is gone, then calls `close` and ends. */
export function answerCalls(methods: Methods, close: () => void): void {
  // Ctrl-C reaches every process of the terminal; who started us decides in which order things end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  process.once('disconnect', () => {
    close();
    process.exit();
  });
  process.on('message', async ({ id, method, params }: Question) => {
    const answer = await answerTo(methods[method], id, params);
    if (process.connected) process.send?.(answer);
  });
}

async function answerTo(handler: Methods[string] | undefined, id: number, params: unknown): Promise<Answer> {
  try {
    return { id, result: await handler?.(params as never) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return { id, error: error instanceof Error ? error.message : String(error), ...(code && { code }) };
  }
}
