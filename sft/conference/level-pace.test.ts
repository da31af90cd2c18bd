import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LevelPace, NOTICEABLE_DB, SETTLED_MS, STATEMENTS_PER_SECOND } from './level-pace.ts';
import { participantId, sourceId } from './testing.ts';

const told = (levels: Record<string, number>, speaker?: string) => ({
  levels: Object.entries(levels).map(([name, level]) => ({ source: sourceId(name), level })),
  speaker: speaker === undefined ? undefined : participantId(speaker),
});

it('states at once who begins to speak, and who is the speaker', () => {
  const pace = new LevelPace();
  expect(pace.waitFor(told({}), 0)).toBeUndefined();
  expect(pace.waitFor(told({ a: -30 }), 0)).toBe(0);
  pace.stated(told({ a: -30 }), 0);
  expect(pace.waitFor(told({ a: -30 }), 1)).toBeUndefined();
  expect(pace.waitFor(told({ a: -30, b: -50 }), 1)).toBe(0);
  expect(pace.waitFor(told({ a: -30 }, 'anna'), 1)).toBe(0);
});

it('states soon what changed noticeably, and who fell silent, and not what did not', () => {
  const pace = new LevelPace();
  pace.stated(told({ a: -30 }), 0);
  expect(pace.waitFor(told({ a: -30 + NOTICEABLE_DB - 1 }), 10)).toBeUndefined();
  expect(pace.waitFor(told({ a: -30 - NOTICEABLE_DB }), 10)).toBe(SETTLED_MS - 10);
  expect(pace.waitFor(told({}), 10)).toBe(SETTLED_MS - 10);
  expect(pace.waitFor(told({}), SETTLED_MS)).toBe(0);
});

it('never states more often than a link can bear, and at rest has stated the newest', () => {
  const anyStory = fc.array(
    fc.record({
      after: fc.nat({ max: 200 }),
      levels: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -60, max: 0 })),
      speaker: fc.constantFrom(undefined, 'a', 'b'),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(anyStory, (story) => {
      const pace = new LevelPace();
      const times: number[] = [];
      let now = 0;
      const run = (statement: ReturnType<typeof told>) => {
        const wait = pace.waitFor(statement, now);
        if (wait === 0) {
          pace.stated(statement, now);
          times.push(now);
        }
        return wait;
      };
      for (const { after, levels, speaker } of story) {
        now += after;
        run(told(levels, speaker));
      }
      const last = told(story.at(-1)?.levels ?? {}, story.at(-1)?.speaker);
      const wait = run(last);
      if (wait !== undefined && wait > 0) {
        now += wait;
        expect(run(last)).toBe(0);
      }
      expect(run(last)).toBeUndefined();
      for (const [index, time] of times.entries()) {
        expect(times.slice(index).filter((each) => each < time + 1_000).length).toBeLessThanOrEqual(
          STATEMENTS_PER_SECOND,
        );
      }
    }),
  );
});
