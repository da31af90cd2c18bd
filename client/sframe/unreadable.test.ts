import { expect, test } from 'vitest';
import type { ParticipantId } from '#signalling/ids.ts';
import { LASTING_MS, Unreadable } from './unreadable.ts';

const bob = 'bob' as ParticipantId;
const carol = 'carol' as ParticipantId;

test('whoever cannot be read for long is named, until he can be read again', () => {
  const unreadable = new Unreadable();
  for (let at = 0; at <= LASTING_MS; at += 1_000) {
    unreadable.note(bob, { forged: 30 }, at);
    expect([...unreadable.at(at)]).toEqual(at < LASTING_MS ? [] : [bob]);
  }
  expect([...unreadable.at(LASTING_MS + 3_000)]).toEqual([bob]);
  expect([...unreadable.at(LASTING_MS + 3_001)]).toEqual([]);
  // Once more it has to last.
  unreadable.note(bob, { unknownKey: 3 }, LASTING_MS + 9_000);
  expect([...unreadable.at(LASTING_MS + 9_000)]).toEqual([]);
});

test('a moment in which keys change, a poor line, and what somebody replays are nothing of that kind', () => {
  const unreadable = new Unreadable();
  for (let at = 0; at < 20_000; at += 1_000) unreadable.note(carol, { incomplete: 5, repeated: 9, otherSender: 2 }, at);
  for (let at = 0; at < 20_000; at += 5_000) unreadable.note(bob, { unknownKey: 4 }, at);
  expect([...unreadable.at(20_000)]).toEqual([]);
});
