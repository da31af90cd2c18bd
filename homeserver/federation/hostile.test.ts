/** A homeserver that lies in what it says: each lie is refused with a code, noted, and harms nobody else. */
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import { FEDERATION_PATHS, type FederationCall, type Statement } from '#signalling/federation.ts';
import { type Feed, type FeedEntry, MAX_FEED_LENGTH } from '#signalling/federation-feed.ts';
import type { ConferenceId, ConversationId, DeviceId, GroupId, ParticipantId } from '#signalling/ids.ts';
import { MAX_MESSAGE_BYTES } from '#signalling/queue.ts';
import { PASSWORD } from '../testing/organisation.ts';
import { ask, Person } from '../testing/person.ts';
import { makeSigner } from '../testing/signer.ts';
import { until, user } from '../testing/world.ts';
import { Hostile, MALLORY } from './testing/hostile.ts';

const MB = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;
const ROOM = `mimi://${MALLORY}/r/${'m'.repeat(22)}` as ConversationId;
const GROUP = `mimi://${MALLORY}/g/${'m'.repeat(22)}` as GroupId;
const conference = 'c'.repeat(22) as ConferenceId;

let hostile: Hostile;
let slow: { readonly socket: TLSSocket; readonly answer: Promise<string> };

beforeAll(async () => {
  hostile = await Hostile.begin();
  slow = await dribble();
}, 60_000);
afterAll(() => hostile[Symbol.asyncDispose]());

const path = (call: FederationCall, parameter: string) =>
  FEDERATION_PATHS[call].replace(/:[a-z]+$/, encodeURIComponent(parameter));
const isOfAlpha = 'alpha.example';
const text = (value: string) => toBase64Url(new TextEncoder().encode(value));

/** A request that is begun and goes on with a byte a second. */
async function dribble() {
  const socket = await hostile.double.raw(hostile.door);
  const answer = answerOf(socket);
  const timer = setInterval(() => socket.write(' '), 1_000);
  socket.once('close', () => clearInterval(timer));
  const head = ['content-type: application/json', 'content-length: 100000', 'host: alpha.example'];
  socket.write(`POST ${path('update', hostile.conversation)} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
  return { socket, answer };
}

/** All that comes until the connection ends. */
function answerOf(socket: TLSSocket): Promise<string> {
  let answer = '';
  socket.on('data', (data) => {
    answer += String(data);
  });
  return new Promise((resolve) => socket.once('close', () => resolve(answer)));
}

describe('in the name of others', () => {
  test('people and devices of other domains', async () => {
    const { conversation, alice, bob, mel } = hostile;
    const [device, thirds] = [alice.device.id, bob.device.id];
    const participant = 'p'.repeat(22) as ParticipantId;
    const presence = { type: 'presence', conference, seq: 1 };
    const commit = { id: 'of-another', commit: text('commit'), groupInfo: text('info') };
    const lies: [FederationCall, string, object][] = [
      ['update', conversation, { type: 'changeTitle', actor: alice.device.user, title: 'Stolen' }],
      ['update', conversation, { type: 'removeMember', actor: bob.device.user, user: alice.device.user }],
      ['update', conversation, { ...presence, participants: [{ participant, user: bob.device.user }] }],
      ['commit', conversation, { device: thirds, commit }],
      ['groupInfo', conversation, { device }],
      ['turn', conversation, { device: thirds }],
      ['keyMaterial', isOfAlpha, { by: bob.device.user, user: alice.device.user }],
      ['consent', isOfAlpha, { from: bob.device.user, to: alice.device.user, name: 'Bob', wants: true, seq: 9 }],
      ['search', isOfAlpha, { by: bob.device.user, text: 'alice' }],
      ['goneDevices', isOfAlpha, { devices: [mel.device.id, thirds] }],
    ];
    for (const lie of lies) expect([lie[0], await hostile.refusal(...lie)]).toEqual([lie[0], 'FED_FOREIGN']);
    const messages = [{ conversation, device: thirds, number: 77, message: text('I am Bob') }];
    const { body } = await hostile.say('submit', isOfAlpha, { messages });
    expect(body).toEqual({ results: [{ code: 'FED_FOREIGN' }] });
    await hostile.audited('FED_FOREIGN');
    const { title, members } = await aliceSees(conversation);
    expect([title, members.length]).toEqual(['Rigging', 3]);
    expect((await alice.group(conversation).loaded())?.members).toHaveLength(3);
  });

  test('a commit of somebody else’s device, which that device can still make', async () => {
    const { conversation, bob, mel } = hostile;
    const group = await bob.group(conversation).ready();
    const next = Number(group.epoch) + 1;
    const made = await group.commit({}, 'request-of-bob');
    const commit = { id: made.id, commit: toBase64Url(made.commit), groupInfo: toBase64Url(made.groupInfo) };
    expect(await hostile.refusal('commit', conversation, { device: mel.device.id, commit })).toBe('HOME_FORBIDDEN');
    await hostile.audited('HOME_FORBIDDEN');
    expect((await bob.api.commit(conversation, made)).epoch).toBe(next);
  });

  test('what its own devices never made', async () => {
    const { conversation, mel } = hostile;
    const commit = { id: 'of-nobody', commit: text('commit'), groupInfo: text('info') };
    const code = await hostile.refusal('commit', conversation, { device: mel.device.id, commit });
    expect(code).toMatch(/^MLS_/);
    await hostile.audited(code as ErrorCode);
    const unknown = `mimi://${MALLORY}/u/mel/d/${'x'.repeat(22)}` as DeviceId;
    const messages = [{ conversation, device: unknown, number: 1, message: text('no message') }];
    const { body } = await hostile.say('submit', isOfAlpha, { messages });
    expect(body).toEqual({ results: [{ code: expect.stringMatching(/^MLS_/) }] });
  });

  test('key packages of whoever blocks it, which look as if there was no device', async () => {
    const { alice, alpha, mel } = hostile;
    const claim = async () => {
      const { body } = await hostile.say('keyMaterial', isOfAlpha, { by: mel.device.user, user: alice.device.user });
      return (body as { keyPackages: unknown[] }).keyPackages.length;
    };
    expect(await claim()).toBe(1);
    const { accessToken } = await Person.signIn(alpha.url, 'alice', PASSWORD).then((person) => {
      person.close();
      return person.session;
    });
    const act = (operation: string) =>
      ask(alpha.url, 'POST', 'connections', undefined, { accessToken, body: { user: mel.device.user, operation } });
    await act('block');
    expect(await claim()).toBe(0);
    await act('unblock');
    expect(await claim()).toBe(1);
  });

  test('searches are counted, and end', async () => {
    const query = { by: user('@mel@mallory.example'), text: 'car' };
    const codes = new Set<string>();
    for (let asked = 0; asked < 40; asked += 1) codes.add(await hostile.refusal('search', isOfAlpha, query));
    expect(codes).toEqual(new Set(['ok', 'FED_LIMIT']));
    await hostile.audited('FED_LIMIT');
  });
});

