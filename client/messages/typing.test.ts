import { expect, it } from 'vitest';
import { ALICE, BOB } from './testing/chat.ts';
import { TYPING_LASTS, type Typing, typingAt, withTyping } from './typing.ts';

it('holds for a while, and ends when somebody says so', () => {
  let typing: Typing = new Map();
  typing = withTyping(typing, ALICE, true, 0);
  typing = withTyping(typing, BOB, true, 1000);
  expect(typingAt(typing, 2000)).toEqual({ users: [ALICE, BOB], next: TYPING_LASTS });
  expect(typingAt(typing, TYPING_LASTS)).toEqual({ users: [BOB], next: TYPING_LASTS + 1000 });
  typing = withTyping(typing, BOB, false, 3000);
  expect(typingAt(typing, 4000).users).toEqual([ALICE]);
  expect(typingAt(typing, 60_000)).toEqual({ users: [] });
  expect(withTyping(typing, BOB, true, 60_000).size).toBe(1);
});
