/** What a large file of another organisation costs the homeserver through which it is fetched: no more than a small one. */
import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Account } from '#client/account.ts';
import type { Attachment } from '#client/assets/attachment.ts';
import { download } from '#client/assets/download.ts';
import { planUpload } from '#client/assets/plan.ts';
import { upload } from '#client/assets/upload.ts';
import { type Organisation, organise, PASSWORD, type World } from '../testing/organisation.ts';
import { HomeserverProcess } from '../testing/process.ts';

const MB = 1_000_000;
const SIZE = 200 * MB;
const LIMIT = 100 * MB;
/** Garbage is collected soon: else it comes to half of a file where the machine is busy, whatever the size. */
const TIDY = ['--max-semi-space-size=1'];

let world: World;
let server: HomeserverProcess;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  const [alpha, beta] = world.organisations as [Organisation, Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await beta.homeserver.createAccount({ handle: 'bob', name: 'Bob', password: PASSWORD });
  for (const one of [alpha, beta]) {
    await one.stop();
    Object.assign(one.site.homeserver.assets, { fileMb: 1_000 });
  }
  await alpha.start();
  server = await HomeserverProcess.start(beta.site, world.folder, { node: TIDY });
  [alice, bob] = [new Account(alpha.url), new Account(beta.url)];
  await alice.signIn('alice', PASSWORD);
  await bob.signIn('bob', PASSWORD);
}, 60_000);
afterAll(async () => {
  alice[Symbol.dispose]();
  bob[Symbol.dispose]();
  await server.kill();
  await world[Symbol.asyncDispose]();
});

async function sent(size: number): Promise<Attachment> {
  const path = join(world.folder, `file-${size}`);
  const file = await open(path, 'w');
  const piece = randomBytes(MB);
  for (let at = 0; at < size; at += MB) await file.write(piece);
  await file.close();
  return upload(await planUpload(await openAsBlob(path), { name: 'a', contentType: 'video/mp4' }), { account: alice });
}

async function fetched(attachment: Attachment): Promise<number> {
  let bytes = 0;
  for await (const chunk of download(attachment, { account: bob })) bytes += chunk.length;
  return bytes;
}

it('grows by less than half of a file of 200 MB that goes through', async () => {
  const large = await sent(SIZE);
  // The first of all makes connections, and code that is fast.
  await fetched(await sent(10 * MB));
  const before = await server.memory();
  let most = 0;
  const timer = setInterval(() => {
    server.memory().then(
      (now) => {
        most = Math.max(most, now);
      },
      () => undefined,
    );
  }, 20);
  try {
    expect(await fetched(large)).toBe(SIZE);
  } finally {
    clearInterval(timer);
  }
  expect(most).toBeGreaterThan(0);
  expect(most - before, `from ${before} to ${most} bytes`).toBeLessThan(LIMIT);
}, 180_000);