const aliceSees = async (conversation: ConversationId) => {
  await hostile.alice.home.refresh();
  const found = hostile.alice.home.store.state.conversations.find((each) => each.conversation === conversation);
  if (!found) throw new Error('alice does not have it');
  return found;
};

describe('twice, and at other times', () => {
  test('a request again has no other effect, and another message under its number none at all', async () => {
    const { conversation, alice, bob, mel } = hostile;
    const group = await mel.group(conversation).loaded();
    if (!group) throw new Error('mel is not in the group');
    const say = async (words: string) => toBase64Url(await group.send(new TextEncoder().encode(words)));
    const [one, two] = [await say('one'), await say('two')];
    const submission = (message: string) => ({
      messages: [{ conversation, device: mel.device.id, number: 2, message }],
    });
    const at = Date.now();
    for (let again = 0; again < 3; again += 1) {
      const { body } = await hostile.say('submit', isOfAlpha, submission(one), { at });
      expect(body).toEqual({ results: [{ taken: true }] });
    }
    const { body } = await hostile.say('submit', isOfAlpha, submission(two));
    expect(body).toEqual({ results: [{ code: 'FED_EQUIVOCATED' }] });
    await hostile.audited('FED_EQUIVOCATED', 'equivocation');
    await alice.says(conversation, 'the end');
    await until(() => bob.heard.includes('the end'), 'bob hears all');
    expect(bob.heard.filter((words) => words !== 'the end')).toEqual(['all is well', 'one']);
  });

  test.each([-2 * DAY_MS, 2 * DAY_MS])('signed %i ms from now', async (ms) => {
    const body = { devices: [hostile.mel.device.id] };
    expect(await hostile.refusal('goneDevices', isOfAlpha, body, { at: Date.now() + ms })).toBe('FED_CLOCK');
    await hostile.audited('FED_CLOCK');
  });

  test('with a key that it does not publish', async () => {
    const { double } = hostile;
    const [known, keys] = [double.signer, await double.keys()];
    hostile.honest(({ path: asked }) => (asked === FEDERATION_PATHS.keys ? { status: 200, body: keys } : undefined));
    double.signer = makeSigner();
    const asked = double.asked.length;
    const refused = await Promise.all(
      Array.from({ length: 10 }, () =>
        hostile.refusal('search', isOfAlpha, { by: hostile.mel.device.user, text: 'x' }),
      ),
    );
    expect(new Set(refused)).toEqual(new Set(['FED_SIGNATURE']));
    // However often it tries, its keys are asked for once.
    expect(double.asked.slice(asked).filter((each) => each.path === FEDERATION_PATHS.keys).length).toBeLessThan(2);
    await hostile.audited('FED_SIGNATURE');
    double.signer = known;
    hostile.honest();
  });
});

