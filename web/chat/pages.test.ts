import { expect, it } from 'vitest';
import { BOB, Chat, message } from '#client/messages/testing/chat.ts';
import { around, type Drawn, MAX_DRAWN, NEWEST, newer, older, PAGE } from './pages.ts';

const COUNT = 1_000;
const chat = new Chat();
for (let order = 1; order <= COUNT; order++) chat.receive(order, BOB, message(String(order)));
const { timeline } = chat;
const items = (drawn: Drawn) => timeline.items(drawn);
const ends = (drawn: Drawn) => [items(drawn)[0]?.order, items(drawn).at(-1)?.order];
const following = (place: number) =>
  [...timeline.between(place, Number.POSITIVE_INFINITY)].slice(0, PAGE).flatMap(({ order }) => order ?? []);

it('goes from the newest to the oldest and back without a hole, and never draws more than it may', () => {
  let drawn = NEWEST;
  let first = ends(drawn)[0] ?? 0;
  while (first > 1) {
    const before = first;
    drawn = older(drawn, items(drawn));
    expect(items(drawn).length).toBeLessThanOrEqual(MAX_DRAWN);
    first = ends(drawn)[0] ?? 0;
    expect(before - first).toBe(Math.min(PAGE, before - 1));
  }
  expect(ends(drawn)).toEqual([1, MAX_DRAWN]);
  while (drawn.before !== undefined) {
    const [, last = 0] = ends(drawn);
    drawn = newer(drawn, following(last));
    expect(items(drawn).length).toBeLessThanOrEqual(MAX_DRAWN);
    expect((ends(drawn)[1] ?? 0) - last).toBeLessThanOrEqual(PAGE);
    expect((ends(drawn)[0] ?? 0) <= last + 1).toBe(true);
  }
  expect(ends(drawn)[1]).toBe(COUNT);
});

it.each([1, 24, 500, 990, COUNT])('draws a page around the place %i', (place) => {
  const drawn = around(place, following(place));
  const [first = 0, last = 0] = ends(drawn);
  expect(first <= place && place <= last).toBe(true);
  expect(items(drawn).length).toBeLessThanOrEqual(2 * PAGE);
});
