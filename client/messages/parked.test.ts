/** The homeserver that orders a conversation is away when a device is to come in: the other conversations are read meanwhile. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import { Account } from '../account.ts';
import { Following } from '../following.ts';
import { GroupApi } from '../groups/group-api.ts';
import { Messenger } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';
import type { Changes } from '../vault/vault.ts';
import { ParkedEntries, type ParkedOptions } from './parked.ts';

const LONG = { timeout: 90_000 };
let world: World;
let alpha: Organisation;
let beta: Organisation;
const open = new Set<Person>();
const faults: unknown[] = [];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const person of open) person.close();
  expect(faults.splice(0)).toEqual([]);
});

/** With one device, which can go and come back. */
class Person {
  readonly account: Account;
  readonly vault = new MemoryVault();
  readonly user: UserId;
  #running: { readonly messenger: Messenger; readonly following: Following } | undefined;

  private constructor(account: Account, user: UserId) {
    this.account = account;
    this.user = user;
  }

  static async signIn(organisation: Organisation, handle: string): Promise<Person> {
    await organisation.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    const account = new Account(organisation.url);
    const { user } = await account.signIn(handle, PASSWORD);
    const person = new Person(account, user);
    await person.start();
    return person;
  }

  get messenger(): Messenger {
    return this.#running?.messenger ?? expect.fail('it does not run');
  }

  async start(): Promise<void> {
    const onFault = (error: unknown) => void faults.push(error);
    const { account, vault } = this;
    const messenger = await Messenger.open({ account, vault, deviceName: 'Test', onFault });
    this.#running = { messenger, following: new Following(messenger, onFault) };
    open.add(this);
    await until(() => messenger.home.store.state.connected, 'it is connected');
  }

  close(): void {
    this.#running?.following.close();
    this.#running?.messenger.close();
    this.#running = undefined;
    open.delete(this);
  }

  async say(conversation: ConversationId, words: string): Promise<void> {
    const body = { kind: 'text', text: { format: 'plain', text: words } } as const;
    await this.messenger.say(conversation, { kind: 'message', body });
  }

  async shown(conversation: ConversationId): Promise<string[]> {
    const { timeline } = await this.messenger.messages(conversation);
    return timeline
      .items({ limit: 1_000 })
      .filter(({ kind }) => kind !== 'notice')
      .map((item) => (item.kind === 'message' && item.body?.kind === 'text' ? item.body.text.text : `(${item.kind})`));
  }

  async shows(conversation: ConversationId, ...words: readonly string[]): Promise<void> {
    const isShown = async () => (await this.shown(conversation)).length >= words.length;
    await until(isShown, 'it is shown', 30_000).catch(() => undefined);
    expect(await this.shown(conversation)).toEqual(words);
  }

  async isIn(conversation: ConversationId): Promise<boolean> {
    return (await (await this.messenger.messages(conversation)).group.loaded())?.isMember === true;
  }

  /** Resolves when this waits for its device. */
  async waits(...kinds: readonly Entry['kind'][]): Promise<void> {
    const api = new GroupApi(this.account);
    const isThere = async () => {
      const known = (await api.entries(0)).map(({ kind }) => kind);
      return known.slice(-kinds.length).join() === kinds.join();
    };
    await until(isThere, 'it waits for the device', 20_000);
  }
}

let count = 0;
/** Alice orders nothing of what Bob and Ben say to each other. */
async function gather() {
  count += 1;
  const alice = await Person.signIn(alpha, `alice${count}`);
  const [bob, ben] = [await Person.signIn(beta, `bob${count}`), await Person.signIn(beta, `ben${count}`)];
  const { conversation: local } = await ben.messenger.create('Local', [bob.user]);
  await ben.say(local, 'zero');
  await bob.shows(local, 'zero');
  await bob.messenger.idle();
  bob.close();
  return { alice, bob, ben, local };
}

test(
  'what others say is read while the hub of a new conversation is away, and that one when it is back',
  LONG,
  async () => {
    const { alice, bob, ben, local } = await gather();
    const { conversation } = await alice.messenger.create('Rigging', [bob.user]);
    for (const words of ['one', 'two']) await alice.say(conversation, words);
    await bob.waits('welcome', 'message', 'message');
    await alpha.stop();
    await ben.say(local, 'first');
    await bob.start();
    await bob.shows(local, 'zero', 'first');
    bob.close();
    // Another process finds what lies there.
    await bob.start();
    await ben.say(local, 'second');
    await bob.shows(local, 'zero', 'first', 'second');
    expect(await bob.shown(conversation)).toEqual([]);
    expect((await bob.vault.list('parked/')).size).toBe(3);
    await alpha.start();
    await bob.shows(conversation, 'one', 'two');
    await bob.say(conversation, 'three');
    await alice.say(conversation, 'four');
    await until(async () => (await alice.shown(conversation)).length === 4, 'she has all', 20_000);
    await bob.shows(conversation, ...(await alice.shown(conversation)));
    expect((await bob.vault.list('parked/')).size).toBe(0);
  },
);

test('whoever is out again by then reads what was said to him in between, and is out', LONG, async () => {
  const { alice, bob, ben, local } = await gather();
  const { conversation } = await alice.messenger.create('Rigging', [bob.user]);
  await alice.say(conversation, 'one');
  await bob.waits('welcome', 'message');
  await alice.messenger.removeMember(conversation, bob.user);
  await bob.waits('welcome', 'message', 'notice');
  await alice.say(conversation, 'without him');
  await alpha.stop();
  await bob.start();
  await ben.say(local, 'first');
  await bob.shows(local, 'zero', 'first');
  await alpha.start();
  await bob.shows(conversation, 'one');
  await until(async () => (await bob.vault.list('parked/')).size === 0, 'all is taken');
  expect(await bob.isIn(conversation)).toBe(false);
  expect(await bob.shown(conversation)).toEqual(['one']);
});

