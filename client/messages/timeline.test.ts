import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Content } from '#client/content/content.ts';
import { mentionOf } from '#client/content/mentions.ts';
import { ROOM } from '#client/content/testing/contents.ts';
import type { UserId } from '#signalling/ids.ts';
import { FUZZ_RUNS } from '#signalling/testing-spoil.ts';
import { MAX_WAITING } from './fold.ts';
import { MAX_REACTIONS_OF_ONE, MAX_VERSIONS } from './message.ts';
import { keyOf, recordBytes, recordFrom } from './records.ts';
import { ALICE, at, BOB, body, CAROL, Chat, deviceOf, idOf, message, READER, recordsOf, said } from './testing/chat.ts';
import { Timeline } from './timeline.ts';

const edit = (target: number, words: string): Content => ({ kind: 'edit', target: idOf(target), body: body(words) });
const remove = (target: number): Content => ({ kind: 'delete', target: idOf(target) });
const react = (target: number, ...emojis: string[]): Content => ({ kind: 'reaction', target: idOf(target), emojis });
const unreact = (reaction: number): Content => ({ kind: 'unreact', reaction: idOf(reaction) });
const report = (status: 'delivered' | 'read' | 'error', ...targets: number[]): Content => ({
  kind: 'report',
  reports: targets.map((each) => ({ message: idOf(each), status })),
});

describe('messages', () => {
  it('stand in the order of the hub, each once, whatever the order in which they come', () => {
    const chat = new Chat();
    chat.receive(2, BOB, message('two'));
    chat.receive(1, ALICE, message('one'));
    chat.receive(2, BOB, message('two'));
    expect(chat.lines()).toEqual(['alice: one', 'bob: two']);
  });

  it('are shown a page at a time', () => {
    const chat = new Chat();
    for (let order = 1; order <= 10; order++) chat.receive(order, BOB, message(String(order)));
    const page = (options: { before?: number; limit?: number }) =>
      chat.timeline.items(options).map((item) => (item.kind === 'message' ? item.order : undefined));
    expect(page({ limit: 3 })).toEqual([8, 9, 10]);
    expect(page({ before: 8, limit: 3 })).toEqual([5, 6, 7]);
    expect(page({ before: 2 })).toEqual([1]);
  });

  it('show what they answer: as it is now, deleted, or unknown', () => {
    const chat = new Chat();
    chat.receive(2, BOB, message('yes', { replyTo: idOf(1) }));
    expect(chat.lines()).toEqual(['bob: yes [re unknown: ]']);
    chat.receive(1, CAROL, message('**coffee**?'));
    expect(chat.lines()[1]).toBe('bob: yes [re shown: coffee?]');
    chat.receive(3, CAROL, edit(1, 'tea?'));
    chat.receive(4, BOB, message('no', { replyTo: idOf(3) }));
    const quotes = chat.timeline.items().flatMap((item) => (item.kind === 'message' && item.quote ? [item.quote] : []));
    expect(quotes.map(({ excerpt, changed }) => [excerpt, changed])).toEqual([
      ['tea?', true],
      ['tea?', false],
    ]);
    chat.receive(5, CAROL, remove(1));
    expect(chat.lines()[1]).toBe('bob: yes [re deleted: ]');
  });

  it('do not answer themselves, in one step or in several', () => {
    const chat = new Chat();
    expect(chat.receive(1, BOB, message('me', { replyTo: idOf(1) }))).toEqual(['MSG_REPLY_LOOP']);
    chat.receive(2, BOB, message('a', { replyTo: idOf(4) }));
    chat.receive(3, BOB, message('b', { replyTo: idOf(2) }));
    expect(chat.receive(4, BOB, message('c', { replyTo: idOf(3) }))).toEqual(['MSG_REPLY_LOOP']);
    expect(chat.lines()).toHaveLength(2);
  });
});

