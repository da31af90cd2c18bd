/** Where an application runs: in this process, or in one of its own that can be killed. */
import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ConversationId } from '#signalling/ids.ts';
import { Helper } from '../../helper.ts';
import { App, type AppOptions, type AppView, type Note } from './app.ts';
import type { Message, Shown, Telling } from './checker.ts';
import type { SeatMethods } from './seat-process.ts';

export interface Seat {
  readonly label: string;
  /** Whether the application runs. */
  readonly isUp: boolean;
  /** Starts the application, from its vault where it ran before. */
  start(options: AppOptions): Promise<void>;
  /** Ends it in order. */
  end(): Promise<void>;
  /** Comes into a conversation that was made after it was started. */
  join(conversation: ConversationId): Promise<void>;
  /** Resolves when it is on its disk. @throws Error where it ended before */
  say(message: Message): Promise<void>;
  /** Why it did not. */
  renewKeys(conversation: string): Promise<string | undefined>;
  view(conversation: string): Promise<AppView>;
  isSending(conversation: string): Promise<boolean>;
  /** Everything that it noted, one list for each life of the application. */
  lives(): Promise<readonly (readonly Note[])[]>;
}

/** @param onNote told each note as it comes */
export class LocalSeat implements Seat {
  readonly label: string;
  readonly #onNote: (note: Note) => void;
  readonly #lives: Note[][] = [];
  readonly #ended: AbortSignal;
  #app: App | undefined;

  constructor(label: string, ended: AbortSignal, onNote: (note: Note) => void) {
    this.label = label;
    this.#ended = ended;
    this.#onNote = onNote;
  }

  get isUp(): boolean {
    return this.#app !== undefined;
  }

  /** The application itself. @throws Error where it does not run */
  get app(): App {
    if (!this.#app) throw new Error(`${this.label} does not run`);
    return this.#app;
  }

  async start(options: AppOptions): Promise<void> {
    const notes: Note[] = [];
    this.#lives.push(notes);
    const note = (each: Note) => {
      notes.push(each);
      this.#onNote(each);
    };
    this.#app = await App.open(options, note, this.#ended);
  }

  async end(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    await app?.close();
  }

  async join(conversation: ConversationId): Promise<void> {
    await this.app.join(conversation);
  }

  async say(message: Message): Promise<void> {
    await this.app.say(message);
  }

  async renewKeys(conversation: string): Promise<string | undefined> {
    return this.app.renewKeys(conversation);
  }

  async view(conversation: string): Promise<AppView> {
    return this.app.view(conversation);
  }

  async isSending(conversation: string): Promise<boolean> {
    return this.app.isSending(conversation);
  }

  async lives(): Promise<readonly (readonly Note[])[]> {
    return this.#lives;
  }
}

const PROGRAM = new URL('seat-process.ts', import.meta.url).pathname;

/** Its notes are in a file, which holds also what was told in the moment before it was killed. */
export class ProcessSeat implements Seat {
  readonly label: string;
  readonly #notes: string;
  readonly #undo: AsyncDisposableStack;
  #helper: Helper<SeatMethods> | undefined;
  #isUp = false;

  /** @param notes path of the file */
  constructor(label: string, notes: string, undo: AsyncDisposableStack) {
    this.label = label;
    this.#notes = notes;
    this.#undo = undo;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Begins to start it; `start` resolves later, or rejects where it is killed before. */
  async start(options: AppOptions): Promise<void> {
    appendFileSync(this.#notes, `${LIFE}\n`);
    const helper = Helper.start<SeatMethods>(this.label, PROGRAM, this.#undo, () => undefined);
    this.#helper = helper;
    await helper.call('start', { ...options, notes: this.#notes });
    if (this.#helper === helper) this.#isUp = true;
  }

  async end(): Promise<void> {
    const helper = this.#forget();
    await helper?.call('end', {});
    await helper?.stop();
  }

  /** No word of goodbye. */
  async kill(): Promise<void> {
    await this.#forget()?.kill();
  }

  async join(conversation: ConversationId): Promise<void> {
    await this.#running.call('join', { conversation });
  }

  async say(message: Message): Promise<void> {
    await this.#running.call('say', message);
  }

  renewKeys(conversation: string): Promise<string | undefined> {
    return this.#running.call('renewKeys', { conversation });
  }

  view(conversation: string): Promise<AppView> {
    return this.#running.call('view', { conversation });
  }

  isSending(conversation: string): Promise<boolean> {
    return this.#running.call('isSending', { conversation });
  }

  async lives(): Promise<readonly (readonly Note[])[]> {
    const text = await readFile(this.#notes, 'utf8').catch(() => '');
    return text
      .split(`${LIFE}\n`)
      .map((life) => life.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Note])));
  }

  get #running(): Helper<SeatMethods> {
    if (!this.#helper) throw new Error(`${this.label} does not run`);
    return this.#helper;
  }

  #forget(): Helper<SeatMethods> | undefined {
    const helper = this.#helper;
    this.#helper = undefined;
    this.#isUp = false;
    return helper;
  }
}

/** Between the notes of two lives. */
const LIFE = '-';

export function tellingsOf(device: string, lives: readonly (readonly Note[])[]): Telling[] {
  return lives.map((notes) => ({ device, told: shownIn(notes, 'told') }));
}

export function acceptedIn(lives: readonly (readonly Note[])[]): Shown[] {
  return lives.flatMap((notes) => shownIn(notes, 'accepted'));
}

export function faultsIn(lives: readonly (readonly Note[])[]): string[] {
  return lives.flat().flatMap((note) => (note.kind === 'fault' ? [note.what] : []));
}

function shownIn(notes: readonly Note[], kind: 'told' | 'accepted'): Shown[] {
  return notes.flatMap((note) => {
    if (note.kind !== kind) return [];
    const { kind: _, ...shown } = note;
    return [shown];
  });
}
