import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeContent } from '#client/content/codec.ts';
import { ROOM } from '#client/content/testing/contents.ts';
import { Queue } from '#mls/queue.ts';
import type { Received } from '#mls/step.ts';
import { ERRORS, type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import type { Entry } from '#signalling/queue.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import { MemoryVault } from '../vault/memory.ts';
import type { Changes } from '../vault/vault.ts';
import { ConversationMessages } from './conversation.ts';
import { Ledger } from './ledger.ts';
import { keyOf, recordBytes } from './records.ts';
import { ALICE, BOB, deviceOf, message } from './testing/chat.ts';

/** A disk that takes its time, and refuses what it is told to. What is on it can be seen at once. */
class SlowVault extends MemoryVault {
  readonly stored = new Map<string, Uint8Array>();
  refuses: (changes: Changes) => boolean = () => false;
  readonly #queue = new Queue();

  override write(changes: Changes): Promise<void> {
    return this.#queue.run(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.refuses(changes)) throw new HawserError('VAULT_FULL');
      await super.write(changes);
      for (const [key, value] of changes) {
        if (value === undefined) this.stored.delete(key);
        else this.stored.set(key, value);
      }
    });
  }
}

/** A group that encrypts nothing, and a hub that takes or refuses. */
async function conversation(
  send: (sent: NewMessage) => Promise<SentMessage>,
  vault = new MemoryVault(),
  more: Partial<Pick<ConversationGroup, 'take' | 'rejoin' | 'marks'>> = {},
) {
  const group = {
    isBroken: false,
    rejoin: async () => undefined,
    take: async (entry: Entry, note: (received: readonly Received[]) => Promise<Changes>) => {
      const sender = { leafIndex: 1, identity: { user: BOB, device: deviceOf(BOB) } };
      const content = Buffer.from(entry.payload, 'base64url');
      await vault.write(await note([{ kind: 'message', epoch: 1n, sender, content } as unknown as Received]));
    },
    readyToSend: async () => ({
      send: async (content: Uint8Array, _data: undefined, note: (bytes: Uint8Array) => Map<string, Uint8Array>) =>
        vault.write(note(content)),
    }),
    close: () => undefined,
    ...more,
  } as unknown as ConversationGroup;
  const options = { conversation: ROOM, device: deviceOf(ALICE), vault, ledger: new Ledger(vault), group, send };
  const rest = {
    now: Date.now,
    random: () => 0,
    reports: () => false,
    onSettings: async () => new Map(),
    onRead: async () => undefined,
    onCompared: async () => undefined,
  };
  const faults: unknown[] = [];
  const messages = await ConversationMessages.open({
    ...options,
    ...rest,
    untilConnected: async () => undefined,
    onFault: (error) => faults.push(error),
  });
  const states = () =>
    messages.timeline.items().map((item) => (item.kind === 'message' ? (item.sending?.state ?? 'sent') : 'gap'));
  return { messages, states, vault, faults };
}

/** What Bob says, as it is delivered. */
async function fromBob(words: string, order: number): Promise<Entry> {
  const { bytes } = await encodeContent(message(words), { sender: BOB, room: ROOM });
  return { position: order, kind: 'message', at: order, payload: Buffer.from(bytes).toString('base64url') };
}

let position = 0;
const take = async (): Promise<SentMessage> => {
  position += 1;
  return { position, at: position };
};
const refuse = () => Promise.reject(new HawserError('HOME_FORBIDDEN'));

test('what the hub refused says why, and can be said again or given up, also after a start', async () => {
  let send: () => Promise<SentMessage> = refuse;
  const { messages, states, vault, faults } = await conversation(() => send());
  const one = await messages.say(message('one'));
  await messages.idle();
  const two = await messages.say(message('two'));
  await messages.idle();
  expect(states()).toEqual(['failed', 'failed']);
  const [first] = messages.timeline.items();
  expect(first?.kind === 'message' && first.sending).toEqual({ state: 'failed', code: 'HOME_FORBIDDEN' });
  messages.close();

  send = take;
  const again = await conversation(() => send(), vault);
  expect(again.states()).toEqual(['failed', 'failed']);
  await again.messages.discard(two);
  await again.messages.again(one);
  await again.messages.idle();
  expect(again.states()).toEqual(['sent']);
  expect(await again.messages.again(one)).toBeUndefined();
  again.messages.close();
  const third = await conversation(take, vault);
  expect(third.states()).toEqual(['sent']);
  expect([...faults, ...again.faults, ...third.faults]).toEqual([]);
});