describe('edits', () => {
  it('change the message, and keep what it said before within bounds', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    for (let order = 2; order < 20; order++) chat.receive(order, BOB, edit(1, String(order)));
    const [item] = chat.timeline.items();
    expect(item).toMatchObject({ body: body('19'), original: body('one') });
    expect(item?.kind === 'message' && item.versions.length).toBe(MAX_VERSIONS);
  });

  it('are refused from anybody else, and for what is no text', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    expect(chat.receive(2, CAROL, edit(1, 'two'))).toEqual(['MSG_NOT_AUTHOR']);
    chat.receive(3, BOB, { kind: 'message', body: { kind: 'ping' } });
    expect(chat.receive(4, BOB, edit(3, 'x'))).toEqual(['MSG_WRONG_TARGET']);
    chat.receive(5, BOB, react(1, '👍'));
    expect(chat.receive(6, BOB, edit(5, 'x'))).toEqual(['MSG_WRONG_TARGET']);
    expect(chat.lines()).toEqual(['bob: one 👍1', 'bob: ping']);
  });

  it('wait for their message, and are refused then if it is not theirs', () => {
    const chat = new Chat();
    chat.receive(3, BOB, edit(2, 'three'));
    chat.receive(2, BOB, edit(1, 'two'));
    chat.receive(4, CAROL, edit(1, 'four'));
    expect(chat.lines()).toEqual([]);
    expect(chat.receive(1, BOB, message('one'))).toEqual(['MSG_NOT_AUTHOR']);
    expect(chat.lines()).toEqual(['bob: three (edited)']);
    expect(chat.timeline.waitingCount).toBe(0);
  });
});

describe('deletions', () => {
  it('leave a tombstone and nothing of what was said, whatever comes after', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('secret', { replyTo: idOf(9) }));
    chat.receive(2, BOB, edit(1, 'secret too'));
    chat.receive(3, CAROL, react(1, '👍'));
    expect(chat.receive(4, CAROL, remove(1))).toEqual(['MSG_NOT_AUTHOR']);
    expect(chat.receive(5, BOB, remove(1))).toEqual([]);
    chat.receive(6, BOB, edit(1, 'secret again'));
    chat.receive(7, CAROL, react(1, '👍'));
    expect(chat.lines()).toEqual(['bob: deleted']);
    expect(JSON.stringify([...chat.timeline.records()])).not.toContain('secret');
  });

  it('wait for their message', () => {
    const chat = new Chat();
    chat.receive(2, BOB, remove(1));
    chat.receive(1, BOB, message('one'));
    expect(chat.lines()).toEqual(['bob: deleted']);
  });
});

describe('reactions', () => {
  it('are a set of each person, and can be taken back by who made them', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    chat.receive(2, CAROL, react(1, '👍', '❤️'));
    chat.receive(3, CAROL, react(1, '👍'));
    chat.receive(4, ALICE, react(1, '👍'));
    expect(chat.lines()).toEqual(['bob: one 👍2 ❤️1']);
    expect(chat.receive(5, BOB, unreact(2))).toEqual(['MSG_NOT_AUTHOR']);
    expect(chat.receive(6, CAROL, unreact(1))).toEqual(['MSG_WRONG_TARGET']);
    chat.receive(7, CAROL, unreact(2));
    expect(chat.lines()).toEqual(['bob: one 👍2']);
    chat.receive(8, CAROL, unreact(3));
    chat.receive(2, CAROL, react(1, '👍', '❤️'));
    expect(chat.lines()).toEqual(['bob: one 👍1']);
    const [item] = chat.timeline.items();
    expect(item).toMatchObject({ reactions: [{ emoji: '👍', users: [ALICE], mine: [idOf(4)] }] });
    chat.receive(9, BOB, react(1, '❤'));
    chat.receive(10, CAROL, react(1, '❤️'));
    expect(chat.lines()).toEqual(['bob: one 👍1 ❤2']);
  });

  it('may be about a version, and wait for it', () => {
    const chat = new Chat();
    chat.receive(4, CAROL, unreact(3));
    chat.receive(3, CAROL, react(2, '👍'));
    chat.receive(5, BOB, react(2, '❤️'));
    chat.receive(2, BOB, edit(1, 'two'));
    chat.receive(1, BOB, message('one'));
    expect(chat.lines()).toEqual(['bob: two (edited) ❤️1']);
  });

  it('are bounded for each person: the first ones stay, in whatever order they come', () => {
    const orders = Array.from({ length: MAX_REACTIONS_OF_ONE + 6 }, (_, index) => index + 2);
    const outcome = (from: readonly number[]) => {
      const chat = new Chat();
      chat.receive(1, BOB, message('one'));
      const refused = from.flatMap((order) =>
        chat.receive(order, CAROL, react(1, String.fromCodePoint(0x1f300 + order))),
      );
      return { refused: refused.length, records: recordsOf(chat.timeline) };
    };
    const straight = outcome(orders);
    expect(straight.refused).toBe(6);
    expect(outcome(orders.toReversed()).records).toEqual(straight.records);
  });
});