test('an organisation that refuses for a while costs nothing that was said meanwhile', LONG, async () => {
  const { alice, bob, ben, local } = await gather();
  const { conversation } = await alice.messenger.create('Rigging', [bob.user]);
  await alice.say(conversation, 'one');
  await bob.waits('welcome', 'message');
  let refused = 0;
  const refusing = createServer((socket) => {
    refused += 1;
    socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  const { port } = refusing.address() as AddressInfo;
  await beta.allow({ organisation: alpha, homeserver: `127.0.0.1:${port}` });
  await until(async () => {
    await new GroupApi(bob.account).state(conversation).catch(() => undefined);
    return refused > 0;
  }, 'the other address is in use');
  try {
    await bob.start();
    await alice.say(conversation, 'two');
    await ben.say(local, 'first');
    await bob.shows(local, 'zero', 'first');
    expect((await bob.vault.list('parked/')).size).toBeGreaterThan(0);
  } finally {
    await beta.allow(alpha);
    refusing.close();
  }
  await bob.shows(conversation, 'one', 'two');
});

const conversation = 'mimi://alpha.example/r/AAAA' as ConversationId;
const other = 'mimi://beta.example/r/BBBB' as ConversationId;
const entry = (position: number, kind: Entry['kind'] = 'message', payload = 'AAAA'): Entry => ({
  ...{ position, kind, at: 1, payload },
});

/** A device of beta, and what it took of which conversation. */
async function parking(vault = new MemoryVault(), options: Partial<ParkedOptions> = {}) {
  const taken: string[] = [];
  const hub: { code: 'FED_UNREACHABLE' | 'FED_REFUSED' | undefined } = { code: 'FED_UNREACHABLE' };
  const parked = await ParkedEntries.open({
    ...{ vault, own: 'beta.example' as DomainName, untilConnected: async () => undefined, random: () => 0 },
    onFault: (error) => void faults.push(error),
    take: async (where, { position, kind }, progress: Changes, mayWait) => {
      const isLost = hub.code !== undefined && where === conversation && kind !== 'notice';
      if (isLost && mayWait) throw new HawserError(hub.code ?? 'SIG_INTERNAL');
      await vault.write(progress);
      taken.push(`${where === conversation ? 'alpha' : 'beta'} ${position}${isLost ? ' lost' : ''}`);
    },
    ...options,
  });
  return { parked, taken, hub, vault };
}
const at = (position: number): Changes => new Map([['inbox', new Uint8Array([position])]]);
const heldIn = async (vault: MemoryVault) => (await vault.list('parked/')).size;

test('what is behind in its conversation waits behind it, and nothing else does', async () => {
  const { parked, taken, hub, vault } = await parking();
  await parked.take(conversation, entry(1, 'commit'), at(1));
  await parked.take(conversation, entry(2, 'notice'), at(2));
  await parked.take(other, entry(3, 'welcome'), at(3));
  expect(taken).toEqual(['beta 3']);
  expect(await vault.get('inbox')).toEqual(new Uint8Array([3]));
  parked.close();
  const next = await parking(vault);
  next.hub.code = undefined;
  await next.parked.take(conversation, entry(4), at(4));
  await until(() => next.taken.length === 3, 'all is taken');
  expect(next.taken).toEqual(['alpha 1', 'alpha 2', 'alpha 4']);
  expect(await heldIn(vault)).toBe(0);
  await next.parked.take(conversation, entry(5), at(5));
  expect(next.taken.at(-1)).toBe('alpha 5');
  expect(taken).toEqual(['beta 3']);
  expect(hub.code).toBe('FED_UNREACHABLE');
});

test('whoever waits for it is told when it is taken', async () => {
  const { parked, taken, hub } = await parking();
  for (const position of [1, 2]) await parked.take(conversation, entry(position), at(position));
  const reached = parked.reached(conversation);
  hub.code = undefined;
  parked.retry();
  await reached;
  expect(taken).toEqual(['alpha 1', 'alpha 2']);
  await parked.reached(conversation);
  parked.close();
});

test('where it becomes too much nobody is waited for any more', async () => {
  for (const bounds of [
    { entries: 3, length: 1_000 },
    { entries: 100, length: 15 },
  ]) {
    const { parked, taken, vault } = await parking(undefined, { bounds });
    for (const position of [1, 2, 3]) await parked.take(conversation, entry(position), at(position));
    expect(taken).toEqual([]);
    await parked.take(conversation, entry(4), at(4));
    await until(() => taken.length === 4, 'all is taken');
    expect(taken).toEqual(['alpha 1 lost', 'alpha 2 lost', 'alpha 3 lost', 'alpha 4 lost']);
    expect(await heldIn(vault)).toBe(0);
    parked.close();
  }
});

test('what the disk refuses is not taken, and comes again', async () => {
  const { parked, vault, hub, taken } = await parking();
  const write = vault.write.bind(vault);
  vault.write = async () => {
    throw new HawserError('VAULT_FULL');
  };
  await expect(parked.take(conversation, entry(1), at(1))).rejects.toMatchObject({ code: 'VAULT_FULL' });
  vault.write = write;
  hub.code = undefined;
  await parked.take(conversation, entry(1), at(1));
  expect(taken).toEqual(['alpha 1']);
});
