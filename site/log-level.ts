/**
 * How much a running server logs. An administrator changes it while it runs, for a while if he likes: people forget that they asked for
 * everything.
 */
import type { Logger } from 'pino';
import Type, { type Static } from 'typebox';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LOG_LEVELS)[number];

/** The longest that a level is set for, s. */
export const MAX_FOR_SECONDS = 86_400;

const LevelName = Type.Unsafe<Level>({ type: 'string', enum: [...LOG_LEVELS] });

/** `PUT log-level`: for good, or until `seconds` are over. */
export const LogLevelWish = Type.Object(
  { level: LevelName, seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_FOR_SECONDS })) },
  { additionalProperties: false },
);
export type LogLevelWish = Static<typeof LogLevelWish>;

export const LogLevelState = Type.Object(
  {
    level: Type.String({ maxLength: 20 }),
    /** What it goes back to at `until`, ms since 1970. */
    back: Type.Optional(Type.String({ maxLength: 20 })),
    until: Type.Optional(Type.Number()),
  },
  { additionalProperties: false },
);
export type LogLevelState = Static<typeof LogLevelState>;

export class LogLevel {
  readonly #log: Logger;
  readonly #now: () => number;
  #usual: string;
  #until: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param log what all of the server's other loggers are children of: they have no level of their own and look at their parent's
   * @param now ms since 1970
   */
  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
    this.#usual = log.level;
  }

  get state(): LogLevelState {
    const { level } = this.#log;
    return this.#until === undefined ? { level } : { level, back: this.#usual, until: this.#until };
  }

  set({ level, seconds }: LogLevelWish): LogLevelState {
    clearTimeout(this.#timer);
    this.#until = undefined;
    if (seconds === undefined) this.#usual = level;
    else {
      this.#until = this.#now() + seconds * 1_000;
      this.#timer = setTimeout(() => this.#goBack(), seconds * 1_000);
    }
    this.#change(level);
    return this.state;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #goBack(): void {
    this.#until = undefined;
    this.#change(this.#usual);
  }

  /** Said at whichever of the two levels says more, so that the log tells why it changes. */
  #change(level: string): void {
    const tell = () => this.#log.info({ ...this.state, level }, 'the log level changes');
    const isMore = (this.#log.levels.values[level] ?? 0) < this.#log.levelVal;
    if (!isMore) tell();
    this.#log.level = level;
    if (isMore) tell();
  }
}