describe('what comes before its message', () => {
  it('waits in a bounded room, from which the earliest go first', () => {
    const chat = new Chat();
    for (let order = 1; order <= MAX_WAITING + 10; order++) chat.receive(order, BOB, react(order + 1_000_000, '👍'));
    expect(chat.timeline.waitingCount).toBe(MAX_WAITING);
    const orders = [...chat.timeline.waiting()].map((each) => each.said.order ?? 0);
    expect(Math.min(...orders)).toBe(11);
  });
});

describe('reports', () => {
  const delivery = (chat: Chat) => {
    const record = chat.timeline.message(idOf(1));
    return record && chat.timeline.delivery(record, [BOB, CAROL]);
  };

  it('tell who got and read an own message, and hide nobody who did not', () => {
    const chat = new Chat();
    chat.write(1, message('one'));
    expect(delivery(chat)).toMatchObject({ state: 'queued' });
    chat.accept(1);
    expect(delivery(chat)).toEqual({ state: 'sent', delivered: 0, read: 0, unreadable: 0, of: 2 });
    chat.receive(2, BOB, report('read', 1, 9));
    chat.receive(3, CAROL, report('error', 1));
    expect(delivery(chat)).toEqual({ state: 'sent', delivered: 1, read: 1, unreadable: 1, of: 2 });
    chat.receive(4, CAROL, report('delivered', 1));
    expect(delivery(chat)).toMatchObject({ state: 'delivered', unreadable: 0 });
    chat.receive(5, CAROL, report('read', 1));
    chat.receive(6, BOB, report('delivered', 1));
    expect(delivery(chat)).toMatchObject({ state: 'read', read: 2 });
  });

  it('are about own messages only, and from others', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    chat.receive(2, CAROL, report('read', 1));
    expect([...chat.timeline.records()].map(({ kind }) => kind)).toEqual(['message']);
  });
});

describe('what was not read', () => {
  it('is counted, and what names this person or everyone', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    chat.receive(2, BOB, message(`hello ${mentionOf(ALICE, 'Alice')}`));
    chat.receive(3, BOB, message(`[all](${ROOM})`));
    chat.receive(4, BOB, message(mentionOf(CAROL)));
    chat.receive(5, ALICE, message(mentionOf(ALICE)));
    expect(chat.timeline.unread()).toEqual({ messages: 4, mentions: 2 });
    chat.receive(6, BOB, edit(4, mentionOf(ALICE)));
    expect(chat.timeline.unread()).toEqual({ messages: 4, mentions: 3 });
    chat.read(2);
    expect(chat.timeline.unread()).toEqual({ messages: 2, mentions: 2 });
    chat.receive(7, BOB, remove(3));
    expect(chat.timeline.unread()).toEqual({ messages: 1, mentions: 1 });
    chat.read(1);
    expect(chat.timeline.unread().messages).toBe(1);
  });

  it('is read where another device of this person read it', () => {
    const chat = new Chat();
    for (const order of [1, 2, 3]) chat.receive(order, BOB, message(String(order)));
    chat.receive(4, ALICE, report('read', 1, 2));
    expect(chat.timeline.unread().messages).toBe(1);
    chat.receive(1, ALICE, { kind: 'settings', conversation: ROOM, settings: { readUpTo: idOf(3) } }, idOf(77));
    expect(chat.timeline.unread().messages).toBe(0);
  });
});

