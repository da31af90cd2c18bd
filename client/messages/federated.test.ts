/** What people of three organisations say to each other, on devices that are whole: everybody has all of it, once, in one order. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LossyLink } from '#homeserver/testing/lossy-link.ts';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { Claimed } from '#signalling/devices.ts';
import { type ConferenceId, type ConversationId, domainOf } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import type { Attachment, Content } from '../content/content.ts';
import { mentionOf } from '../content/mentions.ts';
import type { MessageId } from '../content/message-id.ts';
import { callUrl } from '../content/session.ts';
import { IncomingFiles } from '../files/incoming-files.ts';
import { OutgoingFiles } from '../files/outgoing-files.ts';
import { Messenger } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';

const LONG = { timeout: 90_000 };
const CONFERENCE = 'c'.repeat(22) as ConferenceId;
let world: World;
let alpha: Organisation;
let beta: Organisation;
let gamma: Organisation;
const faults: unknown[] = [];
const devices: Device[] = [];
const made = new Set<string>();

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example', 'gamma.example');
  [alpha, beta, gamma] = world.organisations as [Organisation, Organisation, Organisation];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const { messenger } of devices.splice(0)) messenger.close();
  expect(faults.splice(0)).toEqual([]);
});

class Device {
  readonly account: Account;
  readonly messenger: Messenger;

  constructor(account: Account, messenger: Messenger) {
    this.account = account;
    this.messenger = messenger;
  }

  static async open(organisation: Organisation, handle: string, vault = new MemoryVault()): Promise<Device> {
    const name = `${handle}@${organisation.domain}`;
    if (!made.has(name)) await organisation.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    made.add(name);
    const account = new Account(organisation.url);
    await account.signIn(handle, PASSWORD);
    const onFault = (error: unknown) => void faults.push(error);
    const device = new Device(account, await Messenger.open({ account, vault, deviceName: 'Test', onFault }));
    devices.push(device);
    await until(() => device.messenger.home.store.state.connected, `${name} is connected`);
    return device;
  }

  get user() {
    return this.messenger.device.user;
  }

  in(conversation: ConversationId) {
    return this.messenger.messages(conversation);
  }

  say(conversation: ConversationId, words: string): Promise<MessageId> {
    return this.messenger.say(conversation, message(words));
  }

  /** What is shown of what people said: one line a message. */
  async shown(conversation: ConversationId): Promise<string[]> {
    const { timeline } = await this.in(conversation);
    return timeline.items({ limit: 1_000 }).flatMap((item) => {
      if (item.kind === 'notice') return [];
      if (item.kind !== 'message') return [`(${item.kind}: ${item.reason})`];
      const words = item.body?.kind === 'text' ? item.body.text.text : (item.body?.kind ?? item.state);
      const reactions = item.reactions.map(({ emoji, users }) => ` ${emoji}${users.length}`).join('');
      const edited = item.versions.length > 0 ? ' (edited)' : '';
      return [`${words}${edited}${reactions}${item.sending ? ` (${item.sending.state})` : ''}`];
    });
  }

  knows(conversation: ConversationId) {
    const { store } = this.messenger.home;
    return store.state.conversations.find((each) => each.conversation === conversation);
  }

  async inGroup(conversation: ConversationId): Promise<string[]> {
    const group = await (await this.in(conversation)).group.loaded();
    return group?.isMember ? group.members.map(({ identity }) => identity.device) : [];
  }
}

const text = (words: string) => ({ kind: 'text', text: { format: 'plain', text: words } }) as const;
const message = (words: string): Content => ({ kind: 'message', body: text(words) });
const joined = (conversation: ConversationId, ...all: Device[]) =>
  until(
    async () => {
      const seen = await Promise.all(all.map((each) => each.inGroup(conversation)));
      return seen.every((members) => all.every(({ messenger }) => members.includes(messenger.device.id)));
    },
    'all are in the group',
    30_000,
  );
