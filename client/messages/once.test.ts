/**
 * What is said is heard once, wherever the process ends on the way: at each write of the vault, before it and after it. Between two
 * writes nothing is there that outlives the process but what the hub has, so that these are all the lines there are.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import type { Content } from '../content/content.ts';
import { Messenger } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';
import { type Death, DyingVault } from '../vault/testing/dying-vault.ts';
import type { Changes } from '../vault/vault.ts';
import type { ConversationMessages } from './conversation.ts';
import { TYPING_EVERY } from './typing.ts';

let world: World;
let alpha: Organisation;
/** How far everybody's clock is ahead, ms. */
let ahead = 0;
const open: Messenger[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const messenger of open.splice(0)) messenger.close();
});

class Person {
  readonly account: Account;
  readonly disk = new MemoryVault();
  vault = new DyingVault(this.disk);
  #messenger: Messenger | undefined;

  constructor(account: Account) {
    this.account = account;
  }

  static async signIn(handle: string): Promise<Person> {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    const person = new Person(new Account(alpha.url));
    await person.account.signIn(handle, PASSWORD);
    await person.start();
    return person;
  }

  get messenger(): Messenger {
    if (!this.#messenger) throw new Error('it does not run');
    return this.#messenger;
  }

  /** A new process on what the disk holds; the one before it is over. */
  async start(): Promise<void> {
    this.vault.end();
    this.#messenger?.close();
    this.vault = new DyingVault(this.disk);
    this.#messenger = await Messenger.open({
      ...{ account: this.account, vault: this.vault, deviceName: 'Test' },
      now: () => Date.now() + ahead,
    });
    open.push(this.#messenger);
    await until(() => this.messenger.home.store.state.connected, 'it is connected');
  }

  /** Ends at a write from now on; whatever happens afterwards in the dead process has no effect. */
  arm({ write, when, line }: Strike): void {
    const { messenger } = this;
    const matches = (changes: Changes) => line === undefined || lineOf(changes) === line;
    this.vault.arm(write, when, () => messenger.close(), matches);
  }

  async texts(conversation: ConversationId): Promise<string[]> {
    const { timeline } = await this.messenger.messages(conversation);
    return timeline
      .items({ limit: 1_000 })
      .map((item) => (item.kind === 'message' && item.body?.kind === 'text' ? item.body.text.text : `(${item.kind})`));
  }
}

const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

/** What is shown of how far each message is; undefined where it has its place. */
function fatesIn({ timeline }: ConversationMessages): (string | undefined)[] {
  return timeline.items({ limit: 1_000 }).map((item) => (item.kind === 'message' ? item.sending?.state : undefined));
}

/** Where a process is to end: at which write from now on, of all or of those of a line. */
interface Strike {
  readonly write: number;
  readonly when: Death;
  readonly line?: string;
}

/**
 * At each write, until there are no more; then at those lines that none of these were, because what came in meanwhile is written too and
 * took their place.
 * @param strike whether the process ended
 */
async function strikeAll(
  all: readonly string[],
  seen: ReadonlySet<string>,
  strike: (at: Strike) => Promise<boolean>,
): Promise<void> {
  for (const when of ['before', 'after'] as const) {
    for (let write = 0; await strike({ write, when }); write++);
  }
  for (const [when, line] of all.filter((each) => !seen.has(each)).map((each) => each.split(' '))) {
    await strike({ write: 0, when: when as Death, ...(line !== undefined && { line }) });
  }
}

/** What a write was about. */
function lineOf(changes: Changes): string {
  const [key, value] = [...changes].find(([each]) => each.startsWith('outbox/')) ?? [];
  if (key === undefined) return changes.has('inbox') ? 'taken' : 'other';
  if (value === undefined) return 'accepted';
  return 'message' in JSON.parse(new TextDecoder().decode(value)) ? 'encrypted' : 'queued';
}

