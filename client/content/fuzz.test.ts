/**
 * Thousands of spoilt messages and texts: each is taken or refused with a code, and soon. `HAWSER_FUZZ_RUNS` sets how many.
 */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import { costOf } from '#signalling/testing-cost.ts';
import { FUZZ_RUNS, SOON_MS, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { decodeContent, encodeContent } from './codec.ts';
import { decodeContainer, encodeContainer } from './container.ts';
import { type Inline, MAX_INLINES } from './inline.ts';
import { interpret } from './interpret.ts';
import { type Block, MAX_BLOCKS, parseMarkdown } from './markdown.ts';
import { decodeReports } from './report.ts';
import { excerptOf } from './summary.ts';
import { AT, content, ROOM, user } from './testing/contents.ts';
import { STATUS_VECTOR, VECTORS } from './testing/vectors.ts';

const LONG = 60_000 + FUZZ_RUNS * 5;
const origin = { sender: user('alice'), room: ROOM };

let real: Uint8Array[] = [];
beforeAll(async () => {
  const written: Uint8Array[] = VECTORS.map(({ bytes }) => bytes);
  for (const each of fc.sample(content, { numRuns: 300, seed: 9 })) {
    const encoded = await encodeContent(each, origin, { now: AT, random: (buffer) => buffer.fill(9) }).catch(
      () => undefined,
    );
    // Small ones, so that most edits hit something that means something.
    if (encoded !== undefined && encoded.bytes.length < 2000) written.push(encoded.bytes);
  }
  real = written;
});

function tried<T>(work: () => T): { outcome: string; value?: T } {
  let done: { outcome: string; value?: T } = { outcome: '' };
  const cost = costOf(() => {
    try {
      done = { outcome: 'taken', value: work() };
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      done = { outcome: error.code };
    }
  });
  expect(cost).toBeLessThan(SOON_MS);
  return done;
}

it(
  'takes every spoilt message or refuses it with a code, and writes what it took as it was',
  async () => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(spoiling, (how) => {
        const input = spoilt(real, how);
        const { outcome, value } = tried(() => {
          const container = decodeContainer(input);
          return { container, said: interpret(container, origin, AT) };
        });
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (value !== undefined) expect(encodeContainer(value.container)).toEqual(input);
      }),
      { numRuns: FUZZ_RUNS },
    );
    // It must have come further than the first byte, or the inputs are too bad to prove anything.
    expect(outcomes.get('taken')).toBeGreaterThan(0);
    expect(outcomes.size).toBeGreaterThan(4);
    for (const input of real.slice(VECTORS.length)) await decodeContent(input, origin, AT);
  },
  LONG,
);

it(
  'takes every spoilt report or refuses it with a code',
  () => {
    fc.assert(
      fc.property(spoiling, (how) => {
        tried(() => decodeReports(spoilt([STATUS_VECTOR, ...real], { ...how, which: 0 })));
      }),
      { numRuns: FUZZ_RUNS },
    );
  },
  LONG,
);

const PIECES = [
  '*',
  '**',
  '_',
  '__',
  '~~',
  '`',
  '``',
  '[',
  '![',
  '](',
  ')',
  '(',
  '<',
  '>',
  '&lt;',
  '\\',
  '\n',
  '\n\n',
  '> ',
  '- ',
  '1. ',
  '  ',
  '# ',
  '```',
  'a',
  'word',
  ' ',
  'https://a.example/',
  'mimi://alpha.example/u/bob',
  '"',
  '&#65;',
  'é',
  '😀',
  '@',
  '|',
];

function depthOf(nodes: readonly (Block | Inline)[]): number {
  return Math.max(
    0,
    ...nodes.map((node) => {
      if (node.type === 'list') return 1 + Math.max(0, ...node.items.map(depthOf));
      return 1 + ('children' in node ? depthOf(node.children) : 0);
    }),
  );
}

it(
  'parses whatever was written, never too deep, and loses no letter',
  () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }), (pieces) => {
        const text = pieces.join('');
        const { value = [] } = tried(() => parseMarkdown(text));
        expect(depthOf(value)).toBeLessThanOrEqual(2 * MAX_BLOCKS + 2 * MAX_INLINES + 4);
        // The titles of links, the ends of long names of languages, and the accents in addresses are not shown.
        const shown = JSON.stringify(value);
        if (/\]\(|```/.test(text)) return;
        for (const letter of ['word', 'é', '😀'])
          expect(shown.split(letter).length).toBeGreaterThanOrEqual(text.split(letter).length);
        tried(() => excerptOf({ kind: 'text', text: { format: 'markdown', text } }));
      }),
      { numRuns: FUZZ_RUNS },
    );
  },
  LONG,
);