describe('messages that delete themselves', () => {
  it('vanish at their time, and the next time is told', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('early', { expires: { at: at(200) / 1000 } }));
    chat.receive(2, BOB, message('late', { expires: { at: at(300) / 1000 } }));
    expect(chat.timeline.expire(at(199))).toEqual({ changes: [], next: at(200) });
    expect(chat.timeline.expire(at(200))).toMatchObject({
      changes: [{ record: { ending: { kind: 'expired' } } }],
      next: at(300),
    });
    expect(chat.lines()).toEqual(['bob: expired', 'bob: late']);
    expect(JSON.stringify([...chat.timeline.records()])).not.toContain('early');
    expect(chat.timeline.expire(at(301)).next).toBeUndefined();
  });

  it('vanish a while after they were read, and own ones after they were accepted', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('theirs', { expires: { after: 60 } }));
    chat.write(2, message('own', { expires: { after: 60 } }));
    expect(chat.timeline.expire(at(1000)).next).toBeUndefined();
    chat.accept(2);
    expect(chat.timeline.expire(at(10)).next).toBe(at(2) + 60_000);
    chat.now = at(20);
    chat.read(1);
    expect(chat.timeline.expire(at(10)).next).toBe(at(2) + 60_000);
    chat.timeline.expire(at(62));
    expect(chat.lines()).toEqual(['bob: theirs', 'alice: expired']);
    chat.timeline.expire(at(80));
    expect(chat.lines()).toEqual(['bob: expired', 'alice: expired']);
  });

  it('begin their time when they come, where later ones were read already', () => {
    const chat = new Chat();
    chat.receive(2, BOB, message('two'));
    chat.read(2);
    chat.receive(1, BOB, message('one', { expires: { after: 5 } }));
    expect(chat.timeline.expire(0).next).toBe(chat.now + 5000);
  });
});

describe('what this device writes', () => {
  it('stands at the end until it is accepted, and stays the same message', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    chat.write(900, message('mine'));
    chat.receive(2, BOB, message('two'));
    expect(chat.lines()).toEqual(['bob: one', 'bob: two', 'alice: mine (queued)']);
    chat.accept(900, 3);
    chat.receive(4, BOB, message('four'));
    expect(chat.lines()).toEqual(['bob: one', 'bob: two', 'alice: mine', 'bob: four']);
    expect(chat.timeline.outgoing()).toEqual([]);
  });

  it('is not there twice when the hub delivers it too, before its answer or after', () => {
    const chat = new Chat();
    chat.write(900, message('mine'));
    chat.receive(3, ALICE, message('mine'), idOf(900));
    expect(chat.lines()).toEqual(['alice: mine']);
    chat.accept(900, 3);
    chat.write(900, message('mine'));
    chat.fail(900);
    expect(chat.lines()).toEqual(['alice: mine']);
  });

  it('can fail, be sent again, and be given up', () => {
    const chat = new Chat();
    chat.write(900, message('mine'));
    chat.fail(900);
    expect(chat.lines()).toEqual(['alice: mine (failed)']);
    chat.write(900, message('mine'));
    expect(chat.lines()).toEqual(['alice: mine (queued)']);
    chat.timeline.apply({ type: 'discarded', id: idOf(900) });
    expect([...chat.timeline.records()]).toEqual([]);
  });

  it('shows edits, reactions and deletions at once, and takes them back where they fail', () => {
    const chat = new Chat();
    chat.receive(1, ALICE, message('one'));
    chat.receive(2, BOB, message('two'));
    chat.receive(3, ALICE, react(2, '❤️'));
    const before = recordsOf(chat.timeline);
    chat.write(900, edit(1, 'one!'));
    chat.write(901, react(2, '👍'));
    chat.write(902, unreact(3));
    expect(chat.lines()).toEqual(['alice: one! (edited)', 'bob: two 👍1']);
    chat.write(903, remove(1));
    expect(chat.lines()).toEqual(['alice: deleted', 'bob: two 👍1']);
    for (const number of [900, 901, 902, 903]) {
      chat.fail(number);
      expect(
        chat.timeline
          .outgoing()
          .some(({ said: each, sending }) => each.id === idOf(number) && sending.state === 'failed'),
      ).toBe(true);
      chat.timeline.apply({ type: 'discarded', id: idOf(number) });
    }
    expect(recordsOf(chat.timeline)).toEqual(before);
  });

  it('ends as if it had been received, once the hub accepted it', () => {
    const contents: [number, Content][] = [
      [10, message('three', { replyTo: idOf(1) })],
      [11, edit(10, 'three!')],
      [12, react(2, '👍')],
      [13, unreact(12)],
      [14, react(2, '❤️')],
      [15, remove(1)],
    ];
    const [written, received] = [new Chat(), new Chat()];
    for (const chat of [written, received]) {
      chat.receive(1, ALICE, message('one'));
      chat.receive(2, BOB, message('two'));
    }
    for (const [number, each] of contents) written.write(number, each);
    for (const [number] of contents) written.accept(number);
    for (const [number, each] of contents) received.receive(number, ALICE, each);
    expect(recordsOf(written.timeline)).toEqual(recordsOf(received.timeline));
  });

  it('is refused what others would refuse', () => {
    const chat = new Chat();
    chat.receive(1, BOB, message('one'));
    expect(chat.write(900, edit(1, 'mine'))).toEqual(['MSG_NOT_AUTHOR']);
    expect(chat.timeline.outgoing()).toEqual([]);
  });
});

