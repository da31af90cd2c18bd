/** Files from one device to another by a real homeserver; what is said about them is kept in the test. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { HawserError } from '#signalling/errors.ts';
import type { AssetId, ConversationId, DomainName } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import type { Attachment, Content } from '../content/content.ts';
import type { MessageId } from '../content/message-id.ts';
import { EMPTY_HOME, type HomeState } from '../home-state.ts';
import { Store } from '../store.ts';
import { IncomingFiles } from './incoming-files.ts';
import { OutgoingFiles, type OutgoingFilesOptions } from './outgoing-files.ts';

const ROOM = 'mimi://alpha.example/r/0123456789abcdef' as ConversationId;
const ALPHA = 'alpha.example' as DomainName;
let world: World;
let account: Account;
const closing: { close(): void }[] = [];

beforeAll(async () => {
  world = await organise(ALPHA);
  const [alpha] = world.organisations;
  if (!alpha) throw new Error('one organisation');
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  account = new Account(alpha.url);
  await account.signIn('alice', PASSWORD);
});
afterAll(async () => {
  account[Symbol.dispose]();
  await world[Symbol.asyncDispose]();
});
afterEach(() => {
  for (const each of closing.splice(0)) each.close();
});

interface Given {
  readonly account?: OutgoingFilesOptions['account'];
  readonly preview?: OutgoingFilesOptions['preview'];
}

function sender({ preview = async () => undefined, ...rest }: Given = {}) {
  const store = new Store<HomeState>({ ...EMPTY_HOME, connected: true });
  const said: Content[] = [];
  const messenger = {
    home: { store },
    say: async (_: ConversationId, content: Content) => {
      said.push(content);
      return 'id' as MessageId;
    },
  } as unknown as OutgoingFilesOptions['messenger'];
  const outgoing = new OutgoingFiles({ account: rest.account ?? account, messenger, preview });
  closing.push(outgoing);
  return { outgoing, said, home: store };
}

/** The account, with answers of its own for some calls. */
function withAnswer(answer: (path: string) => void): OutgoingFilesOptions['account'] {
  return {
    call: async (call) => {
      answer(call.path);
      return account.call(call);
    },
    callRaw: (call) => account.callRaw(call),
  };
}

const attachmentsIn = ([content]: readonly Content[]): readonly Attachment[] =>
  content?.kind === 'message' && content.body.kind === 'attachments' ? content.body.attachments : [];
const bytesOf = async (blob: Blob) => Buffer.from(await blob.arrayBuffer());

test('files go out as one message when all of them are there, and come as they were', async () => {
  const small = new Blob([randomBytes(900)], { type: 'image/jpeg' });
  const { outgoing, said } = sender({ preview: async () => ({ width: 1_600, height: 900, image: small }) });
  const picture = new File([randomBytes(600_000)], '../har\u202ebour.jpg', { type: 'image/jpeg' });
  const drawing = new File(['<svg/>'], 'drawing.svg', { type: 'image/svg+xml' });
  const caption = { format: 'markdown', text: 'look' } as const;
  outgoing.send(ROOM, [picture, drawing], { caption });
  expect(outgoing.store.state).toMatchObject([{ conversation: ROOM, names: ['harbour.jpg', 'drawing.svg'] }]);
  await until(() => said.length === 1, 'it is said');
  expect(outgoing.store.state).toEqual([]);
  const [first, second] = attachmentsIn(said);
  if (!first || !second) throw new Error('two files');
  expect(said[0]).toMatchObject({ body: { caption } });
  expect(first).toMatchObject({ name: 'harbour.jpg', inline: true, picture: { width: 1_600, height: 900 } });
  // Whatever the system calls it: what can hold a program is no picture.
  expect(second).toMatchObject({ inline: false });
  expect(second.picture).toBeUndefined();
  const incoming = new IncomingFiles(account);
  closing.push(incoming);
  const fetched = await Promise.all([incoming.fetch(first, first.name), incoming.fetch(first, first.name)]);
  expect(fetched[0]).toBe(fetched[1]);
  if (fetched[0]?.state !== 'here' || !first.picture?.preview) throw new Error('it is here');
  expect(await bytesOf(fetched[0].blob)).toEqual(await bytesOf(picture));
  const preview = await incoming.fetch(first.picture.preview, '');
  expect(preview.state === 'here' && (await bytesOf(preview.blob))).toEqual(await bytesOf(small));
  const svg = await incoming.fetch(second, second.name);
  expect(svg.state === 'here' && svg.blob.type).toBe('application/octet-stream');
});

