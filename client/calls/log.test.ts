import { beforeEach, expect, test } from 'vitest';
import type { ConferenceId, ConversationId, UserId } from '#signalling/ids.ts';
import { MemoryVault } from '../vault/memory.ts';
import { CallLog, newIn } from './log.ts';

const alice = 'mimi://alpha.example/u/alice' as UserId;
const bob = 'mimi://beta.example/u/bob' as UserId;
const conversation = 'mimi://alpha.example/r/AAECAwQFBgcICQoLDA0ODw' as ConversationId;
const one = 'AAAAAAAAAAAAAAAAAAAAAA' as ConferenceId;
const two = 'BBBBBBBBBBBBBBBBBBBBBA' as ConferenceId;

let vault: MemoryVault;
let log: CallLog;
beforeEach(async () => {
  vault = new MemoryVault();
  log = await CallLog.open(vault, alice);
});

const outcomes = () => [...log.store.state.values()].map(({ outcome }) => outcome);

test('a call that is over before one came is missed, and stays so across a start', async () => {
  await log.began({ conference: one, conversation, by: bob, at: 5 });
  await log.follow(new Set([one]), 6);
  expect(outcomes()).toEqual(['open']);
  await log.follow(new Set(), 9);
  expect(outcomes()).toEqual(['missed']);
  log = await CallLog.open(vault, alice);
  expect([...log.store.state.values()]).toEqual([
    { conference: one, conversation, by: bob, at: 5, outcome: 'missed', endedAt: 9 },
  ]);
});

test('whoever came, on whichever device, did not miss it, also where this device hears of it later', async () => {
  await log.began({ conference: one, conversation, by: bob, at: 5 });
  await log.follow(new Set(), 9);
  await log.answered(one, alice, 'accepted');
  expect(outcomes()).toEqual(['answered']);
  // He had declined at first.
  await log.answered(one, alice, 'declined');
  expect(outcomes()).toEqual(['answered']);
});

test('an answer may come before one hears who called', async () => {
  await log.answered(one, alice, 'accepted');
  await log.began({ conference: one, conversation, by: bob, at: 5 });
  await log.follow(new Set(), 9);
  expect(outcomes()).toEqual(['answered']);
});

test('whoever declined has not missed it', async () => {
  await log.began({ conference: one, conversation, by: bob, at: 5 });
  await log.answered(one, alice, 'declined');
  await log.follow(new Set(), 9);
  expect(outcomes()).toEqual(['declined']);
});

test('an own call was answered where somebody else came', async () => {
  await log.began({ conference: one, conversation, by: alice, at: 5 });
  await log.began({ conference: two, conversation, by: alice, at: 7 });
  await log.answered(one, alice, 'accepted');
  await log.answered(one, bob, 'declined');
  await log.answered(two, bob, 'accepted');
  await log.follow(new Set(), 9);
  expect(outcomes()).toEqual(['unanswered', 'answered']);
});

test('what was missed is new until the list was looked at, also across a start', async () => {
  await log.began({ conference: one, conversation, by: bob, at: 5 });
  expect(newIn(log.store.state)).toEqual([]);
  await log.follow(new Set(), 9);
  expect(newIn(log.store.state)).toMatchObject([{ conference: one }]);
  await log.see();
  expect(newIn(log.store.state)).toEqual([]);
  log = await CallLog.open(vault, alice);
  await log.began({ conference: two, conversation, by: bob, at: 12 });
  await log.see();
  // It was not missed when the list was looked at.
  await log.follow(new Set(), 15);
  expect(newIn(log.store.state)).toMatchObject([{ conference: two }]);
  expect(outcomes()).toEqual(['missed', 'missed']);
});

test('the oldest of very many go', async () => {
  for (let number = 0; number < 505; number++) {
    const conference = `A${`${number}`.padStart(21, 'A')}`;
    await log.began({ conference: conference as ConferenceId, conversation, by: bob, at: number });
  }
  expect(log.store.state.size).toBe(500);
  expect((await vault.list('call/')).size).toBe(500);
  expect([...log.store.state.values()][0]?.at).toBe(5);
});

test('what is not what was written is said to be damaged', async () => {
  await vault.write(new Map([['call/x', new TextEncoder().encode('{"conference":1}')]]));
  await expect(CallLog.open(vault, alice)).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
});