/** Each shows these, in this order. */
async function show(conversation: ConversationId, lines: readonly string[], ...all: Device[]): Promise<void> {
  let seen: string[][] = [];
  const agree = async () => {
    seen = await Promise.all(all.map((each) => each.shown(conversation)));
    return seen.every((each) => JSON.stringify(each) === JSON.stringify(lines));
  };
  await until(agree, 'all show it', 30_000).catch(() => expect(seen).toEqual(all.map(() => lines)));
}
let count = 0;
/** Other people each time: what was left open before is none of theirs. Alice is of the hub, the others of the next two. */
async function gather(hub = alpha) {
  count += 1;
  const organisations = [alpha, beta, gamma];
  const at = (step: number) => organisations[(organisations.indexOf(hub) + step) % organisations.length] ?? hub;
  const [alice, bob, phone, carol] = [
    await Device.open(at(0), `alice${count}`),
    await Device.open(at(1), `bob${count}`),
    await Device.open(at(1), `bob${count}`),
    await Device.open(at(2), `carol${count}`),
  ];
  const { conversation } = await alice.messenger.create('Rigging', [bob.user, carol.user]);
  const all = [alice, bob, phone, carol];
  await joined(conversation, ...all);
  return { alice, bob, phone, carol, conversation, all };
}
const away = (organisation: Organisation, from: Device) =>
  until(() => from.messenger.home.store.state.organisations.has(organisation.domain), 'it is away', 30_000);

test.each(['alpha.example', 'beta.example', 'gamma.example'])(
  'what is said, changed, taken back, received and read is the same on all devices; the hub is %s',
  LONG,
  async (name) => {
    const hub = [alpha, beta, gamma].find(({ domain }) => domain === name);
    const { alice, bob, phone, carol, conversation, all } = await gather(hub);
    expect(domainOf(conversation)).toBe(name);
    const one = await alice.say(conversation, 'one');
    await show(conversation, ['one'], ...all);
    const two = await bob.say(conversation, 'two');
    await show(conversation, ['one', 'two'], ...all);
    const three = await carol.say(conversation, 'three');
    await show(conversation, ['one', 'two', 'three'], ...all);
    await bob.messenger.say(conversation, { kind: 'edit', target: two, body: text('2') });
    await phone.messenger.say(conversation, { kind: 'reaction', target: one, emojis: ['⚓'] });
    await carol.messenger.say(conversation, { kind: 'reaction', target: one, emojis: ['⚓'] });
    await carol.messenger.say(conversation, { kind: 'delete', target: three });
    await show(conversation, ['one ⚓2', '2 (edited)', 'deleted'], ...all);
    const his = await bob.in(conversation);
    for (const each of [alice, carol]) {
      const { typing } = await each.in(conversation);
      // Where something else of his waits for longer, nothing is told: whoever writes on says so again.
      const again = setInterval(() => his.tellTyping(true), 500);
      await until(() => typing.state.has(bob.user), 'it is seen that he writes', 20_000).finally(() =>
        clearInterval(again),
      );
    }
    const delivery = async () => {
      const { timeline } = await alice.in(conversation);
      return timeline.delivery(timeline.message(one) ?? expect.fail(), [bob.user, carol.user]);
    };
    await until(async () => JSON.stringify(await delivery()).includes('"delivered":2'), 'both got it', 20_000);
    await (await bob.in(conversation)).read(two);
    await until(async () => JSON.stringify(await delivery()).includes('"read":1'), 'bob read it', 20_000);
    const unread = async () => (await phone.in(conversation)).timeline.unread().messages;
    await until(async () => (await unread()) === 0, 'the other device knows', 20_000);
  },
);