test('a picture goes out without what was said in it; one that is broken is a file, and goes as it is', async () => {
  const looked: number[] = [];
  const { outgoing, said } = sender({
    preview: async ({ size }) => {
      looked.push(size);
      return { width: 8, height: 8 };
    },
  });
  const pixels = Buffer.from('ffc00002ffda0002010203ffd9', 'hex');
  const place = Buffer.concat([Buffer.from('ffe10011', 'hex'), Buffer.from('59.9 N, 10.7 E.')]);
  const whole = [Buffer.from('ffd8', 'hex'), place, pixels];
  const type = { type: 'image/jpeg' };
  outgoing.send(ROOM, [new File(whole, 'a.jpg', type), new File(whole.slice(0, 2), 'b.jpg', type)]);
  await until(() => said.length === 1, 'it is said');
  const [first, second] = attachmentsIn(said);
  if (!first || !second) throw new Error('two files');
  expect([first.inline, second.inline, looked]).toEqual([true, false, [pixels.length + 2]]);
  const incoming = new IncomingFiles(account);
  closing.push(incoming);
  const [bare, broken] = [await incoming.fetch(first, 'a.jpg'), await incoming.fetch(second, 'b.jpg')];
  expect(bare.state === 'here' && (await bytesOf(bare.blob)).toString('hex')).toBe(`ffd8${pixels.toString('hex')}`);
  expect(broken.state === 'here' && (await bytesOf(broken.blob)).toString()).toContain('59.9 N');
});

test('what failed goes on by itself when the connection is back, and is not sent again', async () => {
  let failures = 1;
  const flaky = withAnswer((path) => {
    if (path.endsWith('/complete') && failures-- > 0) throw new HawserError('HOME_ASSET_NO_ROOM');
  });
  const { outgoing, said, home } = sender({ account: flaky });
  outgoing.send(ROOM, [new File(['words'], 'a.txt', { type: 'text/plain' })]);
  await until(() => outgoing.store.state[0]?.failure !== undefined, 'it stopped');
  expect(outgoing.store.state[0]?.failure).toMatchObject({ code: 'HOME_ASSET_NO_ROOM', retry: true });
  home.set({ ...home.state, connected: false });
  home.set({ ...home.state, connected: true });
  await until(() => said.length === 1, 'it is said');
  expect(outgoing.store.state).toEqual([]);
});

test('what is given up is said nowhere, and what had arrived of it is deleted', async () => {
  const begun: string[] = [];
  const cut = withAnswer((path) => {
    if (path !== 'assets') return;
    begun.push(path);
    // The first file is whole; the second never begins.
    if (begun.length > 1) throw new HawserError('SIG_UNREACHABLE');
  });
  const { outgoing, said } = sender({ account: cut });
  const used = async () => (await outgoing.policy()).usedBytes;
  const before = await used();
  outgoing.send(ROOM, [new File(['one'], 'one.txt'), new File(['two'], 'two.txt')]);
  await until(() => begun.length > 1, 'the second begins');
  expect(await used()).toBeGreaterThan(before);
  await outgoing.cancel(1);
  expect(await used()).toBe(before);
  expect([outgoing.store.state, said]).toEqual([[], []]);
});

test('nothing of an unknown form is asked for', async () => {
  const asked: string[] = [];
  const incoming = new IncomingFiles(withAnswer((path) => asked.push(path)));
  const file = {
    asset: 'mimi://beta.example/a/AAAAAAAAAAAAAAAAAAAAAA' as AssetId,
    algorithm: 'AES-256-GCM-STREAM',
    key: new Uint8Array(32),
    nonce: new Uint8Array(),
    hash: new Uint8Array(32),
    size: 40,
    contentType: 'text/plain',
  } as const;
  expect(await incoming.fetch({ ...file, algorithm: 'AES-128-GCM' }, 'x')).toMatchObject({
    failure: { code: 'FILE_FORM' },
  });
  expect(asked).toEqual([]);
});

test('what was looked at for the longest is let go where there is no room, and can be fetched again', async () => {
  const { outgoing, said } = sender();
  outgoing.send(ROOM, [new File([randomBytes(3_000)], 'a.bin'), new File([randomBytes(3_000)], 'b.bin')]);
  await until(() => said.length === 1, 'it is said');
  const [first, second] = attachmentsIn(said);
  if (!first || !second) throw new Error('two files');
  const incoming = new IncomingFiles(account, 4_000);
  closing.push(incoming);
  await incoming.fetch(first, 'a.bin');
  await incoming.fetch(second, 'b.bin');
  expect([incoming.of(first).state.state, incoming.of(second).state.state]).toEqual(['away', 'here']);
  expect((await incoming.fetch(first, 'a.bin')).state).toBe('here');
  await outgoing.remove([second]);
  expect(incoming.of(second).state.state).toBe('away');
  const gone = await incoming.fetch(second, 'b.bin');
  expect(gone).toMatchObject({ state: 'failed', failure: { code: 'HOME_NOT_FOUND', retry: false } });
});