describe('what cannot be read', () => {
  it('is shown with the reason, until it can be', () => {
    const chat = new Chat();
    const gap = { order: 1, at: at(1), reason: 'keys-gone', sender: BOB } as const;
    chat.timeline.apply({ type: 'unreadable', gap });
    chat.receive(2, BOB, message('two'));
    expect(chat.lines()).toEqual(['gap: keys-gone', 'bob: two']);
    expect(chat.timeline.apply({ type: 'unreadable', gap }).changes).toEqual([]);
    chat.receive(1, BOB, message('one'));
    expect(chat.timeline.apply({ type: 'unreadable', gap }).changes).toEqual([]);
    expect(chat.lines()).toEqual(['bob: one', 'bob: two']);
  });
});

describe('settings', () => {
  const set = (settings: object): Content => ({ kind: 'settings', conversation: ROOM, settings });

  it('are those of the last device that set them, and taken from nobody else', () => {
    const chat = new Chat();
    chat.receive(5, ALICE, set({ muted: 'all', archived: true }));
    chat.receive(4, ALICE, set({ muted: 'nothing' }));
    expect(chat.receive(6, BOB, set({ muted: 'nothing' }))).toEqual(['MSG_NOT_AUTHOR']);
    expect(chat.timeline.settings()).toEqual({ muted: 'all', archived: true });
    chat.write(900, set({ archived: false }));
    expect(chat.timeline.settings()).toEqual({ muted: 'all', archived: false });
    chat.receive(7, ALICE, set({ archived: true }), idOf(70));
    chat.accept(900, 6);
    expect(chat.timeline.settings()).toEqual({ muted: 'all', archived: true });
  });
});

/** ms. */
const LONG = 60_000 + FUZZ_RUNS * 2;