test('whoever draws it is told of each change', async () => {
  const { messages } = await conversation(take);
  const heard: string[][] = [];
  messages.changed.subscribe((changes) => heard.push(changes.map(({ key }) => key.split('/')[0] ?? '')));
  await messages.say(message('hello', { expires: { at: Math.floor(Date.now() / 1000) - 1 } }));
  await messages.idle();
  await messages.expire();
  expect(heard).toEqual(
    [['outgoing', 'message'].sort(), ['message', 'outgoing'], ['message']].map((each) => expect.arrayContaining(each)),
  );
});

const REFUSALS: readonly string[] = [
  'HOME_NOT_FOUND',
  'HOME_FORBIDDEN',
  'MLS_MALFORMED',
  'MLS_TOO_LARGE',
  'MLS_UNSUPPORTED',
  'FED_NOT_ALLOWED',
  'FED_OLD_VERSION',
  'FED_SCOPE',
  'FED_FOREIGN',
  'FED_EQUIVOCATED',
];

/** The number was refused for good, where another domain is the hub. */
const STALE: readonly string[] = ['MLS_EPOCH_PAST', 'MLS_NOT_MEMBER', 'MLS_PROPOSALS_PENDING', 'MLS_WRONG_GROUP'];

test('only what the hub refuses for good has failed, at once; anything else waits, in order, and is sent once', async () => {
  await Promise.all(
    Object.keys(ERRORS).map(async (code) => {
      if (code.startsWith('VAULT_')) return; // of no hub
      const sent: number[] = [];
      let failures = 1;
      const { messages, states, faults } = await conversation(async ({ number }) => {
        if (failures-- > 0) throw new HawserError(code as ErrorCode);
        sent.push(number);
        return take();
      });
      const began = performance.now();
      for (const words of ['one', 'two']) await messages.say(message(words));
      await messages.idle();
      if (REFUSALS.includes(code)) {
        expect([...states()].sort(), code).toEqual(['failed', 'sent']);
        expect(sent, code).toHaveLength(1);
      } else {
        expect(states(), code).toEqual(['sent', 'sent']);
        expect(sent, code).toEqual(STALE.includes(code) ? [2, 3] : [1, 2]);
        expect(performance.now() - began, code).toBeGreaterThan(200);
      }
      expect(faults, code).toEqual([]);
    }),
  );
});

test('one that is to vanish at a time of the calendar is sent as any other, and wakes people', async () => {
  const sent: NewMessage[] = [];
  const { messages, states } = await conversation(async (each) => {
    sent.push(each);
    return take();
  });
  await messages.say(message('soon over', { expires: { at: Math.floor(Date.now() / 1000) + 3600 } }));
  await messages.idle();
  expect(states()).toEqual(['sent']);
  expect(sent.map(({ quiet }) => quiet)).toEqual([undefined]);
});

test('what could not be stored is neither shown nor sent, and the next one is', async () => {
  const vault = new SlowVault();
  const sent: NewMessage[] = [];
  const { messages, states } = await conversation(async (each) => {
    sent.push(each);
    return take();
  }, vault);
  let writes = 0;
  vault.refuses = () => writes++ === 0;
  await expect(messages.say(message('one'))).rejects.toMatchObject({ code: 'VAULT_FULL' });
  expect([states(), messages.isSending]).toEqual([[], false]);
  await messages.say(message('two'));
  await messages.idle();
  expect([states(), sent.length]).toEqual([['sent'], 1]);
});

test('of several that are said at once the first is the first, however long', async () => {
  const { messages } = await conversation(take, new SlowVault());
  const words = ['x'.repeat(30_000), 'b', 'y'.repeat(10_000), 'd'];
  const ids = await Promise.all(words.map((each) => messages.say(message(each))));
  await messages.idle();
  expect(messages.timeline.items().map((item) => item.kind === 'message' && item.id)).toEqual(ids);
});

test('what was refused is said once more once, however often that is asked for', async () => {
  const { messages, states } = await conversation(refuse, new SlowVault());
  const id = await messages.say(message('one'));
  await messages.idle();
  const again = await Promise.all([messages.again(id), messages.again(id)]);
  expect(again.filter((each) => each !== undefined)).toHaveLength(1);
  expect(states()).toHaveLength(1);
});

