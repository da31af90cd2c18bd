/** What waits at the own homeserver for that of another organisation: nothing is lost, said twice, or overtaken. */
import { expect, test } from 'vitest';
import { decodeContent } from '#client/content/codec.ts';
import { ROOM } from '#client/content/testing/contents.ts';
import { fromBase64Url } from '#signalling/base64.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { type DomainName, userOfDevice } from '#signalling/ids.ts';
import { type Entry, outcomePayload } from '#signalling/queue.ts';
import { until } from '#signalling/testing-until.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import { MemoryVault } from '../vault/memory.ts';
import { ConversationMessages } from './conversation.ts';
import { Ledger } from './ledger.ts';
import { ALICE, deviceOf, message } from './testing/chat.ts';
import { TYPING_EVERY } from './typing.ts';

const beta = 'beta.example' as DomainName;
let time = 1_000;
const waits: SentMessage = { waiting: beta, since: 77 };

/** A homeserver that keeps what it is given; nothing is encrypted. */
class FakeHomeserver {
  readonly given: NewMessage[] = [];
  answer: (message: NewMessage) => Promise<SentMessage> = async () => waits;
  #position = 100;

  readonly send = async (message: NewMessage): Promise<SentMessage> => {
    this.given.push(message);
    return this.answer(message);
  };

  get numbers(): number[] {
    return this.given.map(({ number }) => number);
  }

  sent(number: number, position: number): Entry {
    const payload = outcomePayload({ conversation: ROOM, position });
    return { position: this.#position++, kind: 'sent', id: `${number}`, at: position, payload };
  }

  refused(number: number, last: number, code: ErrorCode): Entry {
    const payload = outcomePayload({ conversation: ROOM, code, last });
    return { position: this.#position++, kind: 'refused', id: `${number}`, at: 0, payload };
  }
}

interface Opening {
  readonly vault?: MemoryVault;
  readonly encrypting?: () => Promise<void>;
  readonly isAway?: () => boolean;
}

async function open(
  homeserver: FakeHomeserver,
  { vault = new MemoryVault(), encrypting = async () => undefined, isAway = () => false }: Opening = {},
) {
  const group = {
    isBroken: false,
    loaded: async () => ({ isMember: true, hasProposals: false }),
    rejoin: async () => undefined,
    readyToSend: async () => ({
      send: async (content: Uint8Array, _data: undefined, note: (bytes: Uint8Array) => Map<string, Uint8Array>) => {
        await encrypting();
        await vault.write(note(content));
        return content;
      },
    }),
    close: () => undefined,
  } as unknown as ConversationGroup;
  const messages = await ConversationMessages.open({
    ...{ conversation: ROOM, device: deviceOf(ALICE), vault, ledger: new Ledger(vault), group, send: homeserver.send },
    now: () => (time += 1),
    random: () => 0,
    reports: () => false,
    onSettings: async () => new Map(),
    onRead: async () => undefined,
    onCompared: async () => undefined,
    untilConnected: async () => undefined,
    isAway,
    onFault: (error) => expect.fail(`a fault: ${error}`),
  });
  const take = (entry: Entry) => messages.take(entry, new Map());
  const shown = () =>
    messages.timeline.items().map((item) => {
      if (item.kind !== 'message') return item.kind;
      const words = item.body?.kind === 'text' ? item.body.text.text : '';
      return `${words} ${item.sending?.state ?? item.order}`;
    });
  return { messages, vault, take, shown };
}

async function sayAll({ messages }: Awaited<ReturnType<typeof open>>, ...words: string[]): Promise<void> {
  for (const each of words) await messages.say(message(each));
  await messages.idle();
}

test('it is shown as waiting for that organisation, holds nothing behind it, and is sent when it has its place', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  await sayAll(alice, 'one', 'two');
  expect(homeserver.numbers).toEqual([1, 2]);
  const [item] = alice.messages.timeline.items();
  expect(item?.kind === 'message' && item.sending).toEqual({ state: 'waiting', domain: beta, since: 77 });
  await alice.take(homeserver.sent(1, 51));
  await alice.take(homeserver.sent(1, 51));
  await alice.take(homeserver.sent(2, 52));
  expect([alice.shown(), alice.messages.isSending]).toEqual([['one 51', 'two 52'], false]);
});

test('it is still waiting after a start, and is handed in once more under its number', async () => {
  const homeserver = new FakeHomeserver();
  const first = await open(homeserver);
  await sayAll(first, 'one', 'two');
  first.messages.close();
  const again = await open(homeserver, { vault: first.vault });
  expect(again.shown()).toEqual(['one waiting', 'two waiting']);
  again.messages.drain();
  await again.messages.idle();
  expect(homeserver.numbers).toEqual([1, 2, 1, 2]);
  await again.take(homeserver.sent(1, 51));
  await again.take(homeserver.sent(2, 52));
  expect(again.shown()).toEqual(['one 51', 'two 52']);
});

test('what became of it may come before the answer', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  homeserver.answer = async ({ number }) => {
    await alice.take(homeserver.sent(number, 50 + number));
    return waits;
  };
  await sayAll(alice, 'one', 'two');
  expect([alice.shown(), homeserver.numbers]).toEqual([
    ['one 51', 'two 52'],
    [1, 2],
  ]);
});

