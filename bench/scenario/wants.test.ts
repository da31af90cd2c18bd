import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Layout, Person } from './scenario.ts';
import { mostSmall, wantsOf } from './wants.ts';

const crowd = (publishers: number, viewers: number, layout: Layout, small?: number): Person[] => [
  ...Array.from({ length: publishers }, (_, index): Person => {
    return { name: `alpha-${index + 1}`, at: 'alpha', publishes: index === 2 ? ['camera', 'screen'] : ['camera'] };
  }),
  ...Array.from({ length: viewers }, (_, index): Person => {
    const watch = { layout, ...(small !== undefined && { small }) };
    return { name: `beta-${index + 1}`, at: 'beta', publishes: [], watch };
  }),
];
const wantsIn = (people: readonly Person[], viewer: number, speaker?: string) => {
  const watching = people.filter(({ watch }) => watch);
  const person = watching[viewer];
  return person ? wantsOf(person, viewer, people, speaker).map(({ who, layer }) => `${who} ${layer}`) : [];
};
const names = (...numbers: number[]) => numbers.map((number) => `alpha-${number}`);

it('spread: one large and eight small pictures, of others than the viewer beside', () => {
  const people = crowd(12, 8, 'spread', 8);
  expect(wantsIn(people, 0)).toEqual(['alpha-1 2', ...names(2, 3, 4, 5, 6, 7, 8, 9).map((name) => `${name} 0`)]);
  expect(wantsIn(people, 7)).toEqual(['alpha-8 2', ...names(9, 10, 11, 12, 1, 2, 3, 4).map((name) => `${name} 0`)]);
});

it('speaker: everybody sees the speaker large and the same others small; without a speaker the first', () => {
  const people = crowd(5, 2, 'speaker', 3);
  expect(wantsIn(people, 0, 'alpha-4')).toEqual(['alpha-4 2', 'alpha-1 0', 'alpha-2 0', 'alpha-3 0']);
  expect(wantsIn(people, 1, 'alpha-4')).toEqual(wantsIn(people, 0, 'alpha-4'));
  expect(wantsIn(people, 0)).toEqual(['alpha-1 2', 'alpha-2 0', 'alpha-3 0', 'alpha-4 0']);
  expect(wantsIn(people, 0, 'beta-1')).toEqual(wantsIn(people, 0));
});

it('gallery, small and screen', () => {
  expect(wantsIn(crowd(3, 1, 'gallery'), 0)).toEqual(['alpha-1 1', 'alpha-2 1', 'alpha-3 1']);
  expect(wantsIn(crowd(4, 1, 'small', 2), 0)).toEqual(['alpha-1 0', 'alpha-2 0']);
  const screen = crowd(4, 1, 'screen', 1);
  expect(wantsOf(screen.at(-1) as Person, 0, screen, undefined)).toEqual([
    { who: 'alpha-3', kind: 'screen', layer: 0 },
    { who: 'alpha-1', kind: 'camera', layer: 0 },
  ]);
});

it('shows nobody twice and nobody himself, whatever the layout, and as many small ones as were asked for', () => {
  const layouts = fc.constantFrom<Layout>('speaker', 'spread', 'gallery', 'small', 'screen');
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(layouts, size, size, fc.nat(40), (layout, publishers, speaker, small) => {
      const everybody = crowd(publishers, 0, layout).map((person) => ({ ...person, watch: { layout, small } }));
      everybody.forEach((person, viewer) => {
        const wants = wantsOf(person, viewer, everybody, `alpha-${speaker}`);
        expect(wants.map(({ who }) => who)).not.toContain(person.name);
        expect(new Set(wants.map(({ who, kind }) => `${who} ${kind}`)).size).toBe(wants.length);
        const most = mostSmall(person, everybody);
        const smallOnes = wants.filter(({ kind, layer }) => kind === 'camera' && layer === 0).length;
        if (most !== undefined) expect(smallOnes).toBe(Math.min(small, most));
      });
    }),
  );
});
