/** A headless Chromium with a fake camera and microphone, for checks. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  // No search for devices on the network.
  '--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter',
];

/** Nothing but the demo is to be reached, and no host of the vendor is looked up. */
const LOCAL = 'MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1';

/** Chromium refuses its own sandbox to root. */
const SANDBOX = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export interface FakeDevices {
  /** A Y4M clip; Chromium's own moving disc when left out. */
  readonly clip?: string;
  /** A WAV file; Chromium's own beeps when left out. */
  readonly sound?: string;
}

export interface BrowserOptions extends FakeDevices {
  /**
   * Names that are reached besides localhost, and where they lead, or `dns`: all that its network resolves. Whatever certificate is shown
   * there is taken.
   */
  readonly hosts?: Readonly<Record<string, string>> | 'dns';
  /** What starts the browser in another network: the words before its own command line. */
  readonly wrapper?: readonly string[];
}

export async function openBrowser({ clip, sound, hosts, wrapper }: BrowserOptions = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'hawser-browser-'));
  const remove = () => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: await programIn(profile, await ensureChromium(), wrapper),
      headless: true,
      args: [
        ...FLAGS,
        ...SANDBOX,
        ...resolving(hosts),
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

function resolving(hosts: BrowserOptions['hosts']): readonly string[] {
  if (hosts === undefined) return [`--host-resolver-rules=${LOCAL}`];
  if (hosts === 'dns') return ['--ignore-certificate-errors'];
  const rules = Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`);
  // Addresses are looked up too: of candidates that are reached by TCP.
  const addresses = [...new Set(Object.values(hosts))].map((address) => `EXCLUDE ${address}`);
  return [`--host-resolver-rules=${[...rules, LOCAL, ...addresses].join(', ')}`, '--ignore-certificate-errors'];
}

/** Playwright starts one file without words of its own before the flags. */
async function programIn(folder: string, chromium: string, wrapper: BrowserOptions['wrapper']): Promise<string> {
  if (wrapper === undefined) return chromium;
  const file = join(folder, 'browser');
  await writeFile(file, `#!/bin/sh\nexec ${[...wrapper, chromium].join(' ')} "$@"\n`, { mode: 0o755 });
  return file;
}
