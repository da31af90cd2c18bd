/** Two people verify each other by camera: a real browser films the screen of the other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let folder: string;
let world: ChatWorld;
let alice: BrowserPerson;
let bob: BrowserPerson;
let carol: BrowserPerson;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-film-'));
  world = await ChatWorld.start(join(folder, 'camera.mjpeg'));
  await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => world.account(name.toLowerCase(), name)));
  // Bob has a narrow screen, and a dark one.
  [alice, bob, carol] = await Promise.all([world.person('alice'), world.person('bob', 390), world.person('carol')]);
  await bob.page.emulateMedia({ colorScheme: 'dark' });
  await alice.converse('Codes', '@bob@alpha.example', '@carol@alpha.example');
  await alice.say('hello');
  for (const person of [bob, carol]) {
    await person.open('Codes');
    await person.hears('hello');
  }
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Opens what verifies somebody, by the keyboard, and chooses the camera. */
async function openScan(person: BrowserPerson, name: string): Promise<Locator> {
  await person.page.getByRole('button', { name: 'About this conversation' }).press('Enter');
  await person.page.getByRole('button', { name: `Verify ${name}` }).press('Enter');
  const dialog = person.page.getByRole('dialog', { name: `Verify ${name}` });
  await dialog.getByRole('radio', { name: 'Compare numbers' }).press('ArrowRight');
  await dialog.getByRole('img', { name: `the camera of ${name}` }).waitFor();
  return dialog;
}

/** Whatever dialogs are open, the last one first. */
async function close({ page }: BrowserPerson): Promise<void> {
  const dialogs = page.locator('dialog');
  for (let left = await dialogs.count(); left > 0; left = await dialogs.count()) {
    await page.keyboard.press('Escape');
    await expect.poll(() => dialogs.count()).toBeLessThan(left);
  }
}

/** From now on every camera sees the screen of this person. */
async function film(person: BrowserPerson): Promise<void> {
  await person.page.locator('.code').scrollIntoViewIfNeeded();
  await writeFile(join(folder, 'camera.mjpeg'), await person.page.screenshot({ type: 'jpeg', quality: 80 }));
}

/** Keeps every track that a camera gives this page, and gives none before `letOpen` where it is to wait. */
async function watchCamera(person: BrowserPerson): Promise<void> {
  await person.page.evaluate(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    const watched: Watched = { tracks: [], asked: 0, gate: Promise.resolve() };
    Object.assign(window, { watched });
    mediaDevices.getUserMedia = async (wanted) => {
      watched.asked += 1;
      await watched.gate;
      const stream = await open(wanted);
      watched.tracks.push(...stream.getTracks());
      return stream;
    };
  });
}

interface Watched {
  readonly tracks: MediaStreamTrack[];
  asked: number;
  gate: Promise<void>;
  letOpen?: () => void;
}

/** How many tracks the page was given, and how many of them are on. */
function cameras(person: BrowserPerson): Promise<readonly [opened: number, on: number]> {
  return person.page.evaluate(() => {
    const { tracks } = (window as unknown as { watched: Watched }).watched;
    return [tracks.length, tracks.filter(({ readyState }) => readyState === 'live').length] as const;
  });
}

it('two people verify each other by scanning, and the cameras are off then', async () => {
  await Promise.all([alice, bob].map(watchCamera));
  const atAlice = await openScan(alice, 'Bob');
  const atBob = await openScan(bob, 'Alice');
  await film(alice);
  await atBob.getByRole('button', { name: 'Scan the code of Alice' }).press('Enter');
  await atBob.getByText('Alice is verified').waitFor();
  await film(bob);
  await atAlice.getByRole('button', { name: 'Scan the code of Bob' }).press('Enter');
  await atAlice.getByText('Bob is verified').waitFor();
  expect(await Promise.all([alice, bob].map(cameras))).toEqual([
    [1, 0],
    [1, 0],
  ]);
  // It is the same as having compared the numbers.
  await atAlice.getByRole('radio', { name: 'Compare numbers' }).press('Space');
  await atAlice.getByRole('button', { name: 'Take the verification back' }).waitFor();
  await close(bob);
  await bob.page.getByRole('button', { name: 'About this conversation' }).click();
  await bob.page.getByRole('listitem').filter({ hasText: '@alice' }).getByText('Verified', { exact: true }).waitFor();
  await close(bob);
});