test('what is wrong with an entry is passed over; what is wrong with the way to the server makes it come again', async () => {
  const said = await fromBob('hello', 5);
  const commit = { ...said, kind: 'commit' } as const;
  const progress = new Map([['inbox', Uint8Array.of(1)]]);
  const outcome = async (entry: Entry, code: ErrorCode, rejoin: ErrorCode | 'done' = 'done') => {
    const vault = new MemoryVault();
    let joined = 0;
    const { messages, states } = await conversation(take, vault, {
      take: () => Promise.reject(new HawserError(code)),
      rejoin: async () => {
        joined += 1;
        if (rejoin !== 'done') throw new HawserError(rejoin);
      },
    });
    await messages.take(entry, progress).catch(() => undefined);
    return { isTaken: (await vault.get('inbox')) !== undefined, joined, shown: states() };
  };
  const passed = { isTaken: true, joined: 0, shown: ['gap'] };
  const again = { isTaken: false, joined: 0, shown: [] };
  expect(await outcome(said, 'MLS_UNREADABLE')).toEqual(passed);
  for (const code of ['SIG_UNREACHABLE', 'SIG_ORDER', 'HOME_UNAUTHENTICATED', 'MLS_NOT_SAVED', 'VAULT_GONE'] as const) {
    expect(await outcome(said, code), code).toEqual(again);
    expect(await outcome(commit, code), code).toEqual(again);
  }
  // A commit that cannot be followed is taken when this device has joined anew, or cannot any more.
  expect(await outcome(commit, 'MLS_REFUSED')).toEqual({ isTaken: true, joined: 1, shown: [] });
  expect(await outcome(commit, 'MLS_REFUSED', 'SIG_UNREACHABLE')).toEqual({ isTaken: false, joined: 1, shown: [] });
  expect(await outcome(commit, 'MLS_REFUSED', 'HOME_NOT_FOUND')).toEqual({ isTaken: true, joined: 1, shown: [] });
  // Those before it, which come afterwards, are no reason to join once more.
  expect(await outcome(commit, 'MLS_EPOCH_PAST')).toEqual({ isTaken: true, joined: 0, shown: [] });
});

test('to somebody who came back it is said that what he cannot read is of before', async () => {
  const outcome = async (isOlder: boolean) => {
    const { messages } = await conversation(take, new MemoryVault(), {
      take: () => Promise.reject(new HawserError('MLS_EPOCH_PAST')),
      marks: { isOlder: async () => isOlder } as never,
    });
    await messages.take(await fromBob('hello', 5), new Map());
    return [...messages.timeline.records()].map((record) => record.kind === 'gap' && record.reason);
  };
  expect([await outcome(true), await outcome(false)]).toEqual([['before-joining'], ['keys-gone']]);
});

type Act = 'say' | 'hear' | 'read' | 'wait';
const act = fc.tuple(fc.constantFrom<Act>('say', 'say', 'hear', 'hear', 'read', 'wait'), fc.boolean());

test('whatever happens at once and fails, what is told is stored, in order, and each message once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 20 }), async (acts) => {
      const vault = new SlowVault();
      const { messages, faults } = await conversation(take, vault);
      const told: string[] = [];
      const prefix = `timeline/${ROOM}/`;
      messages.changed.subscribe((changes) => {
        for (const { key, record } of changes) {
          expect(vault.stored.get(`${prefix}${key}`)).toEqual(record && recordBytes(record));
          if (record?.kind === 'message' && record.order !== undefined) told.push(`${record.id} ${record.order}`);
        }
      });
      const work: Promise<unknown>[] = [];
      // What failed is known: the disk was full.
      const begin = (each: Promise<unknown>) => work.push(each.catch(() => undefined));
      const heard: number[] = [];
      for (const [index, [what, fails]] of acts.entries()) {
        // The next write, of whatever it is.
        let left = fails ? 1 : 0;
        vault.refuses = () => left-- > 0;
        if (what === 'say') begin(messages.say(message(`${index}`)));
        const last = messages.timeline.items().findLast((item) => item.kind === 'message');
        if (what === 'read' && last?.kind === 'message') begin(messages.read(last.id));
        if (what === 'hear') {
          const order = 1_000_000_000 + index;
          const entry = await fromBob(`${index}`, order);
          begin(messages.take(entry, new Map()).then(() => heard.push(order)));
        }
        if (what === 'wait') await Promise.all(work);
      }
      await Promise.all(work);
      vault.refuses = () => false;
      await messages.idle();
      expect(new Set(told).size).toBe(told.length);
      for (const order of heard) expect(told.filter((each) => each.endsWith(` ${order}`))).toHaveLength(1);
      const stored = [...(await vault.list(prefix))].map(([key, bytes]) => [
        key.slice(prefix.length),
        Buffer.from(bytes),
      ]);
      const shown = [...messages.timeline.records()].map((record) => [keyOf(record), Buffer.from(recordBytes(record))]);
      expect(new Map(shown as [string, Buffer][])).toEqual(new Map(stored as [string, Buffer][]));
      expect(faults.filter((fault) => !(fault instanceof HawserError))).toEqual([]);
      messages.close();
    }),
    { numRuns: 60 },
  );
});