test('encrypted too early, it goes again under a new number with all behind it, in order', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  await sayAll(alice, 'one', 'two');
  homeserver.answer = async ({ number }) => ({ position: 60 + number, at: 0 });
  await alice.take(homeserver.refused(1, 2, 'MLS_EPOCH_PAST'));
  await alice.take(homeserver.refused(2, 2, 'MLS_EPOCH_PAST'));
  await until(() => !alice.messages.isSending, 'all is sent');
  expect([homeserver.numbers, alice.shown()]).toEqual([
    [1, 2, 3, 4],
    ['one 63', 'two 64'],
  ]);
});

test('refused for good, it alone has failed', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  await sayAll(alice, 'one', 'two');
  await alice.take(homeserver.refused(1, 2, 'HOME_FORBIDDEN'));
  await until(() => homeserver.given.length === 3, 'the second goes again');
  await alice.messages.idle();
  await alice.take(homeserver.sent(3, 53));
  expect(alice.shown()).toEqual(['two 53', 'one failed']);
});

test('one that was refused stays behind those before it until it is known what became of them', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  await sayAll(alice, 'one');
  let failures = 1;
  homeserver.answer = async ({ number }) => {
    if (failures-- > 0) throw new HawserError('MLS_EPOCH_PAST');
    return { position: 60 + number, at: 0 };
  };
  await sayAll(alice, 'two');
  expect(alice.shown()).toEqual(['one waiting', 'two queued']);
  await alice.take(homeserver.refused(1, 1, 'MLS_EPOCH_PAST'));
  await until(() => !alice.messages.isSending, 'all is sent');
  expect(alice.shown()).toEqual(['one 63', 'two 64']);
});

test('after a start nothing goes under a lower number than what stands before it', async () => {
  const homeserver = new FakeHomeserver();
  const first = await open(homeserver);
  await sayAll(first, 'one', 'two');
  first.messages.close();
  const again = await open(homeserver, { vault: first.vault });
  homeserver.answer = async ({ number }) => {
    if (number === 1) throw new HawserError('MLS_EPOCH_PAST');
    return waits;
  };
  again.messages.drain();
  await until(() => homeserver.given.length === 5, 'both go again');
  expect(homeserver.numbers).toEqual([1, 2, 1, 3, 4]);
  await again.take(homeserver.refused(1, 1, 'MLS_EPOCH_PAST'));
  expect(again.shown()).toEqual(['one waiting', 'two waiting']);
});