it('a code of another pair and the own code verify nobody', async () => {
  const atBob = await openScan(bob, 'Carol');
  const scan = atBob.getByRole('button', { name: 'Scan the code of Carol' });
  await openScan(carol, 'Alice');
  await film(carol);
  await scan.press('Enter');
  await atBob.getByRole('alert').getByText('it is about other people. Nothing was verified').waitFor();
  await film(bob);
  await scan.press('Enter');
  await atBob.getByRole('alert').getByText('This is your own code').waitFor();
  expect(await atBob.getByText('is verified').count()).toBe(0);
  await close(carol);
});

it('a code that says something else about a device is called out', async () => {
  // As it is before Bob has one more device, of which only Alice knows then.
  await close(bob);
  await openScan(bob, 'Alice');
  await film(bob);
  const atAlice = alice.page.getByRole('dialog', { name: 'Verify Bob' });
  const messenger = await world.device('bob');
  const { conversations } = await messenger.home.store.when(({ conversations }) =>
    conversations.some(({ title }) => title === 'Codes'),
  );
  // Beside it there is the one that only Bob's devices share.
  const { group } = await messenger.messages(
    conversations.find(({ title }) => title === 'Codes')?.conversation as never,
  );
  await group.ready();
  await atAlice.getByText('Device 2').waitFor();
  await atAlice.getByRole('radio', { name: 'Scan a code' }).press('Space');
  await atAlice.getByRole('button', { name: 'Scan the code of Bob' }).press('Enter');
  await atAlice.getByRole('alert').getByText('the devices of Bob differ').waitFor();
  expect(await atAlice.getByRole('alert').textContent()).toMatch(/^This is NOT the same.*Do not trust/);
  expect(await atAlice.getByText('is verified').count()).toBe(0);
  await close(bob);
});

it('a camera that is on, or only just opens, is off when the dialog closes', async () => {
  await close(alice);
  await writeFile(join(folder, 'camera.mjpeg'), await alice.page.screenshot({ type: 'jpeg' }));
  const [before] = await cameras(alice);
  const on = await openScan(alice, 'Carol');
  await on.getByRole('button', { name: 'Scan the code of Carol' }).press('Enter');
  await alice.page.waitForFunction(() => (document.querySelector('.scan video') as HTMLVideoElement).currentTime > 0);
  expect(await cameras(alice)).toEqual([before + 1, 1]);
  await close(alice);
  expect(await cameras(alice)).toEqual([before + 1, 0]);

  const opening = await openScan(alice, 'Carol');
  const asked = await alice.page.evaluate(() => {
    const { watched } = window as unknown as { watched: Watched };
    watched.gate = new Promise((resolve) => {
      watched.letOpen = resolve;
    });
    return watched.asked;
  });
  await opening.getByRole('button', { name: 'Scan the code of Carol' }).press('Enter');
  await alice.page.waitForFunction((least) => (window as unknown as { watched: Watched }).watched.asked > least, asked);
  await close(alice);
  await alice.page.evaluate(() => (window as unknown as { watched: Watched }).watched.letOpen?.());
  await expect.poll(() => cameras(alice)).toEqual([before + 2, 0]);
});

it('where there is no camera, or none may be used, it says so, and the numbers remain', async () => {
  const dialog = await openScan(alice, 'Carol');
  for (const [name, words] of [
    ['NotFoundError', 'No camera was found'],
    ['NotAllowedError', 'This page may not use the camera'],
  ] as const) {
    await alice.page.evaluate((refusal) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', refusal));
    }, name);
    await dialog.getByRole('button', { name: 'Scan the code of Carol' }).press('Enter');
    await dialog.getByRole('alert').getByText(words).waitFor();
  }
  await dialog.getByRole('radio', { name: 'Scan a code' }).press('ArrowLeft');
  await dialog.getByRole('button', { name: 'They are the same' }).waitFor();
  expect([...alice.complaints, ...bob.complaints, ...carol.complaints]).toEqual([]);
});
