/** What the homeserver tells, on the ways on which it can come: beside a list that is late or fails, and as the end of a connection. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { ERRORS, type ErrorCode } from '#signalling/errors.ts';
import type { NewMessage } from '#signalling/groups.ts';
import type { UserId } from '#signalling/ids.ts';
import type { Socket } from '#signalling/rpc.ts';
import { Account } from './account.ts';
import { Home } from './home.ts';
import type { Call } from './http.ts';

let world: World;
let alpha: Organisation;
const homes: Home[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const home of homes.splice(0)) home.close();
});

/** An account whose lists come when the test lets them. */
class SlowAccount extends Account {
  /** Of lists that were answered, and not told yet. */
  readonly held: ((error?: Error) => void)[] = [];
  holds = false;

  override async call(call: Call<never>): Promise<never> {
    const answer = await super.call(call);
    if (this.holds && call.path === 'conversations' && call.method === 'GET') {
      await new Promise<void>((resolve, reject) => this.held.push((error) => (error ? reject(error) : resolve())));
    }
    return answer;
  }
}

async function signIn(handle: string): Promise<{ account: SlowAccount; home: Home; user: UserId }> {
  await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  const account = new SlowAccount(alpha.url);
  const { user } = await account.signIn(handle, PASSWORD);
  const home = new Home({ account });
  homes.push(home);
  await until(() => home.store.state.connected, `${handle} is connected`);
  return { account, home, user };
}

test('what is told while lists are fetched stays, however late they come, and whether they come', async () => {
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  bob.account.holds = true;
  const [first, second] = [bob.home.refresh(), bob.home.refresh()];
  const refused = expect(bob.home.refresh()).rejects.toThrow('cut off');
  await until(() => bob.account.held.length === 3, 'all are on their way');
  const { account, home } = bob;
  const knows = (title: string) => home.store.state.conversations.some((each) => each.title === title);
  await alice.home.createConversation('Before the first', [bob.user]);
  await until(() => knows('Before the first'), 'it is told at once');
  account.held[2]?.(new Error('cut off'));
  await refused;
  account.held[0]?.();
  await first;
  await alice.home.createConversation('Before the second', [bob.user]);
  await until(() => knows('Before the second'), 'it is told at once');
  account.held[1]?.();
  await second;
  expect(knows('Before the first') && knows('Before the second')).toBe(true);
});

/** A server that takes whoever comes, and ends the connection at the first message. */
class EndingSocket extends EventTarget {
  readonly bufferedAmount = 0;
  readyState = 1;
  readonly #code: ErrorCode;

  constructor(code: ErrorCode) {
    super();
    this.#code = code;
  }

  send(text: string): void {
    const { id, method } = JSON.parse(text) as { id: number; method?: string };
    const user = { user: 'mimi://alpha.example/u/dave', domain: 'alpha.example', handle: 'dave', name: 'Dave' };
    const answer = JSON.stringify({ id, result: { user } });
    if (method === 'hello') queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data: answer })));
    if (method === 'send') this.close(ERRORS[this.#code].close, this.#code);
  }

  close(code = 1000, reason = ''): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

test.each<ErrorCode>(['HOME_UNAUTHENTICATED', 'HOME_FORBIDDEN', 'SIG_ORDER', 'SIG_INTERNAL'])(
  'a connection that ends with %s has not answered what was being sent',
  async (code) => {
    const account = {
      origin: 'http://x',
      accessToken: async () => 'x'.repeat(20),
      call: async () => ({ conversations: [], organisations: [] }),
    };
    const home = new Home({
      account: account as unknown as Account,
      dial: async () => new EndingSocket(code) as unknown as Socket,
    });
    homes.push(home);
    await until(() => home.store.state.connected, 'it is connected');
    const message = { conversation: 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA', number: 1, message: 'AAAA' };
    await expect(home.send(message as NewMessage)).rejects.toMatchObject({ code: 'SIG_CLOSED' });
  },
);