test('what was handed in behind one that comes back, and not taken, comes back with it', async () => {
  const homeserver = new FakeHomeserver();
  const first = await open(homeserver);
  await sayAll(first, 'one', 'two');
  first.messages.close();
  const again = await open(homeserver, { vault: first.vault });
  await again.take(homeserver.refused(1, 1, 'MLS_EPOCH_PAST'));
  await until(() => homeserver.given.length === 4, 'both go again');
  expect(homeserver.numbers).toEqual([1, 2, 3, 4]);
});

test('one that comes back while the next one is encrypted goes first', async () => {
  const homeserver = new FakeHomeserver();
  let before = async () => {};
  const alice = await open(homeserver, { encrypting: () => before() });
  await sayAll(alice, 'one');
  before = async () => {
    before = async () => {};
    await alice.take(homeserver.refused(1, 1, 'MLS_EPOCH_PAST'));
  };
  await sayAll(alice, 'two');
  homeserver.answer = async ({ number }) => ({ position: 60 + number, at: 0 });
  await alice.take(homeserver.refused(3, 4, 'MLS_EPOCH_PAST'));
  await until(() => !alice.messages.isSending, 'all is sent');
  expect([homeserver.numbers, alice.shown()]).toEqual([
    [1, 3, 4, 5, 6],
    ['one 65', 'two 66'],
  ]);
});

test('what waits cannot be given up: it may have arrived', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  const id = await alice.messages.say(message('one'));
  await alice.messages.idle();
  await alice.messages.discard(id);
  expect(alice.shown()).toEqual(['one waiting']);
});

test('that somebody writes is not handed in where the hub is away, and what becomes of it when it waits is nothing', async () => {
  const homeserver = new FakeHomeserver();
  let isAway = true;
  const alice = await open(homeserver, { isAway: () => isAway });
  alice.messages.tellTyping(true);
  await alice.messages.idle();
  expect(homeserver.given).toEqual([]);
  isAway = false;
  alice.messages.tellTyping(true);
  await alice.messages.idle();
  await sayAll(alice, 'one');
  expect(homeserver.numbers).toEqual([1, 2]);
  await alice.take(homeserver.sent(1, 51));
  await alice.take(homeserver.sent(2, 52));
  expect([alice.shown(), alice.messages.isSending]).toEqual([['one 52'], false]);
});

test('that somebody writes, or no longer, is told after what is being sent, the newest only, unless that took too long', async () => {
  const homeserver = new FakeHomeserver();
  const alice = await open(homeserver);
  const answers: (() => void)[] = [];
  homeserver.answer = async ({ number }) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return { position: 50 + number, at: 0 };
  };
  const told = async () => {
    const origin = { sender: userOfDevice(deviceOf(ALICE)), room: ROOM };
    const decoded = homeserver.given.map(({ message: bytes }) =>
      decodeContent(fromBase64Url(bytes) ?? expect.fail(), origin, 0),
    );
    return (await Promise.all(decoded)).map(({ content }) =>
      content.kind === 'typing' ? content.active : content.kind,
    );
  };
  const given = (count: number) => until(() => homeserver.given.length === count, `${count} are handed in`);
  await alice.messages.say(message('one'));
  await given(1);
  alice.messages.tellTyping(false);
  alice.messages.tellTyping(true);
  answers.shift()?.();
  await given(2);
  alice.messages.tellTyping(false);
  answers.shift()?.();
  await given(3);
  // What somebody wrote goes before it.
  alice.messages.tellTyping(true);
  await alice.messages.say(message('two'));
  answers.shift()?.();
  await given(4);
  time += TYPING_EVERY;
  answers.shift()?.();
  await alice.messages.idle();
  expect(await told()).toEqual(['message', true, false, 'message']);
  // Where it waits for another organisation it is told as well.
  homeserver.answer = async () => waits;
  await alice.messages.say(message('three'));
  await alice.messages.idle();
  alice.messages.tellTyping(true);
  await alice.take(homeserver.sent(5, 60));
  await alice.messages.idle();
  expect((await told()).slice(4)).toEqual(['message', true]);
});