describe('about its own conversations', () => {
  const statement = (more: Partial<Statement> = {}): Statement => ({
    ...{ conversation: ROOM, seq: 1, title: 'Trap', group: GROUP },
    members: [
      { user: user('@mel@mallory.example'), domain: hostile.mallory.domain, name: 'Mel', role: 'admin' },
      { user: hostile.alice.device.user, domain: hostile.alpha.domain, name: 'Root', role: 'member' },
    ],
    ...more,
  });
  const entry = (position: number, more: Partial<FeedEntry> = {}): FeedEntry => ({
    ...{ position, conversation: ROOM, group: GROUP, kind: 'message' as const, at: 1, payload: text(`${position}`) },
    ...{ sender: hostile.mel.device.id, id: `${position}` },
    ...more,
  });
  const feed = async (...entries: FeedEntry[]) => {
    const body: Feed = { order: 'of mallory', after: 0, statements: [], entries };
    return (await hostile.say('feed', isOfAlpha, body)).body;
  };

  test('states of others’ conversations, and of people under another name', async () => {
    const { alice, alpha, bob } = hostile;
    const [mel, self] = statement().members as [Statement['members'][number], Statement['members'][number]];
    const lies: Statement[] = [
      statement({ conversation: hostile.conversation, seq: 999 }),
      statement({ conversation: `mimi://beta.example/r/${'b'.repeat(22)}` as ConversationId }),
      statement({ members: [mel, self, { ...self, role: 'admin' }] }),
      statement({ members: [mel, { ...self, domain: mel.domain }] }),
      statement({
        call: { conference, anchor: alpha.domain, startedBy: alice.device.user, startedAt: 1, members: [] },
        members: [mel],
      }),
    ];
    for (const lie of lies) expect(await hostile.refusal('notify', lie.conversation, lie)).toMatch(/^FED_FOREIGN$/);
    expect((await aliceSees(hostile.conversation)).title).toBe('Rigging');

    const first = await hostile.say('notify', ROOM, statement());
    expect(first.body).toEqual({ seq: 1 });
    // Another state under the same number is none.
    expect((await hostile.say('notify', ROOM, statement({ title: 'Other' }))).body).toEqual({ seq: 1 });
    expect((await aliceSees(ROOM)).title).toBe('Trap');
    // What it calls her is heard in its own conversation alone.
    expect((await hostile.carol.find('@alice@alpha.example')).name).toBe('alice');
    expect((await aliceSees(hostile.conversation)).members.map(({ name }) => name)).not.toContain('Root');
    expect(bob.troubles).toEqual([]);
  });

  test('entries of others’ groups, for others’ devices and for none, are dropped and hold nothing', async () => {
    const { alice, bob, conversation } = hostile;
    const group = (await aliceSees(conversation)).group as GroupId;
    const nobody = `${alice.device.user}/d/${'n'.repeat(22)}` as DeviceId;
    const [before, tomorrow] = [alice.entries.length, Date.now() + DAY_MS];
    const commit = { kind: 'commit' as const, id: 'of-mallory' };
    const received = await feed(
      entry(1, { conversation, group }),
      entry(2, { group: `mimi://beta.example/g/${'b'.repeat(22)}` as GroupId }),
      entry(3, { ...commit, joined: [bob.device.id] }),
      entry(4, { ...commit, joined: [nobody] }),
      entry(5, { ...commit, joined: [alice.device.id], left: [bob.device.id] }),
      entry(6, { ...commit, joined: [alice.device.id], welcome: text('no welcome') }),
      entry(7, { id: 'no number' }),
      entry(8, { ...commit, joined: [alice.device.id] }),
      entry(9, { at: tomorrow }),
      entry(9, { payload: text('another') }),
      entry(10, { at: tomorrow }),
    );
    expect(received).toEqual({ received: 10 });
    await hostile.audited('FED_FOREIGN', 'dropped');
    await hostile.audited('FED_EQUIVOCATED', 'equivocation');
    const delivered = await until(() => {
      const fresh = alice.entries.slice(before).filter((each) => each.group === GROUP);
      return fresh.length >= 2 && fresh;
    }, 'what is left');
    expect(delivered.map(({ payload }) => payload)).toEqual(['9', '10'].map(text));
    for (const { at } of delivered) expect(at).toBeLessThanOrEqual(Date.now());
    // Later too: what was taken stands.
    expect(await feed(entry(9, { payload: text('a third') }))).toEqual({ received: 10 });
    expect(alice.entries.filter((each) => each.group === GROUP)).toHaveLength(2);
  });

  test('other orders, as many as it likes', async () => {
    const orders = Array.from({ length: 30 }, (_, index) => `order ${index}`);
    for (const order of orders) {
      const body: Feed = { order, after: 0, statements: [], entries: [entry(1, { kind: 'proposal' })] };
      expect((await hostile.say('feed', isOfAlpha, body)).body).toEqual({ received: 1 });
    }
  });
});