test('a message is heard once, whichever write the process of its sender ends with', { timeout: 60_000 }, async () => {
  const [alice, bob] = [await Person.signIn('alice'), await Person.signIn('bob')];
  const { conversation } = await alice.messenger.create('Once', [bob.messenger.device.user]);
  await alice.messenger.say(conversation, text('first'));
  await until(async () => (await bob.texts(conversation)).includes('first'), 'the first');
  const lines = new Set<string>();
  const wanted = ['first'];
  const all = ['queued', 'encrypted', 'accepted'].flatMap((line) => [`before ${line}`, `after ${line}`]);
  await strikeAll(all, lines, async (at) => {
    const said = `${at.when} ${at.line ?? at.write}`;
    const messages = await alice.messenger.messages(conversation);
    alice.arm(at);
    const isStored = await alice.messenger.say(conversation, text(said)).then(
      () => true,
      () => false,
    );
    await until(() => alice.vault.isDead || !messages.isSending, 'it ends, or all is sent');
    // Whatever was in the middle: nobody is told that it has failed.
    expect(fatesIn(messages)).not.toContain('failed');
    const { lastWrite } = alice.vault;
    const line = lastWrite && lineOf(lastWrite);
    if (line) lines.add(`${at.when} ${line}`);
    // One that was not reported as stored may be there all the same: then it is sent.
    if (isStored || (at.when === 'after' && line === 'queued')) wanted.push(said);
    await alice.start();
    expect(fatesIn(await alice.messenger.messages(conversation))).not.toContain('failed');
    await until(async () => !(await alice.messenger.messages(conversation)).isSending, 'all is sent');
    return line !== undefined;
  });
  await alice.messenger.say(conversation, text('last'));
  wanted.push('last');
  await until(async () => (await bob.texts(conversation)).includes('last'), 'the last');
  expect(await bob.texts(conversation)).toEqual(wanted);
  expect(await alice.texts(conversation)).toEqual(wanted);
  // Among them the one at which the hub has it and the device does not know.
  expect([...lines].filter((line) => all.includes(line)).sort()).toEqual(all.sort());
});

test('a report is told once, whichever write the process ends with that took the message', {
  timeout: 60_000,
}, async () => {
  const [carol, dave] = [await Person.signIn('carol'), await Person.signIn('dave')];
  const { conversation } = await carol.messenger.create('Told', [dave.messenger.device.user]);
  const lines = new Set<string>();
  let count = 0;
  const isDelivered = async (id: string) => {
    const { timeline } = await carol.messenger.messages(conversation);
    const message = timeline.message(id as never);
    return message && timeline.delivery(message, [dave.messenger.device.user]).state === 'delivered';
  };
  /** Which one of the messages of this device the last one was: all are reports. */
  const told = async () => {
    const number = await dave.disk.get(`number/${conversation}`);
    return number && new DataView(number.slice().buffer).getFloat64(0);
  };
  const all = ['taken', 'queued', 'encrypted', 'accepted'].flatMap((line) => [`before ${line}`, `after ${line}`]);
  await strikeAll(all, lines, async (at) => {
    await until(async () => {
      const outgoing = [...(await dave.disk.list('outbox/')), ...(await dave.disk.list('report/'))];
      return outgoing.length === 0;
    }, 'nothing is on its way');
    dave.arm(at);
    const id = await carol.messenger.say(conversation, text(`${at.when} ${at.line ?? at.write}`));
    count += 1;
    await until(async () => dave.vault.isDead || (await isDelivered(id)), 'it ends, or all is told');
    const isKnown = async () => dave.vault.isDead || (await dave.disk.list('outbox/')).size === 0;
    await until(isKnown, 'it ends, or knows that it is told');
    const { lastWrite } = dave.vault;
    if (lastWrite) lines.add(`${at.when} ${lineOf(lastWrite)}`);
    await dave.start();
    await until(() => isDelivered(id), 'it is told');
    return lastWrite !== undefined;
  });
  expect(await told()).toBe(count);
  expect([...lines].filter((line) => all.includes(line)).sort()).toEqual(all.sort());
});

test('that somebody writes is told in the next seconds or never, and stored nowhere', { timeout: 30_000 }, async () => {
  const [erin, frank] = [await Person.signIn('erin'), await Person.signIn('frank')];
  const { conversation } = await erin.messenger.create('Typing', [frank.messenger.device.user]);
  await erin.messenger.say(conversation, text('first'));
  await until(async () => (await frank.texts(conversation)).includes('first'), 'the first');
  const [own, other] = [await erin.messenger.messages(conversation), await frank.messenger.messages(conversation)];
  await until(() => !own.isSending, 'it is sent');
  own.tellTyping(true);
  expect(own.isSending).toBe(false);
  await until(() => other.typing.state.size === 1, 'it is told');
  own.tellTyping(false);
  await until(() => other.typing.state.size === 0, 'its end is told');
  await alpha.stop();
  await until(() => !erin.messenger.home.store.state.connected, 'it is noticed');
  own.tellTyping(true);
  await own.idle();
  expect((await erin.disk.list('outbox/')).size).toBe(0);
  await erin.messenger.say(conversation, text('second'));
  own.tellTyping(true);
  ahead = TYPING_EVERY;
  const seen: number[] = [];
  other.typing.subscribe(({ size }) => seen.push(size));
  await alpha.start();
  await until(() => !own.isSending, 'the second is sent');
  await own.idle();
  await erin.messenger.say(conversation, text('third'));
  await until(async () => (await frank.texts(conversation)).includes('third'), 'the third');
  expect(seen).not.toContain(1);
});
