/**
 * When the levels are to be stated to a side again: at once when somebody begins to speak or the speaker changes, soon
 * when a level has changed noticeably, and never more often than a link can bear. Pure; the time is passed in.
 */
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { LinkLevel } from '#signalling/sft-link.ts';

export interface LevelStatement {
  readonly levels: readonly LinkLevel[];
  readonly speaker: ParticipantId | undefined;
}

/** Most statements a second. */
export const STATEMENTS_PER_SECOND = 8;
/** Shortest time after which mere changes of levels are stated, ms: half of the statements are left for who begins. */
export const SETTLED_MS = 250;
/** What changes the ranking for sure, dB; below it lies the ripple of one voice. */
export const NOTICEABLE_DB = 6;

const SECOND_MS = 1_000;

export class LevelPace {
  #last: ReadonlyMap<SourceId, number> = new Map();
  #speaker: ParticipantId | undefined;
  /** Times of the newest statements, ms. */
  #stated: readonly number[] = [];

  /** In how many ms it is to be stated; 0 is now, undefined where it says nothing new. */
  waitFor({ levels, speaker }: LevelStatement, now: number): number | undefined {
    const begins = speaker !== this.#speaker || levels.some(({ source }) => !this.#last.has(source));
    if (!begins && !this.#isNoticeable(levels)) return undefined;
    const oldest = this.#stated.length < STATEMENTS_PER_SECOND ? undefined : this.#stated[0];
    const allowedAt = oldest === undefined ? now : oldest + SECOND_MS;
    const settledAt = begins ? now : (this.#stated.at(-1) ?? Number.NEGATIVE_INFINITY) + SETTLED_MS;
    return Math.max(0, allowedAt - now, settledAt - now);
  }

  stated({ levels, speaker }: LevelStatement, now: number): void {
    this.#last = new Map(levels.map(({ source, level }) => [source, level]));
    this.#speaker = speaker;
    this.#stated = [...this.#stated, now].slice(-STATEMENTS_PER_SECOND);
  }

  #isNoticeable(levels: readonly LinkLevel[]): boolean {
    if (levels.length !== this.#last.size) return true;
    return levels.some(({ source, level }) => Math.abs(level - (this.#last.get(source) ?? 0)) >= NOTICEABLE_DB);
  }
}
