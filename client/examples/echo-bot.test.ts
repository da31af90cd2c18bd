/** The example as people run it: a process of its own, which is killed and started again, beside a whole homeserver. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import type { Content } from '#client/content/content.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { userIdOf } from '#signalling/ids.ts';

let world: World;
let alpha: Organisation;
let alice: Messenger;
let bot: ChildProcess | undefined;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'echo']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
  const account = new Account(alpha.url);
  await account.signIn('alice', PASSWORD);
  alice = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Test' });
  await until(() => alice.home.store.state.connected, 'alice is connected');
});
afterAll(async () => {
  alice.close();
  await end('SIGKILL');
  await world[Symbol.asyncDispose]();
});

function start(): void {
  bot = spawn(process.execPath, [fileURLToPath(new URL('./echo-bot.ts', import.meta.url))], {
    env: {
      ...process.env,
      HAWSER_URL: alpha.url,
      BOT_HANDLE: 'echo',
      BOT_PASSWORD: PASSWORD,
      BOT_VAULT: join(world.folder, 'bot', 'vault.db'),
      BOT_PASSPHRASE: 'a passphrase of the test',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const ending = bot;
  bot = undefined;
  if (!ending || ending.exitCode !== null) return ending?.exitCode ?? null;
  const ended = once(ending, 'exit');
  ending.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
}

const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

async function texts(conversation: ConversationId): Promise<string[]> {
  const { timeline } = await alice.messages(conversation);
  return timeline
    .items()
    .map((item) => (item.kind === 'message' && item.body?.kind === 'text' ? item.body.text.text : item.kind));
}

test('the bot answers each text once, also what was said while it was away', { timeout: 60_000 }, async () => {
  start();
  await until(
    async () => (await (await fetch(`${alpha.admin}/metrics`)).text()).includes('event_connections 2\n'),
    'it listens',
    20_000,
  );
  const { conversation } = await alice.create('Echo', [userIdOf(alpha.domain, 'echo')]);
  await alice.say(conversation, text('one'));
  await until(async () => (await texts(conversation)).length === 2, 'an answer', 20_000);
  await end('SIGKILL');
  for (const said of ['two', 'three']) await alice.say(conversation, text(said));
  start();
  await until(async () => (await texts(conversation)).length === 6, 'answers to both', 20_000);
  expect(await end('SIGTERM')).toBe(0);
  expect(await texts(conversation)).toEqual(['one', 'one', 'two', 'three', 'two', 'three']);
});