describe('what is too much', () => {
  /** Of this process, in which all of them are. */
  const memory = () => process.memoryUsage().rss;

  test('messages of the largest size, nesting, and other kinds of content', async () => {
    const { conversation, mel } = hostile;
    const message = 'A'.repeat((MAX_MESSAGE_BYTES / 3) * 4);
    const messages = Array.from({ length: 256 }, (_, index) => ({
      ...{ conversation, device: mel.device.id, number: 100 + index, message },
    }));
    const many = await hostile.refusal('submit', isOfAlpha, { messages }).catch(() => 'closed');
    expect(['SIG_TOO_LARGE', 'closed']).toContain(many);
    await hostile.audited('SIG_TOO_LARGE');
    const deep = { text: '['.repeat(100_000) };
    expect(await hostile.refusal('update', conversation, {}, deep)).toBe('SIG_TOO_DEEP');
    const xml = { headers: { 'content-type': 'application/xml' }, text: '<a/>' };
    expect(await hostile.refusal('update', conversation, {}, xml)).toBe('HOME_BAD_REQUEST');
    await hostile.audited('SIG_TOO_DEEP');
    await hostile.audited('HOME_BAD_REQUEST');
  });

  test.each(['with its length', 'in chunks'])('a gigabyte %s: cut early', { timeout: 30_000 }, async (how) => {
    const socket = await hostile.double.raw(hostile.door);
    const answer = answerOf(socket);
    const before = memory();
    const length = how === 'in chunks' ? 'transfer-encoding: chunked' : `content-length: ${1024 * MB}`;
    socket.write(
      `POST ${path('update', hostile.conversation)} HTTP/1.1\r\nhost: alpha.example\r\ncontent-type: application/json\r\n${length}\r\n\r\n`,
    );
    const part = Buffer.alloc(64 * 1024, ' ');
    let sent = 0;
    while (!socket.destroyed && sent < 1024 * MB) {
      if (how === 'in chunks') socket.write(`${part.length.toString(16)}\r\n`);
      const isRoom = socket.write(how === 'in chunks' ? Buffer.concat([part, Buffer.from('\r\n')]) : part);
      sent += part.length;
      if (!isRoom) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), answer]);
    }
    expect(await answer).toMatch(/^(HTTP\/1.1 413 |$)/);
    expect(sent).toBeLessThan(32 * MB);
    expect(memory() - before).toBeLessThan(150 * MB);
  });

  test('feeds of the full size, as fast as it can: so many bytes a second, and the others are served', {
    timeout: 90_000,
  }, async () => {
    const entry = (payload: string) => ({
      ...{ position: 1, conversation: ROOM, group: GROUP, kind: 'message', at: 1, payload },
      ...{ sender: hostile.mel.device.id, id: '1' },
    });
    const feed = (payload: string) => ({ order: 'flood', after: 0, statements: [], entries: [entry(payload)] });
    // Written once: whoever floods has more time than this process.
    const full = JSON.stringify(feed('A'.repeat(MAX_FEED_LENGTH)));
    const lines = async () => {
      const response = await fetch(`${hostile.alpha.admin}/admin/v1/audit?last=200`);
      const { lines } = (await response.json()) as { lines: { domain?: string; code?: string }[] };
      return lines.filter(({ domain, code }) => domain === MALLORY && code === 'FED_LIMIT').length;
    };
    let accepted = 0;
    const waits = new Set<string | undefined>();
    const codes = new Set<string>();
    const before = await lines();
    const begin = performance.now();
    // Where everything is slow it takes longer until it is too much.
    const isOver = () => performance.now() - begin > (codes.has('FED_LIMIT') ? 4_000 : 40_000);
    const flood = async () => {
      while (!isOver()) {
        const { status, body: answer, headers } = await hostile.say('feed', isOfAlpha, {}, { text: full });
        if (status === 200) accepted += full.length;
        else codes.add((answer as { code: string }).code);
        if (status === 429) waits.add(headers?.['retry-after']);
      }
    };
    const { answered } = await hostile.meanwhile(Promise.all([flood(), flood()]));
    const seconds = (performance.now() - begin) / 1_000;
    expect(codes).toContain('FED_LIMIT');
    expect([...waits].every((wait) => wait === undefined || Number(wait) >= 1)).toBe(true);
    expect([...waits].some((wait) => wait !== undefined)).toBe(true);
    // A burst of two seconds, and the two requests that came in with the last of it.
    expect(accepted).toBeLessThan((6 + 3 * seconds + 3) * MB);
    expect(accepted).toBeGreaterThan(4 * MB);
    // The first may have been before it was too much.
    expect(answered).toBeGreaterThan(1);
    expect((await lines()) - before).toBeLessThan(3);
    // Whoever waits as long as it is told goes on.
    const status = async () => (await hostile.say('feed', isOfAlpha, feed('A'))).status;
    await until(async () => (await status()) === 200, 'it is heard again', 10_000);
  });

  test('more in one feed than one may carry, unless it is a single entry', async () => {
    const entry = (position: number): FeedEntry => ({
      ...{ position, conversation: ROOM, group: GROUP, kind: 'message', at: 1 },
      ...{ payload: 'A'.repeat(MAX_FEED_LENGTH / 2 + 4), sender: hostile.mel.device.id, id: `${position}` },
    });
    const said = (entries: FeedEntry[]) => () =>
      hostile.refusal('feed', isOfAlpha, { order: 'too long', after: 0, statements: [], entries });
    const decided = (say: () => Promise<string>) =>
      until(
        async () => {
          const code = await say();
          return code === 'FED_LIMIT' ? undefined : code;
        },
        'it is not too fast',
        10_000,
      );
    expect(await decided(said([entry(1), entry(2)]))).toBe('SIG_TOO_LARGE');
    expect(await decided(said([entry(1)]))).toBe('ok');
  });

  test('two lengths for one body', async () => {
    for (const lengths of [
      'content-length: 4\r\ncontent-length: 40',
      'content-length: 4\r\ntransfer-encoding: chunked',
    ]) {
      const socket = await hostile.double.raw(hostile.door);
      const answer = answerOf(socket);
      socket.write(
        `POST ${path('update', hostile.conversation)} HTTP/1.1\r\nhost: alpha.example\r\n${lengths}\r\n\r\n{}{}GET ${FEDERATION_PATHS.versions} HTTP/1.1\r\nhost: a\r\n\r\n`,
      );
      expect((await answer).match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 400']);
    }
  });

  test('requests without end: refused, and the others are served', { timeout: 60_000 }, async () => {
    const flood = async () => {
      const codes = new Set<string>();
      // A slow machine has to ask for longer until it is too much.
      const end = performance.now() + 40_000;
      const isOver = (asked: number) => asked >= 30 && (codes.has('FED_LIMIT') || performance.now() > end);
      const ask = async () => {
        for (let asked = 0; !isOver(asked); asked += 1) {
          // A handshake that takes too long because of all the others is cut off.
          codes.add(await hostile.refusal('versions', '').catch(() => 'closed'));
        }
      };
      await Promise.all(Array.from({ length: 96 }, ask));
      return codes;
    };
    const { result, answered } = await hostile.meanwhile(flood());
    result.delete('closed');
    expect(result).toEqual(new Set(['ok', 'FED_LIMIT']));
    // The first may have been before it was too much.
    expect(answered).toBeGreaterThan(1);
  });

  test('a byte a second ends too', { timeout: 40_000 }, async () => {
    expect(await slow.answer).toMatch(/^HTTP\/1.1 408 /);
    await hostile.audited('SIG_TIMEOUT');
  });

  test('nothing of all this was a fault', () => {
    const { alpha, beta } = hostile;
    expect([...alpha.logged, ...beta.logged].filter((line) => line.includes('"msg":"fault"'))).toEqual([]);
  });
});
