import { expect, test } from 'vitest';
import { ROOM } from '#client/content/testing/contents.ts';
import { HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import { MemoryVault } from '../vault/memory.ts';
import { ConversationMessages } from './conversation.ts';
import { ALICE, deviceOf, message } from './testing/chat.ts';

/** A group that encrypts nothing, and a hub that takes or refuses. */
async function conversation(send: (sent: NewMessage) => Promise<SentMessage>, vault = new MemoryVault()) {
  const group = {
    readyToSend: async () => ({
      send: async (content: Uint8Array, _data: undefined, note: (bytes: Uint8Array) => Map<string, Uint8Array>) =>
        vault.write(note(content)),
    }),
    close: () => undefined,
  } as unknown as ConversationGroup;
  const options = { conversation: ROOM, device: deviceOf(ALICE), vault, group, send };
  const rest = {
    now: Date.now,
    random: () => 0,
    reports: () => false,
    onSettings: async () => undefined,
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
  await messages.say(message('hello', { expires: { at: 1 } }));
  await messages.idle();
  await messages.expire();
  expect(heard).toEqual(
    [['outgoing', 'message'].sort(), ['message', 'outgoing'], ['message']].map((each) => expect.arrayContaining(each)),
  );
});
