/** A file of one organisation for a person of another: through both homeservers, by the policy of both, kept nowhere. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import type { Attachment } from '#client/assets/attachment.ts';
import { downloadFile } from '#client/assets/download.ts';
import { planUpload } from '#client/assets/plan.ts';
import { upload } from '#client/assets/upload.ts';
import { API } from '#signalling/client-home.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Account;
let bob: Account;
let token: string;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await beta.homeserver.createAccount({ handle: 'bob', name: 'Bob', password: PASSWORD });
  [alice, bob] = [new Account(alpha.url), new Account(beta.url)];
  await alice.signIn('alice', PASSWORD);
  await bob.signIn('bob', PASSWORD);
  const session = await fetch(`${beta.url}${API}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ handle: 'bob', password: PASSWORD }),
  });
  token = ((await session.json()) as { accessToken: string }).accessToken;
});
afterEach(async () => {
  await set(alpha, {});
  await set(beta, {});
});
afterAll(async () => {
  alice[Symbol.dispose]();
  bob[Symbol.dispose]();
  await world[Symbol.asyncDispose]();
});

/** Starts an organisation anew with another policy, where it has another one. */
const policies = new Map<Organisation, string>();
async function set(one: Organisation, policy: { fileMb?: number; kinds?: readonly string[] }): Promise<void> {
  const wanted = JSON.stringify(policy);
  if ((policies.get(one) ?? '{}') === wanted) return;
  policies.set(one, wanted);
  const { assets } = one.site.homeserver;
  const before = { ...assets };
  await one.stop();
  Object.assign(assets, policy);
  await one.start();
  Object.assign(assets, before);
}

const send = async (bytes: Uint8Array<ArrayBuffer>, name = 'a.png', contentType = 'image/png'): Promise<Attachment> =>
  upload(await planUpload(new Blob([bytes]), { name, contentType }), { account: alice });
const ask = (attachment: Attachment, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(`${beta.url}${API}/assets/${encodeURIComponent(attachment.asset)}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(signal && { signal }),
  });
const refusal = async (answer: Response) => [answer.status, await answer.json()] as const;

test('arrives whole, and any part of it, and nothing of it is kept on the way', async () => {
  const bytes = new Uint8Array(randomBytes(700_000));
  const attachment = await send(bytes);
  const file = await downloadFile(attachment, { account: bob });
  expect(Buffer.compare(new Uint8Array(await file.arrayBuffer()), bytes)).toBe(0);
  const whole = new Uint8Array(await (await ask(attachment)).arrayBuffer());
  const part = await ask(attachment, { range: 'bytes=1000-1999' });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${whole.length}`]);
  expect(Buffer.compare(new Uint8Array(await part.arrayBuffer()), whole.subarray(1000, 2000))).toBe(0);
  expect((await ask(attachment, { range: 'bytes=-10' })).headers.get('content-length')).toBe('10');
  const beyond = await ask(attachment, { range: `bytes=${whole.length}-` });
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${whole.length}`]);
  expect((await refusal(await ask(attachment, { range: 'bytes=x' })))[1]).toMatchObject({ code: 'HOME_ASSET_RANGE' });
  const kept = await readdir(join(beta.site.data, 'assets'), { recursive: true, withFileTypes: true }).catch(() => []);
  expect(kept.filter((entry) => entry.isFile())).toEqual([]);
});

test('is refused by the own policy before anything of it comes, and by that of the other side', async () => {
  const attachment = await send(new Uint8Array(randomBytes(1_500_000)));
  await set(beta, { fileMb: 1 });
  expect(await refusal(await ask(attachment))).toEqual([
    413,
    expect.objectContaining({
      code: 'HOME_ASSET_TOO_LARGE',
      limit: 1_000_000,
      message: 'Your organisation does not accept files over 1 MB.',
    }),
  ]);
  await expect(downloadFile(attachment, { account: bob })).rejects.toMatchObject({ code: 'HOME_ASSET_TOO_LARGE' });
  await set(beta, { kinds: ['text'] });
  expect((await refusal(await ask(attachment)))[1]).toMatchObject({ code: 'HOME_ASSET_KIND' });
  await set(beta, {});
  await set(alpha, { kinds: ['text'] });
  const [status, problem] = await refusal(await ask(attachment));
  expect([status, problem]).toEqual([
    403,
    expect.objectContaining({ code: 'FED_FILE_POLICY', message: expect.stringContaining('alpha.example') }),
  ]);
});

test('is not there for whoever guesses, before it is complete, or where the other side is away or has not allowed us', {
  timeout: 30_000,
}, async () => {
  const attachment = await send(new Uint8Array(randomBytes(1_000)));
  const other = {
    ...attachment,
    asset: attachment.asset.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')),
  } as Attachment;
  expect((await refusal(await ask(other)))[1]).toMatchObject({ code: 'HOME_NOT_FOUND' });
  const stranger = { ...attachment, asset: attachment.asset.replace('alpha', 'gamma') } as Attachment;
  expect((await refusal(await ask(stranger)))[1]).toMatchObject({ code: 'FED_NOT_ALLOWED' });
  await alpha.allow({ organisation: beta, state: 'blocked' });
  const refused = await until(async () => {
    const answer = await ask(attachment);
    const text = await answer.text();
    return answer.status !== 200 && text;
  }, 'the list is followed');
  expect(JSON.parse(refused)).toMatchObject({ code: 'FED_REFUSED' });
  await alpha.allow(beta);
  await until(async () => (await ask(attachment)).status === 200, 'allowed again');
  await alpha.stop();
  expect(await refusal(await ask(attachment))).toEqual([
    533,
    expect.objectContaining({ code: 'FED_UNREACHABLE', retry: true }),
  ]);
  await alpha.start();
});

test('whoever goes away ends it on both sides', { timeout: 30_000 }, async () => {
  // More than what lies between the two at any time.
  const attachment = await send(new Uint8Array(randomBytes(24_000_000)));
  const open = async ({ admin }: Organisation) =>
    Number(/foreign_downloads (\d+)/.exec(await (await fetch(`${admin}/metrics`)).text())?.[1] ?? Number.NaN);
  for (let i = 0; i < 3; i++) {
    const stop = new AbortController();
    const answer = await ask(attachment, {}, stop.signal);
    const reader = answer.body?.getReader();
    await reader?.read();
    expect(await open(beta)).toBe(1);
    stop.abort();
    await until(async () => (await open(beta)) === 0, 'ended here');
  }
  // All slots of the other side are free again, too.
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(attachment, { range: 'bytes=0-99' })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 206));
  for (const answer of answers) await answer.arrayBuffer();
  // The other side ends in the midst of it: the answer breaks off, and is no whole file.
  const answer = await ask(attachment);
  await alpha.stop();
  await expect(answer.arrayBuffer()).rejects.toThrow();
  await alpha.start();
  await until(async () => (await ask(attachment)).status === 200, 'goes on');
});
