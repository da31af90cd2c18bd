/** For tests: a Chromium whose profile outlives it, and an origin with a page of our scripts. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--headless=new',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

export class PageBrowser {
  readonly url: string;
  readonly #server: Server;
  readonly #profile: string;
  #context: BrowserContext;

  private constructor(url: string, server: Server, profile: string, context: BrowserContext) {
    this.url = url;
    this.#server = server;
    this.#profile = profile;
    this.#context = context;
  }

  /**
   * @param entries absolute paths of the page's script, and of a worker's, which it finds as `/worker.js`
   * @param modules WebAssembly that the page fetches: under which path, and its absolute path
   */
  static async start(
    entries: { readonly page: string; readonly worker?: string },
    modules: Readonly<Record<string, string>> = {},
  ): Promise<PageBrowser> {
    const bundles = Object.entries(entries).map(async ([name, entry]) => [`/${name}.js`, await bundle(entry)] as const);
    const scripts = new Map<string, string>(await Promise.all(bundles));
    const binaries = new Map<string, Buffer>();
    for (const [path, file] of Object.entries(modules)) binaries.set(path, await readFile(file));
    const server = createServer(({ url = '' }, response) => {
      const [script, binary] = [scripts.get(url), binaries.get(url)];
      const type = script !== undefined ? 'text/javascript' : binary !== undefined ? 'application/wasm' : 'text/html';
      response.setHeader('content-type', type);
      response.end(script ?? binary ?? '<!doctype html><script type="module" src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const profile = await mkdtemp(join(tmpdir(), 'hawser-page-'));
    return new PageBrowser(`http://127.0.0.1:${port}/`, server, profile, await launch(profile));
  }

  async close(): Promise<void> {
    await this.#context.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @param before run in the page before its own script */
  async tab(before?: () => void): Promise<Page> {
    const page = await this.#context.newPage();
    page.setDefaultTimeout(15_000);
    if (before !== undefined) await page.addInitScript(before);
    // Resolves when its script has run.
    await page.goto(this.url);
    return page;
  }

  /** Kills the browser, by the id of its first process, and starts it again. */
  async crash(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#context.once('close', () => resolve()));
    process.kill(await processOf(this.#profile), 'SIGKILL');
    await closed;
    // What says that the profile is in use.
    for (const name of ['SingletonLock', 'SingletonCookie', 'SingletonSocket']) {
      await rm(join(this.#profile, name), { force: true });
    }
    this.#context = await launch(this.#profile);
  }
}

async function bundle(entry: string): Promise<string> {
  const built = await build({
    logLevel: 'warn',
    configFile: false,
    build: {
      ...{ write: false, minify: false, lib: { entry, formats: ['es'], fileName: 'page' } },
      // One file, also where something of it is fetched only when it is needed.
      rollupOptions: { output: { codeSplitting: false } },
    },
  });
  const [output] = [built].flat();
  const chunk = output && 'output' in output ? output.output[0] : undefined;
  if (!chunk) throw new Error('nothing was built');
  return chunk.code;
}

function launch(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    ...(CHROMIUM && { executablePath: CHROMIUM }),
    headless: true,
    args: FLAGS,
  });
}

/** Of the processes with this profile, the one that started the others. */
async function processOf(profile: string): Promise<number> {
  for (const id of await readdir('/proc')) {
    if (!/^\d+$/.test(id)) continue;
    const words = (await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words.includes(`--user-data-dir=${profile}`) && !words.some((word) => word.startsWith('--type='))) {
      return Number(id);
    }
  }
  throw new Error('the browser does not run');
}
