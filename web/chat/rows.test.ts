import { expect, it } from 'vitest';
import { ALICE, BOB, Chat, idOf, message } from '#client/messages/testing/chat.ts';
import type { Item } from '#client/messages/view.ts';
import { type Row, rowsOf } from './rows.ts';

const words = (row: Row) => {
  if (row.kind !== 'message') return row.kind === 'gap' ? `gap ${row.count}` : row.kind;
  return `${row.begins ? '[' : ''}${row.item.order}${row.ends ? ']' : ''}`;
};
const isOwn = (item: Item) => item.kind === 'message' && item.sender === ALICE;

it('puts messages of one person in one go together, by day, with a line where the new ones begin', () => {
  const chat = new Chat();
  for (const order of [1, 2]) chat.receive(order, BOB, message(String(order)));
  for (const order of [3, 4]) chat.receive(order, ALICE, message(String(order)));
  for (const order of [5, 400]) chat.receive(order, BOB, message(String(order)));
  expect(rowsOf(chat.timeline.items(), undefined, isOwn).map(words)).toEqual([
    ...['day', '[1', '2]', '[3', '4]', '[5]', '[400]'],
  ]);
  // The own ones are never new.
  expect(rowsOf(chat.timeline.items(), 2, isOwn).map(words)).toEqual([
    ...['day', '[1', '2]', '[3', '4]', 'new', '[5]', '[400]'],
  ]);
});

it('says once how many cannot be read, and begins each day anew', () => {
  const gap = (order: number, at: number): Item => ({ kind: 'gap', order, at, reason: 'before-joining' });
  const noon = new Date(2026, 2, 3, 12).getTime();
  const rows = rowsOf([gap(1, noon), gap(2, noon + 1), gap(3, noon + 86_400_000)], undefined, isOwn);
  expect(rows.map(words)).toEqual(['day', 'gap 2', 'day', 'gap 1']);
});

it('keeps a message that answers under the name of its writer', () => {
  const chat = new Chat();
  chat.receive(1, BOB, message('a'));
  chat.receive(2, BOB, message('b', { replyTo: idOf(1) }));
  expect(rowsOf(chat.timeline.items(), undefined, isOwn).map(words)).toEqual(['day', '[1', '2]']);
});
