/** What a large file costs the homeserver's memory: no more than a small one. */
import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Account } from '#client/account.ts';
import { download } from '#client/assets/download.ts';
import { planUpload } from '#client/assets/plan.ts';
import { upload } from '#client/assets/upload.ts';
import { type Organisation, organise, PASSWORD, type World } from '../testing/organisation.ts';
import { HomeserverProcess } from '../testing/process.ts';

const MB = 1_000_000;
const SIZE = 150 * MB;
const LIMIT = 75 * MB;
/** Garbage is collected soon: else it comes to half of a file where the machine is busy, whatever the size. */
const TIDY = ['--max-semi-space-size=1'];

let world: World;
let server: HomeserverProcess;
let account: Account;

beforeAll(async () => {
  world = await organise('alpha.example');
  const [alpha] = world.organisations as [Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await alpha.stop();
  const { homeserver } = alpha.site;
  const site = { ...alpha.site, homeserver: { ...homeserver, assets: { ...homeserver.assets, fileMb: 1_000 } } };
  server = await HomeserverProcess.start(site, world.folder, { node: TIDY });
  account = new Account(alpha.url);
  await account.signIn('alice', PASSWORD);
}, 30_000);
afterAll(async () => {
  account[Symbol.dispose]();
  await server.kill();
  await world[Symbol.asyncDispose]();
});

async function fileOf(size: number): Promise<Blob> {
  const path = join(world.folder, `file-${size}`);
  const file = await open(path, 'w');
  const piece = randomBytes(MB);
  for (let at = 0; at < size; at += MB) await file.write(piece);
  await file.close();
  return openAsBlob(path);
}

async function thereAndBack(size: number): Promise<void> {
  const plan = await planUpload(await fileOf(size), { name: 'a', contentType: 'video/mp4' });
  const attachment = await upload(plan, { account });
  let bytes = 0;
  for await (const chunk of download(attachment, { account })) bytes += chunk.length;
  expect(bytes).toBe(size);
}

it('grows by less than half of a file of 150 MB, there and back', async () => {
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
    await thereAndBack(SIZE);
  } finally {
    clearInterval(timer);
  }
  expect(most).toBeGreaterThan(0);
  expect(most - before, `from ${before} to ${most} bytes`).toBeLessThan(LIMIT);
}, 180_000);