test('each other kind of message is read over there, whoever says it', LONG, async () => {
  const { alice, bob, carol, conversation } = await gather();
  const first = await alice.say(conversation, 'first');
  await show(conversation, ['first'], alice, bob, carol);
  const marked = (markdown: string): Content => ({
    kind: 'message',
    body: { kind: 'text', text: { format: 'markdown', text: markdown } },
  });
  const tomorrow = Math.floor(Date.now() / 1_000) + 86_400;
  const call = { kind: 'session', url: callUrl(conversation, CONFERENCE), description: 'Muster' } as const;
  const kinds = (to: Device): Record<string, { said: Content; seen: object }> => ({
    reply: {
      said: { kind: 'message', body: text('aye'), replyTo: first },
      seen: { body: text('aye'), quote: { state: 'shown', sender: alice.user, excerpt: 'first', changed: false } },
    },
    mention: { said: marked(mentionOf(to.user)), seen: { mentionsMe: true } },
    everybody: { said: marked(`[all](${conversation})`), seen: { mentionsMe: true } },
    ping: { said: { kind: 'message', body: { kind: 'ping' } }, seen: { body: { kind: 'ping' }, mentionsMe: false } },
    untilThen: {
      said: { kind: 'message', body: text('until then'), expires: { at: tomorrow } },
      seen: { body: text('until then'), expiresAt: tomorrow * 1_000 },
    },
    onceRead: {
      said: { kind: 'message', body: text('burn this'), expires: { after: 1 } },
      seen: { state: 'expired' },
    },
    invitation: { said: { kind: 'message', body: call }, seen: { body: { ...call, conference: CONFERENCE } } },
    elsewhere: {
      said: { kind: 'message', body: { ...call, url: 'https://meet.example/muster' } },
      seen: { body: { ...call, url: 'https://meet.example/muster' } },
    },
  });
  for (const [from, to] of [
    [bob, alice],
    [alice, bob],
    [carol, bob],
  ] as const) {
    const reader = await to.in(conversation);
    for (const [kind, { said, seen }] of Object.entries(kinds(to))) {
      const id = await from.messenger.say(conversation, said);
      const item = () => reader.timeline.items().find((each) => each.kind === 'message' && each.id === id);
      await until(item, `${kind} of ${from.user} came`, 20_000);
      await reader.read(id);
      // Whoever shows a conversation lets vanish in it what is over.
      const look = () => reader.expire().then(item);
      await expect.poll(look, { timeout: 20_000, message: kind }).toMatchObject({ sender: from.user, ...seen });
    }
  }
});

test('files go both ways', LONG, async () => {
  const { alice, bob, conversation } = await gather();
  const filesOf = async (device: Device) => {
    const { timeline } = await device.in(conversation);
    return timeline.items({ limit: 100 }).flatMap((item): readonly Attachment[] => {
      return item.kind === 'message' && item.body?.kind === 'attachments' ? item.body.attachments : [];
    });
  };
  for (const [from, to, words] of [
    [alice, bob, 'from alpha'],
    [bob, alice, 'from beta'],
  ] as const) {
    const before = (await filesOf(to)).length;
    const outgoing = new OutgoingFiles({ ...from, preview: async () => undefined });
    outgoing.send(conversation, [new File([words], 'words.txt', { type: 'text/plain' })]);
    await until(async () => (await filesOf(to)).length > before, 'it is told of', 20_000);
    const file = (await filesOf(to)).at(-1) ?? expect.fail();
    expect(domainOf(file.asset)).toBe(domainOf(from.user));
    const incoming = new IncomingFiles(to.account);
    const fetched = await incoming.fetch(file, file.name);
    expect(fetched.state === 'here' && (await fetched.blob.text())).toBe(words);
    outgoing.close();
    incoming.close();
  }
});

