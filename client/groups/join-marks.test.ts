import { expect, test } from 'vitest';
import type { ConversationId } from '#signalling/ids.ts';
import { MemoryVault } from '../vault/memory.ts';
import { conversationsIn, JoinMarks } from './join-marks.ts';

const conversation = `mimi://alpha.example/r/${'a'.repeat(22)}` as ConversationId;

/** A message of an epoch with nothing in it (RFC 9420, section 6.3). */
function sealedIn(epoch: number): Uint8Array {
  const group = Buffer.from(`mimi://alpha.example/g/${'a'.repeat(22)}`);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(epoch));
  return Buffer.concat([Buffer.from([0, 1, 0, 2, group.length]), group, number, Buffer.from([1, 0, 0, 0])]);
}

test('who comes back has what was said before, and nothing of what was encrypted while he was out', async () => {
  const vault = new MemoryVault();
  const marks = new JoinMarks(vault, conversation);
  const olderOf = (...epochs: number[]) => Promise.all(epochs.map((epoch) => marks.isOlder(sealedIn(epoch))));
  expect(await olderOf(0)).toEqual([false]);
  await vault.write(await marks.noteSince(2n, false));
  expect([await marks.since(), await olderOf(1, 2, 3)]).toEqual([2n, [true, false, false]]);
  await vault.write(await marks.noteSince(7n, false));
  expect([await marks.since(), await olderOf(2, 6, 7)]).toEqual([2n, [true, true, false]]);
  expect(await conversationsIn(vault)).toEqual([conversation]);
});

test('who lost only the keys was in all the time', async () => {
  const vault = new MemoryVault();
  const marks = new JoinMarks(vault, conversation);
  await vault.write(await marks.noteSince(2n, false));
  await vault.write(await marks.noteSince(7n, true));
  expect(await marks.isOlder(sealedIn(6))).toBe(false);
});
