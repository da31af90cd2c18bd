/** For tests: people who join a test SFT with a real Chromium, on the engine of the page and without the page. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { openBrowser } from '#cli/demo/browser.ts';
import type {} from '#client/testing/browser-person.ts';
import type { ConferenceId, UserId } from '#signalling/ids.ts';
import { newParticipantId, type TestSft } from './testing.ts';

const ENTRY = join(import.meta.dirname, '..', 'client', 'testing', 'browser-person.ts');

export class TestBrowsers {
  readonly #script: string;
  readonly #undo = new AsyncDisposableStack();
  /** Where the page of each SFT's people is. */
  readonly #pages = new Map<TestSft, Promise<string>>();

  private constructor(script: string) {
    this.#script = script;
  }

  static async start(): Promise<TestBrowsers> {
    const built = await build({
      logLevel: 'warn',
      configFile: false,
      define: { 'process.env.NODE_ENV': '"test"' },
      build: { write: false, minify: false, lib: { entry: ENTRY, formats: ['es'], fileName: 'person' } },
    });
    const [bundle] = [built].flat();
    const chunk = bundle && 'output' in bundle ? bundle.output[0] : undefined;
    if (!chunk) throw new Error('nothing was built');
    return new TestBrowsers(chunk.code);
  }

  close(): Promise<void> {
    return this.#undo.disposeAsync();
  }

  /** A page that has joined a conference of `anchor` on `sft`; a browser of its own, since a tab behind another is slowed. */
  async join(sft: TestSft, conference: ConferenceId, anchor = sft): Promise<Page> {
    const { page, close } = await openBrowser();
    this.#undo.defer(close);
    const url = this.#pages.get(sft) ?? this.#serve(sft);
    this.#pages.set(sft, url);
    await page.goto(await url);
    await page.waitForFunction(() => 'person' in window);
    const participant = newParticipantId();
    const startedBy = 'mimi://alpha.example/u/a' as UserId;
    const ticket = {
      ticket: await sft.ticket({ conference, participant, anchor: anchor.domain }),
      sft: sft.signallingUrl,
      participant,
      call: { conference, anchor: anchor.domain, startedBy, startedAt: 0, members: [] },
    };
    await page.evaluate((given) => window.person.join(given), ticket);
    return page;
  }

  /** The one origin from which the SFT takes browsers. */
  async #serve(sft: TestSft): Promise<string> {
    const { url } = sft.site.homeserver.client;
    const server = createServer(({ url: path }, response) => {
      const isScript = path === '/person.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? this.#script : '<!doctype html><script type="module" src="/person.js"></script>');
    });
    server.listen(Number(new URL(url).port), '127.0.0.1');
    await once(server, 'listening');
    this.#undo.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    return url;
  }
}
