import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf } from '#signalling/testing-cost.ts';
import { SearchIndex, termsOf } from './search.ts';
import { at, idOf } from './testing/chat.ts';

function indexOf(...texts: string[]): SearchIndex {
  const index = new SearchIndex();
  for (const [number, text] of texts.entries()) index.add(idOf(number), text, at(number));
  return index;
}

const found = (index: SearchIndex, query: string) =>
  index.find(query).map((id) => [0, 1, 2, 3, 4, 5].findIndex((n) => idOf(n) === id));

describe('finding', () => {
  it('takes every word, or its beginning, and the newest first', () => {
    const index = indexOf('the quick brown fox', 'a brown dog', 'quicksand is brown', 'nothing');
    expect(found(index, 'brown')).toEqual([2, 1, 0]);
    expect(found(index, 'quick brown')).toEqual([2, 0]);
    expect(found(index, 'qu')).toEqual([2, 0]);
    expect(found(index, 'f')).toEqual([0]);
    expect(found(index, 'foxy')).toEqual([]);
    expect(found(index, 'row')).toEqual([]);
    expect(found(index, '')).toEqual([]);
    expect(index.find('brown', 1)).toEqual([idOf(2)]);
  });

  it.each([
    ['Ärger in Zürich', 'arger ZURICH'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδος'],
    ['Ｆｕｌｌ', 'full'],
    ['عَرَبِيّ', 'عربي'],
    ['明日は会議です', '会議'],
    ['한국어', '한국'],
    ['หนังสือพิมพ์', 'หนังสือ'],
    ['e-mail: bob@alpha.example', 'alpha'],
    ['3.14 is pi', '3.14'],
  ])('whatever the writing: %s by %s', (text, query) => expect(found(indexOf(text), query)).toEqual([0]));
});

it('forgets what was deleted, and what a message said before', () => {
  const index = indexOf('first words', 'second words');
  index.add(idOf(0), 'other things', at(0));
  expect(found(index, 'first')).toEqual([]);
  expect(found(index, 'other')).toEqual([0]);
  expect(index.remove(idOf(1))).toBe(true);
  expect(index.remove(idOf(1))).toBe(false);
  expect(found(index, 'words')).toEqual([]);
  expect(index.add(idOf(0), '…', at(0))).toBeUndefined();
  expect([index.size, found(index, 'o')]).toEqual([0, []]);
});

it('finds the same from its entries, whatever was put in and taken out', () => {
  const words = fc.constantFrom('alpha', 'alphabet', 'beta', 'Béta', 'al', 'x');
  const step = fc.record({ id: fc.nat(5), text: fc.array(words, { maxLength: 4 }).map((all) => all.join(' ')) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom('a', 'al', 'alpha', 'beta', 'x al'),
      (steps, query) => {
        const index = new SearchIndex();
        const [entries, texts] = [new Map(), new Map<number, string>()];
        for (const { id, text } of steps) {
          const entry = index.add(idOf(id), text, at(id));
          if (entry === undefined) entries.delete(id);
          else entries.set(id, entry);
          texts.set(id, text);
        }
        const again = new SearchIndex(entries.values());
        expect(again.find(query)).toEqual(index.find(query));
        const expected = [...texts].filter(([, text]) =>
          termsOf(query).every((word) => termsOf(text).some((term) => term.startsWith(word))),
        );
        expect(index.find(query)).toEqual(
          expected
            .map(([id]) => id)
            .sort((a, b) => b - a)
            .map(idOf),
        );
      },
    ),
  );
});

it('is quick with 20,000 messages', () => {
  const index = new SearchIndex();
  const words = Array.from({ length: 5000 }, (_, number) => `word${number.toString(36)}`);
  const text = (number: number) =>
    [0, 7, 31, 77].map((step) => words[(number * 13 + step * number) % words.length]).join(' ');
  for (let number = 0; number < 20_000; number++) index.add(idOf(number), text(number), at(number));
  const cost = costOf(() => {
    for (const query of ['word', 'word1', 'wordz', text(77), 'nothing']) index.find(query);
  });
  expect(cost).toBeLessThan(1000);
});
