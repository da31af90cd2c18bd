/** The built page in a real Chromium, under the content security policy, in a call with somebody on the Node engine. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Conference } from '#client/conference/conference.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from '#client/media/node/engine.ts';
import { CallWorld, type Friends } from '#client/testing/call-world.ts';
import { describing } from '#client/testing/describing-engine.ts';
import type { MiniSft } from '#client/testing/mini-sft.ts';
import { PAYLOAD } from '#signalling/media-profile.ts';
import { buildWeb } from './build.ts';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--headless=new',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];
const DEVICES = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  // In place of the browser's question what to share.
  '--auto-select-tab-capture-source-by-title=Hawser',
];

/** A browser without VP9, in what it says that it has and in what it offers. */
function withoutVp9(): void {
  for (const what of [RTCRtpReceiver, RTCRtpSender]) {
    const capabilities = what.getCapabilities.bind(what);
    what.getCapabilities = (kind) => {
      const all = capabilities(kind);
      return all && { ...all, codecs: all.codecs.filter(({ mimeType }) => mimeType !== 'video/VP9') };
    };
  }
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (what, ...rest) {
    const transceiver = add.call(this, what, ...rest);
    if (what === 'video') transceiver.setCodecPreferences(RTCRtpReceiver.getCapabilities('video')?.codecs ?? []);
    return transceiver;
  };
}

let world: CallWorld;
let sft: MiniSft;
let browser: Browser;
let friends: Friends;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  world = await CallWorld.start((await buildWeb()).folder);
  ({ sft } = world);
  browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: [...FLAGS, ...DEVICES] });
});

afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  friends = await world.friends();
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  onTestFinished(() => context.close());
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(world.url);
});

