/**
 * What an SFT and the homeservers hold of a call, and what of it they could read: a browser films and plays a marker that is known, and all that
 * its media server was given is kept, without the encryption of the hop, and all that the homeservers of both organisations wrote. The
 * marker, what was written, and the keys are looked for in all of it, and are not there; with the keys of a device that is in the call, the marker is.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { vp8Frames } from '#client/media/node/frames.ts';
import { parseHeader } from '#client/media/node/rtp.ts';
import { CallWorld, type Friends } from '#client/testing/call-world.ts';
import { Caller } from '#client/testing/caller.ts';
import type { PacketFrom } from '#client/testing/mini-sft.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { buildWeb } from './build.ts';
import { type Frame, formsOf, markedPictures, opened, toneIn, withoutSecret, writeMarker } from './testing/marker.ts';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const WORDS = 'the red anchor lies under the third bridge';
const SECONDS = 6;

let folder: string;
let world: CallWorld;
let friends: Friends;
let browser: Browser;
let page: Page;
let bob: Caller;
/** What the media server was given, without the encryption of the hop, in order. */
const recorded: { readonly packet: Buffer; readonly from: PacketFrom }[] = [];
let written: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-secrecy-'));
  const { film, sound } = await writeMarker(folder);
  world = await CallWorld.start((await buildWeb()).folder, (packet, from, send) => {
    recorded.push({ packet: Buffer.from(packet), from });
    send(packet);
  });
  friends = await world.friends();
  browser = await chromium.launch({
    ...(CHROMIUM && { executablePath: CHROMIUM }),
    args: [
      ...[
        '--headless=new',
        '--disable-gpu',
        '--disable-background-networking',
        '--autoplay-policy=no-user-gesture-required',
      ],
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
      ...[`--use-file-for-fake-video-capture=${film}`, `--use-file-for-fake-audio-capture=${sound}`],
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(world.url);
  await page.getByLabel('Your name').fill(`@${friends.handle}`);
  await page.getByLabel('Password').fill(friends.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /Harbour/ }).click();
  await page.getByRole('button', { name: /^(Start|Join) call$/ }).click();
  const phase = () => page.evaluate(() => window.hawser?.conference?.state.phase);
  await until(async () => (await phase()) === 'joined', 'she is in the call', 20_000);
  const { password, bobsHandle: handle, conversation } = friends;
  bob = await Caller.join({ url: world.farUrl, handle, password, conversation, name: 'bob' });
  await bob.messenger.say(conversation, {
    kind: 'message',
    body: { kind: 'text', text: { format: 'plain', text: WORDS } },
  });
  const alice = () => participantOf('alice');
  // What she sends from now on, he has the keys of.
  const before = recorded.length;
  const sent = (kind: SourceKind) =>
    recorded.slice(before).filter(({ from }) => from.participant === alice() && from.kind === kind).length;
  const isEnough = () => sent('camera') > SECONDS * 30 && sent('microphone') > SECONDS * 40;
  await until(isEnough, 'the media server has enough of her', 40_000);
  written = await world.written();
}, 90_000);

afterAll(async () => {
  bob?.[Symbol.dispose]();
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const participantOf = (who: 'alice' | 'bob'): ParticipantId | undefined => {
  const others = bob.call.roster.state?.devices ?? [];
  return others.find(({ device }) => (device === bob.messenger.device.id) === (who === 'bob'))?.participant;
};

test('neither names nor words nor keys come to the media server', () => {
  const all = Buffer.concat(recorded.map(({ packet }) => packet));
  expect(all.length).toBeGreaterThan(100_000);
  // None so short that chance would write it.
  for (const word of ['Alice', 'bob 1;', friends.handle, friends.bobsHandle, WORDS, 'Harbour'])
    expect(all.includes(word), word).toBe(false);
  expect(bob.epochs.length).toBeGreaterThan(0);
  for (const { baseKey } of bob.epochs) for (const form of formsOf(baseKey)) expect(all.includes(form)).toBe(false);
  // This search finds what is there: who sends it, as the extension of each packet says in the clear, is not; its kind of stream is.
  expect(all.includes(recorded[0]?.packet.subarray(8, 12) ?? '')).toBe(true);
});

test('neither words nor keys come to the disks and the logs of the homeservers', () => {
  const whole = [...written];
  const found = (bytes: Buffer | string) => whole.flatMap(([name, data]) => (data.includes(bytes) ? [name] : []));
  // Names of accounts are there, and so the search would find others.
  expect(found(friends.handle).length).toBeGreaterThan(1);
  expect(found('Alice').length).toBeGreaterThan(0);
  expect(found(WORDS)).toEqual([]);
  expect(found(Buffer.from(WORDS).toString('base64url'))).toEqual([]);
  for (const { baseKey } of bob.epochs) for (const form of formsOf(baseKey)) expect(found(form)).toEqual([]);
});

test('the marker is in the sound for whoever has the keys, and for nobody else', async () => {
  const frames = framesOf('microphone');
  expect(frames.length).toBeGreaterThan(SECONDS * 20);
  expect(await toneIn(frames)).toBeLessThan(0.05);
  expect(await toneIn(await opened(frames, withoutSecret(bob.epochs), hers('microphone')))).toBe(0);
  const read = await opened(frames, bob.epochs, hers('microphone'));
  // What she said before he came, he cannot read either.
  expect(read.length).toBeGreaterThan(50);
  expect(read.length).toBeLessThan(frames.length);
  expect(await toneIn(read)).toBeGreaterThan(0.2);
});

test('the marker is in the picture for whoever has the keys, and for nobody else', async () => {
  const frames = framesOf('camera');
  expect(frames.length).toBeGreaterThan(30);
  expect(await markedPictures(page, frames)).toBe(0);
  expect(await opened(frames, withoutSecret(bob.epochs), hers('camera'))).toEqual([]);
  const read = await opened(frames, bob.epochs, hers('camera'));
  expect(read.length).toBeGreaterThan(20);
  expect(await markedPictures(page, read)).toBeGreaterThan(10);
});

/** A source of Alice. */
function hers<K extends SourceKind>(kind: K) {
  return { participant: participantOf('alice') as ParticipantId, kind };
}

/** What Alice sent, out of its packets. */
function framesOf(kind: SourceKind): Frame[] {
  const alice = participantOf('alice');
  const take = kind === 'camera' ? vp8Frames() : undefined;
  return recorded.flatMap(({ packet, from }) => {
    if (from.participant !== alice || from.kind !== kind) return [];
    const header = parseHeader(packet);
    if (!header) return [];
    const payload = packet.subarray(header.length);
    if (take) return take(header, payload) ?? [];
    return payload.length > 0 ? [{ data: payload, timestamp: header.timestamp }] : [];
  });
}
