import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConversationId, DeviceId, UserId } from '#signalling/ids.ts';
import type { Content } from './content/content.ts';
import type { MessageId } from './content/message-id.ts';
import { HeardMessages } from './heard.ts';
import { MemoryVault } from './vault/memory.ts';
import type { Changes } from './vault/vault.ts';

const conversation = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId;
const sender = 'mimi://alpha.example/u/alice' as UserId;
const device = `${sender}/d/laptop` as DeviceId;
const content = (text: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text } },
});

/** A program that is ended and started again, on one vault. */
async function program(vault: MemoryVault, answered: string[]) {
  const say = async (_: ConversationId, said: Content, also: () => Changes): Promise<MessageId> => {
    await vault.write(also());
    if (said.kind === 'message' && said.body.kind === 'text') answered.push(said.body.text.text);
    return 'an id' as MessageId;
  };
  const heard = await HeardMessages.open(vault, say);
  return {
    heard,
    async hear(text: string, isStored = true): Promise<void> {
      const changes = heard.note(conversation, {
        ...{ id: text as MessageId, sender, device, at: 1 },
        content: content(text),
      });
      if (isStored) await vault.write(changes);
      heard.came();
    },
  };
}

type Step = 'hear' | 'fail to store' | 'answer' | 'pass over' | 'crash before answering' | 'crash after answering';
const step = fc.constantFrom<Step>(
  'hear',
  'hear',
  'fail to store',
  'answer',
  'pass over',
  'crash before answering',
  'crash after answering',
);

test('whenever the program ends, each message is answered or passed over once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const vault = new MemoryVault();
      const answered: string[] = [];
      const waiting: string[] = [];
      const expected: string[] = [];
      let count = 0;
      let running = await program(vault, answered);
      let stop = new AbortController();
      let listening = running.heard.listen(stop.signal);
      for (const each of steps) {
        if (each === 'hear') {
          waiting.push(`${++count}`);
          await running.hear(`${count}`);
          continue;
        }
        if (each === 'fail to store') {
          await running.hear('lost', false);
          continue;
        }
        if (waiting.length === 0) continue;
        const { value } = await listening.next();
        expect(value?.id).toBe(waiting[0]);
        if (each === 'answer' || each === 'crash after answering') {
          await value?.answer(content(`${value.id}`));
          expected.push(waiting.shift() ?? '');
        }
        if (each === 'pass over') waiting.shift();
        if (each === 'crash before answering' || each === 'crash after answering') {
          stop.abort();
          running = await program(vault, answered);
          stop = new AbortController();
          listening = running.heard.listen(stop.signal);
        } else if (waiting.length > 0) {
          // Asks for the next, which is how it says that it is done with this one; and stops there.
          expect((await listening.next()).value?.id).toBe(waiting[0]);
          await listening.return();
          listening = running.heard.listen(stop.signal);
        } else {
          const next = listening.next();
          await running.hear(`${++count}`);
          waiting.push(`${count}`);
          expect((await next).value?.id).toBe(`${count}`);
          await listening.return();
          listening = running.heard.listen(stop.signal);
        }
      }
      expect(answered).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test('the listening ends when it is told to, with nothing to hear', async () => {
  const { heard } = await program(new MemoryVault(), []);
  const stop = new AbortController();
  const next = heard.listen(stop.signal).next();
  stop.abort();
  expect((await next).done).toBe(true);
});