async function signIn(password = friends.password): Promise<void> {
  await page.getByLabel('Your name').fill(`@${friends.handle}`);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function startCall(): Promise<void> {
  await signIn();
  await page.getByRole('button', { name: /Harbour/ }).click();
  await page.getByRole('button', { name: /^(Start|Join) call$/ }).click();
}

/** Bob of beta.example comes into the call, which he starts where there is none. */
async function joinAsBob(engine = new NodeEngine()) {
  const bob = new Conference<NodeSource, NodeStream, NodePublication>({ engine });
  onTestFinished(() => bob.close());
  await bob.join(await friends.bob.call(friends.conversation));
  return bob;
}

describe('the page', () => {
  it('refuses a wrong password in words, then signs in', async () => {
    await signIn('wrong wrong wrong');
    await expect.poll(() => page.getByRole('alert').textContent()).toBe('Handle or password is wrong.');
    await signIn();
    await page.getByRole('button', { name: /Harbour/ }).waitFor();
  });

  it('rings', async () => {
    await signIn();
    await page.getByRole('button', { name: /Harbour/ }).waitFor();
    await friends.bob.call(friends.conversation);
    const incoming = page.getByRole('region', { name: 'Incoming call' });
    await expect.poll(() => incoming.textContent()).toMatch(/Bob.*beta\.example.*is calling/);
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.getByRole('region', { name: 'Incoming call' }).waitFor({ state: 'detached' });
  });

  it('sends camera and microphone and shows who is there, of which organisation, within the policy', async () => {
    const bob = await joinAsBob();
    await bob.publish('microphone', {});
    await startCall();
    const tile = page.getByRole('button', { name: /^Bob, external, beta\.example/ });
    await tile.waitFor();

    const sources = () => (bob.state.phase === 'joined' ? (bob.state.participants[0]?.sources ?? []) : []);
    await expect
      .poll(() => sources().filter(({ renditions }) => renditions.length > 0).length, { timeout: 15_000 })
      .toBe(2);
    await expect
      .poll(async () => (await bob.counters()).find(({ kind }) => kind === 'camera')?.counters.framesDecoded ?? 0, {
        timeout: 15_000,
      })
      .toBeGreaterThan(10);

    expect(await page.evaluate(() => window.hawser?.encryption)).toEqual({ epoch: '0', refused: {} });
    await page.getByRole('button', { name: 'End-to-end encrypted' }).click();
    const listeners = page.getByRole('dialog', { name: 'Who can hear' });
    await expect.poll(() => listeners.locator('.fingerprint').textContent()).toMatch(/^(\d{4}\s){5}$/);
    await listeners.getByText('Alice (you)').waitFor();
    // Bob is a program of the test here that has no keys, and so is not among them.
    expect(await listeners.locator('.listener').count()).toBe(1);
    await page.keyboard.press('Escape');

    await page.keyboard.press('m');
    await expect.poll(() => sources().find(({ kind }) => kind === 'microphone')?.muted).toBe(true);
    await page.keyboard.press('v');
    await expect.poll(() => sources().find(({ kind }) => kind === 'camera')?.muted).toBe(true);
    await page.keyboard.press('h');
    await page.getByRole('button', { name: 'Lower hand' }).waitFor();
    const hand = () => (bob.state.phase === 'joined' ? bob.state.participants[0]?.hand : undefined);
    await expect.poll(hand).toBe(true);
    bob.raiseHand(true);
    await page.getByRole('button', { name: /^Bob, .*hand raised/ }).waitFor();
    await page.keyboard.press('i');
    await expect
      .poll(() => page.getByRole('complementary', { name: 'Quality' }).textContent())
      .toMatch(/via beta\.example/);
    await bob.setMuted('microphone', true);
    await page.getByRole('button', { name: /^Bob, .*microphone off/ }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('encodes only the layers of its camera that somebody watches, also while it is off', async () => {
    const bob = await joinAsBob();
    await startCall();
    const camera = () =>
      bob.state.phase === 'joined'
        ? bob.state.participants[0]?.sources.find(({ kind }) => kind === 'camera')
        : undefined;
    await expect.poll(() => camera()?.renditions.length, { timeout: 15_000 }).toBeGreaterThan(0);
    const source = camera()?.source;
    if (!source) throw new Error('no camera');
    const isGrowing = async () => {
      const before = await sft.bytesOf(source);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const after = await sft.bytesOf(source);
      return after.map((bytes, layer) => bytes > (before[layer] ?? 0));
    };
    const sends = (...wanted: boolean[]) => expect.poll(isGrowing, { timeout: 20_000 }).toEqual(wanted);
    await sends(true, true, true);
    sft.wantLayers(source, [0]);
    await sends(true, false, false);
    sft.wantLayers(source, [0, 2]);
    await sends(true, false, true);
    await page.keyboard.press('v');
    await expect.poll(() => camera()?.muted).toBe(true);
    sft.wantLayers(source, [0, 1]);
    await page.keyboard.press('v');
    await expect.poll(() => camera()?.muted).toBe(false);
    await sends(true, true, false);
    sft.wantLayers(source, []);
    await sends(false, false, false);
    // One's own picture goes on.
    const own = page.getByRole('button', { name: /^Alice, you/ }).locator('video');
    const frames = () => own.evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
    const shown = await frames();
    await expect.poll(frames).toBeGreaterThan(shown + 5);
    sft.wantLayers(source, [0, 1, 2]);
    await sends(true, true, true);
    expect(complaints).toEqual([]);
  });

  it('shares a screen beside the camera, and stops', async () => {
    const bob = await joinAsBob();
    await startCall();
    const screen = () =>
      bob.state.phase === 'joined'
        ? bob.state.participants[0]?.sources.find(({ kind }) => kind === 'screen')
        : undefined;
    await page.getByRole('button', { name: 'Share screen' }).click();
    await expect.poll(() => screen()?.renditions.length, { timeout: 15_000 }).toBe(1);
    const shown = async () => (await bob.counters()).find(({ kind }) => kind === 'screen')?.counters.framesDecoded ?? 0;
    await expect.poll(shown, { timeout: 15_000 }).toBeGreaterThan(2);
    await page.getByRole('button', { name: 'Stop sharing' }).click();
    await expect.poll(() => screen()).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  it('sends the camera in the codec that was chosen, and remembers the choice', async () => {
    const bob = await joinAsBob();
    await startCall();
    const cameras = () => {
      const sources = bob.state.phase === 'joined' ? (bob.state.participants[0]?.sources ?? []) : [];
      return sources.filter(({ kind }) => kind === 'camera').map(({ codec }) => codec);
    };
    await expect.poll(cameras, { timeout: 15_000 }).toEqual(['vp8']);
    await page.keyboard.press('d');
    await page.getByLabel('Picture codec').selectOption('vp9');
    await expect.poll(cameras, { timeout: 15_000 }).toEqual(['vp9']);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Leave/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
    await page.getByRole('button', { name: 'Join call' }).click();
    await expect.poll(cameras, { timeout: 15_000 }).toEqual(['vp9']);
    expect(complaints).toEqual([]);
  });

  it('says on the tile why it cannot show somebody', async () => {
    await page.addInitScript(withoutVp9);
    await page.reload();
    const bob = await joinAsBob(describing('video/VP9', PAYLOAD.vp9, PAYLOAD.vp9rtx, 'L3T3'));
    await bob.publish('camera', {});
    await startCall();
    await page.getByText('This person’s picture needs VP9, which this browser cannot show.').waitFor();
    await page.keyboard.press('d');
    await page.getByRole('option', { name: 'VP9 (this browser cannot send it)' }).waitFor({ state: 'attached' });
    expect(complaints).toEqual([]);
  });

  it('joins again by itself when the connection breaks, at once when the network is back, and sends what it sent', async () => {
    const bob = await joinAsBob();
    await startCall();
    const alice = () => (bob.state.phase === 'joined' ? bob.state.participants[0] : undefined);
    const sent = (kind: string) => alice()?.sources.find((each) => each.kind === kind);
    const frames = async () =>
      (await bob.counters()).find(({ kind }) => kind === 'camera')?.counters.framesDecoded ?? 0;
    await expect.poll(frames, { timeout: 15_000 }).toBeGreaterThan(10);
    await page.keyboard.press('m');
    await expect.poll(() => sent('microphone')?.muted).toBe(true);
    const participant = alice()?.participant;
    const camera = sent('camera')?.source;
    const lost = page.getByRole('alert').filter({ hasText: 'Connection lost. Joining again…' });
    const breakOff = async () => {
      await page.context().setOffline(true);
      for (const { admission, rpc } of sft.people.values())
        if (admission.participant === participant) rpc.close('SFT_SHUTTING_DOWN');
      await lost.waitFor();
    };

    await breakOff();
    await page.getByRole('button', { name: /^Alice, you/ }).waitFor();
    const isCameraOn = () =>
      page.evaluate(() => {
        const local = window.hawser?.conference?.state.local.camera;
        return local?.phase === 'on' && local.media.readyState === 'live';
      });
    expect(await isCameraOn()).toBe(true);
    await expect.poll(alice).toBeUndefined();
    await page.context().setOffline(false);
    await lost.waitFor({ state: 'detached' });
    await expect.poll(() => sent('camera')?.source, { timeout: 15_000 }).toBeDefined();
    expect(sent('camera')?.source).not.toBe(camera);
    expect(alice()?.participant).toBe(participant);
    await expect.poll(() => sent('microphone')?.muted).toBe(true);
    await expect.poll(frames, { timeout: 15_000 }).toBeGreaterThan(10);

    await breakOff();
    await lost.getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: 'Harbour' }).waitFor();
    await page.context().setOffline(false);
  });

  it('says why the call ended and comes back to the conversation', async () => {
    await startCall();
    await page.getByRole('button', { name: /^Alice, you/ }).waitFor();
    sft.endAll('SFT_CONFERENCE_ENDED');
    await page.getByRole('alert').getByText('The call has ended.').waitFor();
    await page.getByRole('heading', { name: 'Harbour' }).waitFor();
    await page.getByRole('textbox', { name: /^Message to/ }).waitFor();
  });

  it('joins without camera and microphone and says so', async () => {
    await page.evaluate(() => {
      const refuse = () => Promise.reject(new DOMException('', 'NotFoundError'));
      navigator.mediaDevices.getUserMedia = refuse;
    });
    await startCall();
    await page.getByRole('button', { name: /^Alice, you.*microphone off/ }).waitFor();
    await page.getByText('No camera was found.').waitFor();
    await page.getByText('No microphone was found.').waitFor();
  });
});