test('an administrator of another organisation adds, takes out, and goes', LONG, async () => {
  const { alice, bob, phone, carol, conversation } = await gather();
  const dave = await Device.open(gamma, 'dave');
  await alice.messenger.changeRole(conversation, bob.user, 'admin');
  await until(() => bob.knows(conversation)?.members.find(({ user }) => user === bob.user)?.role === 'admin', 'he may');
  await bob.messenger.addMember(conversation, dave.user);
  await joined(conversation, alice, bob, phone, carol, dave);
  await dave.say(conversation, 'aboard');
  await show(conversation, ['aboard'], alice, bob, phone, carol, dave);
  await bob.messenger.removeMember(conversation, carol.user);
  await until(() => carol.knows(conversation) === undefined, 'she knows', 20_000);
  const isOut = async () => !(await alice.inGroup(conversation)).includes(carol.messenger.device.id);
  await until(isOut, 'her keys are out', 20_000);
  await dave.say(conversation, 'without her');
  await show(conversation, ['aboard', 'without her'], alice, bob, phone, dave);
  expect(await carol.shown(conversation)).toEqual(['aboard']);
  await bob.messenger.leave(conversation);
  const areLeft = async () => (await dave.inGroup(conversation)).length === 2;
  await until(areLeft, 'both of his devices are out', 20_000);
  await alice.say(conversation, 'and him');
  await show(conversation, ['aboard', 'without her', 'and him'], alice, dave);
});

test('somebody of another organisation makes the group, and his device reads what is said in it', LONG, async () => {
  const [alice, bob] = [await Device.open(alpha, 'amir'), await Device.open(beta, 'bela')];
  const { conversation } = await alice.messenger.home.createConversation('Rigging', [bob.user]);
  await until(() => bob.knows(conversation), 'it is told of');
  await bob.say(conversation, 'one');
  await show(conversation, ['one'], bob);
  await (await alice.in(conversation)).group.ready();
  await joined(conversation, alice, bob);
  await alice.say(conversation, 'two');
  await show(conversation, ['one', 'two'], bob);
});

test('a device that comes later joins, and reads from then on', LONG, async () => {
  const { alice, bob, phone, carol, conversation } = await gather();
  await alice.say(conversation, 'before');
  await show(conversation, ['before'], alice, bob, carol);
  // Their receipts are of before too, and could come after it has joined.
  for (const each of [bob, phone, carol]) await each.messenger.idle();
  const tablet = await Device.open(beta, `bob${count}`);
  await (await tablet.in(conversation)).group.ready();
  await joined(conversation, alice, bob, carol, tablet);
  await alice.say(conversation, 'after');
  await show(conversation, ['before', 'after'], alice, bob, carol);
  await show(conversation, ['after'], tablet);
});

test('what is written while the hub is down waits, is shown so, and arrives everywhere in order', LONG, async () => {
  const { alice, bob, phone, carol, conversation } = await gather();
  await alpha.stop();
  for (const words of ['one', 'two', 'three']) await bob.say(conversation, words);
  await show(conversation, ['one (waiting)', 'two (waiting)', 'three (waiting)'], bob);
  expect(await phone.shown(conversation)).toEqual([]);
  await away(alpha, bob);
  (await bob.in(conversation)).tellTyping(true);
  await bob.messenger.idle();
  await alpha.start();
  await show(conversation, ['one', 'two', 'three'], alice, bob, phone, carol);
  expect((await alice.in(conversation)).typing.state.size).toBe(0);
  await phone.say(conversation, 'four');
  await show(conversation, ['one', 'two', 'three', 'four'], alice, bob, phone, carol);
});

test('what is written while a follower is down comes when it is back', LONG, async () => {
  const { alice, bob, phone, carol, conversation } = await gather();
  await beta.stop();
  for (const words of ['one', 'two', 'three']) await alice.say(conversation, words);
  await show(conversation, ['one', 'two', 'three'], alice, carol);
  await carol.say(conversation, 'four');
  await show(conversation, ['one', 'two', 'three', 'four'], alice, carol);
  await beta.start();
  await show(conversation, ['one', 'two', 'three', 'four'], alice, bob, phone, carol);
});

test('devices of both sides that commit at once all get their turn', LONG, async () => {
  const { alice, bob, phone, carol, conversation, all } = await gather();
  await Promise.all(all.map(async (each) => (await each.in(conversation)).group.update()));
  await Promise.all(all.map((each, index) => each.say(conversation, `from ${index}`)));
  await until(
    async () => (await alice.shown(conversation)).every((line) => !line.includes('(')),
    'all are sent',
    30_000,
  );
  await until(async () => (await alice.shown(conversation)).length === 4, 'all came', 30_000);
  await show(conversation, await alice.shown(conversation), alice, bob, phone, carol);
});

