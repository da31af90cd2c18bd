/** A headless Chromium with a fake camera and microphone, for checks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../setup/chromium.ts';

export interface Browser {
  readonly context: BrowserContext;
  readonly page: Page;
  close(): Promise<void>;
}

const FLAGS = [
  '--headless=new',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Nothing but the demo is to be reached: no look-up of the vendor's hosts, no search for devices on the network.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
  '--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter',
];

/** Chromium refuses its own sandbox to root. */
const SANDBOX = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export interface FakeDevices {
  /** A Y4M clip; Chromium's own moving disc when left out. */
  readonly clip?: string;
  /** A WAV file; Chromium's own beeps when left out. */
  readonly sound?: string;
}

export async function openBrowser({ clip, sound }: FakeDevices = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'hawser-browser-'));
  const remove = () => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: await ensureChromium(),
      headless: true,
      args: [
        ...FLAGS,
        ...SANDBOX,
        '--use-fake-device-for-media-stream',
        ...(clip === undefined ? [] : [`--use-file-for-fake-video-capture=${clip}`]),
        ...(sound === undefined ? [] : [`--use-file-for-fake-audio-capture=${sound}`]),
      ],
      viewport: { width: 1280, height: 800 },
    });
    let closing: Promise<void> | undefined;
    const page = context.pages()[0] ?? (await context.newPage());
    return {
      context,
      page,
      close() {
        closing ??= context.close().then(remove);
        return closing;
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