/** A history in which everybody says everything, about everything that was said and some things that never were. */
const history = fc
  .array(
    fc.record({
      who: fc.constantFrom(ALICE, BOB, CAROL),
      kind: fc.constantFrom(
        'message',
        'message',
        'reply',
        'edit',
        'edit',
        'delete',
        'reaction',
        'reaction',
        'unreact',
        'report',
        'settings',
        'expiring',
      ),
      about: fc.nat(),
      emoji: fc.constantFrom('👍', '❤️'),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((steps) =>
    steps.map(({ who, kind, about, emoji }, index) => {
      const order = index + 1;
      const target = 1 + (about % (order + 1));
      return said(order, who, contentOf(kind, who, target, emoji, order));
    }),
  );

function contentOf(kind: string, who: UserId, target: number, emoji: string, order: number): Content {
  switch (kind) {
    case 'reply':
      return message(`reply ${order}`, { replyTo: idOf(Math.min(target, order - 1)) });
    case 'edit':
      return edit(target, `edit ${order} ${order % 2 ? mentionOf(ALICE) : ''}`);
    case 'delete':
      return remove(target);
    case 'reaction':
      return react(target, emoji);
    case 'unreact':
      return unreact(target);
    case 'report':
      return report(order % 3 === 0 ? 'read' : 'delivered', target, target + 1);
    case 'settings':
      return {
        kind: 'settings',
        conversation: ROOM,
        settings: { readUpTo: idOf(target), muted: order % 2 ? 'all' : 'nothing' },
      };
    case 'expiring':
      return message(`expiring ${order}`, { expires: { after: 60 } });
    default:
      return message(`${who} ${order}`);
  }
}

it(
  'ends the same in whatever order the same things come, and however often',
  () => {
    const run = (all: readonly ReturnType<typeof said>[]) => {
      const timeline = new Timeline(READER);
      for (const each of all) timeline.apply({ type: 'received', said: each, now: at(1000) });
      return timeline;
    };
    const shuffled = history.chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.array(fc.nat(), { maxLength: 10 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([all, order, again]) => {
        const straight = run(all);
        const other = run(order);
        expect(recordsOf(other)).toEqual(recordsOf(straight));
        expect(other.items()).toEqual(straight.items());
        expect(other.unread()).toEqual(straight.unread());
        for (const index of again) {
          const each = all[index % all.length];
          if (each === undefined) continue;
          expect(other.apply({ type: 'received', said: each, now: at(2000) }).changes).toEqual([]);
        }
      }),
      { numRuns: Math.ceil(FUZZ_RUNS / 10) },
    );
  },
  LONG,
);

it(
  'ends the same where this device wrote a part of it, whatever failed meanwhile',
  () => {
    const written = fc.tuple(
      history,
      fc.array(fc.record({ delay: fc.nat(5), fails: fc.boolean() }), { minLength: 40, maxLength: 40 }),
    );
    fc.assert(
      fc.property(written, ([all, ways]) => {
        const [writing, receiving] = [new Timeline(READER), new Timeline(READER)];
        const later: (() => void)[][] = Array.from({ length: all.length + 8 }, () => []);
        for (const [step, each] of all.entries()) {
          const { id, order, content } = each;
          receiving.apply({ type: 'received', said: each, now: at(1000) });
          const { delay = 0, fails = false } = ways[step] ?? {};
          const queue = (as: typeof id) =>
            writing.apply({ type: 'queued', id: as, device: deviceOf(ALICE), content, now: at(order) });
          if (each.sender !== ALICE) writing.apply({ type: 'received', said: each, now: at(1000) });
          else {
            // What is about other devices is told to the timeline as it is; what was refused here is never sent.
            queue(id);
            const sent = writing.outgoing().some(({ said: out }) => out.id === id);
            const event = sent
              ? ({ type: 'accepted', id, order, at: at(order), now: at(1000) } as const)
              : ({ type: 'received', said: each, now: at(1000) } as const);
            later[step + delay]?.push(() => writing.apply(event));
          }
          if (fails) {
            const lost = idOf(order + 10_000);
            queue(lost);
            later[step + delay]?.push(
              () => writing.apply({ type: 'failed', id: lost, code: 'FED_UNREACHABLE' }),
              () => writing.apply({ type: 'discarded', id: lost }),
            );
          }
          for (const work of later[step] ?? []) work();
        }
        for (const work of later.slice(all.length).flat()) work();
        expect(recordsOf(writing)).toEqual(recordsOf(receiving));
      }),
      { numRuns: Math.ceil(FUZZ_RUNS / 10) },
    );
  },
  LONG,
);

it(
  'is the same again from its records, of which only those were written that changed',
  () => {
    fc.assert(
      fc.property(history, (all) => {
        const timeline = new Timeline(READER);
        const stored = new Map<string, Uint8Array>();
        const store = (changes: ReturnType<Timeline['apply']>['changes']) => {
          for (const { key, record } of changes) {
            if (record === undefined) stored.delete(key);
            else stored.set(key, recordBytes(record));
          }
        };
        for (const each of all) {
          store(timeline.apply({ type: 'received', said: each, now: at(1000) }).changes);
          if (each.sender === ALICE) {
            const { content } = each;
            store(
              timeline.apply({
                type: 'queued',
                id: idOf(5000 + each.order),
                device: deviceOf(ALICE),
                content,
                now: at(1000),
              }).changes,
            );
          }
        }
        const read = [...stored.values()].map(recordFrom);
        expect(read).not.toContain(undefined);
        const again = new Timeline(
          READER,
          read.filter((record) => record !== undefined),
        );
        expect(recordsOf(again)).toEqual(recordsOf(timeline));
        expect(again.items()).toEqual(timeline.items());
        expect([...stored.keys()].sort()).toEqual([...timeline.records()].map(keyOf).sort());
      }),
      { numRuns: Math.ceil(FUZZ_RUNS / 30) },
    );
  },
  LONG,
);

it('reads no record that it did not write', () => {
  expect(recordFrom(Uint8Array.of(0xff))).toBeUndefined();
  expect(recordFrom(Uint8Array.of(0x82, 2, 0xa0))).toBeUndefined();
  expect(recordFrom(Uint8Array.of(0x82, 1, 0xa0))).toBeUndefined();
});
