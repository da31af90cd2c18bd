import { expect, test } from 'vitest';
import type { Operation, Statement } from '#signalling/federation.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { domain, user } from '../testing/world.ts';
import { apply, created } from './conversation.ts';
import { noticesOf } from './notices.ts';

const alpha = domain('alpha.example');
const alice = { user: user('@alice@alpha.example'), name: 'Alice' };
const bob = { user: user('@bob@alpha.example'), name: 'Bob' };
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const start = created({ conversation, title: 'Ropes', creator: alice, others: [bob] });

function after(operation: Exclude<Operation, { type: 'addMember' | 'presence' }>, before: Statement = start) {
  return noticesOf({ before, after: apply(before, alpha, operation, 0), by: operation.actor });
}
const by = (actor: UserId) => ({ by: actor === alice.user ? alice : bob });

test('whoever came, went, or decides is named, with whose wish it was', () => {
  const actor = alice.user;
  expect(after({ type: 'removeMember', actor, user: bob.user })).toEqual([{ type: 'removed', who: bob, ...by(actor) }]);
  expect(after({ type: 'changeTitle', actor, title: 'Masts' })).toEqual([
    { type: 'title', title: 'Masts', ...by(actor) },
  ]);
  expect(after({ type: 'changeRole', actor, user: bob.user, role: 'admin' })).toEqual([
    { type: 'role', who: bob, role: 'admin', ...by(actor) },
  ]);
  const [first] = start.members;
  const alone: Statement = { ...start, members: first ? [first] : [] };
  expect(noticesOf({ before: alone, after: start, by: actor })).toEqual([{ type: 'added', who: bob, ...by(actor) }]);
});

test('who leaves names nobody to follow him: that is nobody’s wish', () => {
  expect(after({ type: 'leave', actor: alice.user })).toEqual([
    { type: 'role', who: bob, role: 'admin' },
    { type: 'left', who: alice },
  ]);
});

test('a call and a group are nothing to tell, and neither is the beginning', () => {
  expect(noticesOf({ before: undefined, after: start, by: alice.user })).toEqual([]);
  expect(noticesOf({ before: start, after: { ...start, seq: 2 }, by: alice.user })).toEqual([]);
});