test('a device that is removed at its own homeserver is taken out at the hub', LONG, async () => {
  const { alice, bob, phone, conversation } = await gather();
  const { id } = phone.messenger.device;
  phone.messenger.close();
  await bob.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(id)}` });
  await until(async () => !(await alice.inGroup(conversation)).includes(id), 'it is out', 20_000);
  await alice.say(conversation, 'without it');
  await show(conversation, ['without it'], alice, bob);
});

test('whoever is blocked gets no key packages of another organisation, and is not told why', LONG, async () => {
  const [mallory, ben] = [await Device.open(alpha, 'mallory'), await Device.open(beta, 'ben')];
  const claim = async () => {
    const body = { user: ben.user };
    const call = { method: 'POST', path: 'key-packages/claim', body, answer: Claimed } as const;
    return (await mallory.account.call(call)).keyPackages.length;
  };
  expect(await claim()).toBe(1);
  const body = { user: mallory.user, operation: 'block' };
  await ben.account.call({ method: 'POST', path: 'connections', body });
  expect(await claim()).toBe(0);
});

test(
  'who was put out when the organisations parted is in again, on all devices, when he is let in anew',
  LONG,
  async () => {
    const { alice, bob, phone, carol, conversation } = await gather();
    await alice.say(conversation, 'before');
    await show(conversation, ['before'], alice, bob, phone, carol);
    await alpha.allow({ organisation: beta, state: 'blocked' }, gamma);
    const isOut = async () => (await alice.inGroup(conversation)).length === 2;
    await until(isOut, 'his devices are out', 30_000);
    await alice.say(conversation, 'without him');
    await show(conversation, ['before', 'without him'], alice, carol);
    await alpha.allow(beta, gamma);
    await until(() => bob.knows(conversation) === undefined, 'he is told', 30_000);
    const notices = async (device: Device) =>
      (await device.in(conversation)).timeline.items({ limit: 100 }).filter(({ kind }) => kind === 'notice').length;
    await until(async () => (await notices(bob)) > 0 && (await notices(phone)) > 0, 'his devices are told', 30_000);
    await until(
      () =>
        alice.messenger.addMember(conversation, bob.user).then(
          () => true,
          () => false,
        ),
      'he may come',
      30_000,
    );
    await joined(conversation, alice, bob, phone, carol);
    await alice.say(conversation, 'again');
    await show(conversation, ['before', 'without him', 'again'], alice, carol);
    await show(conversation, ['before', 'again'], bob, phone);
    await phone.say(conversation, 'aye');
    await show(conversation, ['before', 'again', 'aye'], bob, phone);
  },
);

test(
  'where answers are lost on the way to the hub and back, nothing is lost, said twice or turned round',
  LONG,
  async () => {
    await using there = await LossyLink.open(alpha.site.homeserver.federation.address);
    await using back = await LossyLink.open(beta.site.homeserver.federation.address);
    await beta.allow({ organisation: alpha, homeserver: there.address }, gamma);
    await alpha.allow({ organisation: beta, homeserver: back.address }, gamma);
    try {
      const { alice, bob, phone, carol, conversation } = await gather();
      const all = [alice, bob, phone, carol];
      const words: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        there.isLosing = true;
        await bob.say(conversation, `bob ${round}`);
        back.isLosing = true;
        await bob.say(conversation, `bob ${round} again`);
        await bob.messenger.idle();
        there.isLosing = false;
        back.isLosing = false;
        words.push(`bob ${round}`, `bob ${round} again`);
        await show(conversation, words, ...all);
        back.isLosing = true;
        await alice.say(conversation, `alice ${round}`);
        words.push(`alice ${round}`);
        await show(conversation, words, alice, carol);
        back.isLosing = false;
        await show(conversation, words, ...all);
      }
    } finally {
      await beta.allow(alpha, gamma);
      await alpha.allow(beta, gamma);
    }
  },
);
