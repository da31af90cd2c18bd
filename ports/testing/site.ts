/** For tests: one organisation on hosts of a test's network, with real servers that run as an administrator runs them. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { initFolder } from '#cli/certs/folder.ts';
import type { DomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import type { WebAuthority } from '#turn-config/testing/certificate.ts';
import { startCoturn, type TestCoturn } from '#turn-config/testing/coturn.ts';
import type { TestHost, TestNetwork } from './network.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const START_MS = 60_000;
export const TURN_SECRET = 'the-turn-secret-of-a-test-that-is-long-enough';

/** Of every site of a test; they are on different hosts. */
export const PORTS = {
  page: 443,
  federation: 8_448,
  signalling: 8_543,
  link: 8_548,
  media: 40_000,
  trunk: { from: 41_000, to: 41_019 },
};

export interface TestSiteOptions {
  readonly network: TestNetwork;
  /** `alpha`; its domain is `alpha.example`. */
  readonly name: string;
  /** Where both servers run. */
  readonly host: TestHost;
  /** Where coturn runs; none when left out. */
  readonly turn?: TestHost;
  /** A folder of its own. */
  readonly folder: string;
  readonly authority: WebAuthority;
}

export class TestSite {
  readonly name: string;
  readonly domain: DomainName;
  readonly host: TestHost;
  readonly turnHost: TestHost | undefined;
  readonly folder: string;
  readonly network: TestNetwork;
  readonly #authority: WebAuthority;
  readonly #servers = new Map<Part, ChildProcess>();
  coturn: TestCoturn | undefined;
  readonly turnSecret = TURN_SECRET;

  private constructor({ network, name, host, turn, folder, authority }: TestSiteOptions) {
    this.name = name;
    this.domain = `${name}.example` as DomainName;
    this.host = host;
    this.turnHost = turn;
    this.folder = folder;
    this.network = network;
    this.#authority = authority;
  }

  /** Writes what `hawser certs init` writes, certificates for browsers, and `hawser.yaml`. Nobody is allowed yet. */
  static async prepare(options: TestSiteOptions): Promise<TestSite> {
    const site = new TestSite(options);
    await mkdir(join(site.folder, 'browsers'), { recursive: true });
    await initFolder(join(site.folder, 'certificates'), site.domain, Date.now());
    await site.writeWebCertificate();
    await writeFile(join(site.folder, 'turn.secrets'), `${TURN_SECRET}\n`, { mode: 0o600 });
    await writeFile(site.config, stringify(site.yaml(), { aliasDuplicateObjects: false }));
    await site.allow([]);
    return site;
  }

  get config(): string {
    return join(this.folder, 'hawser.yaml');
  }

  get url(): string {
    return `https://${this.domain}`;
  }

  /** Names of the site and what they mean. */
  get names(): Readonly<Record<string, string>> {
    const { host, turnHost, domain } = this;
    const own = Object.fromEntries([domain, `hs.${domain}`, `sft.${domain}`].map((name) => [name, host.ip]));
    return { ...own, ...(turnHost && { [`turn.${domain}`]: turnHost.ip }) };
  }

  /** How others find its homeserver. */
  get services(): Readonly<Record<string, { name: string; port: number }>> {
    return { [`_hawser-federation._tcp.${this.domain}`]: { name: `hs.${this.domain}`, port: PORTS.federation } };
  }

  load(): Promise<Site> {
    return loadSite(this.config);
  }

  /** @param lasts ms; a negative one makes one that has ended */
  async writeWebCertificate(
    names = [this.domain, `sft.${this.domain}`, `turn.${this.domain}`],
    lasts?: number,
  ): Promise<void> {
    const { chain, key } = await this.#authority.issue(names, lasts);
    await writeFile(join(this.folder, 'browsers', 'fullchain.pem'), chain);
    await writeFile(join(this.folder, 'browsers', 'privkey.pem'), key, { mode: 0o600 });
  }

  /** Puts exactly these on the allow list. @param change of an entry, for a mistake */
  async allow(others: readonly TestSite[], change: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const peers = others.map((other) => ({
      domain: other.domain,
      state: 'allowed',
      authority: join(other.folder, 'certificates', 'authority.pem'),
      revocationList: join(other.folder, 'certificates', 'revoked.pem'),
      mediaPrefixes: [`${other.host.ip}/32`],
      linkPort: PORTS.link,
      trunkPorts: `${PORTS.trunk.from}-${PORTS.trunk.to}`,
      ...change,
    }));
    await writeFile(join(this.folder, 'peers.yaml'), stringify(peers));
  }

  /** Rewrites the configuration with some options changed; servers that run keep theirs. */
  async configure(change: (yaml: ReturnType<TestSite['yaml']>) => void): Promise<void> {
    const yaml = this.yaml();
    change(yaml);
    await writeFile(this.config, stringify(yaml, { aliasDuplicateObjects: false }));
  }

  async start(): Promise<void> {
    await Promise.all([this.startServer('homeserver'), this.startServer('sft')]);
    await this.startTurn();
  }

  async startTurn(): Promise<void> {
    if (this.turnHost) {
      const certificate = await this.#authority.issue([`turn.${this.domain}`]);
      const site = await this.load();
      this.coturn = await startCoturn(this.network, this.turnHost, site, `turn.${this.domain}`, certificate, [
        TURN_SECRET,
      ]);
    }
  }

  /** Resolves when it serves. */
  async startServer(part: Part, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const log = join(this.folder, `${part}.log`);
    const file = openSync(log, 'a');
    const args = ['--disable-warning=ExperimentalWarning', MAIN, part, '--config', this.config];
    const child = this.network.start(this.host, process.execPath, args, {
      stdio: ['ignore', file, file, 'ipc'],
      env: { ...process.env, ...env },
    });
    closeSync(file);
    this.#servers.set(part, child);
    const ended = once(child, 'exit').then(() => 'ended' as const);
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, START_MS, 'late').unref());
    const came = await Promise.race([once(child, 'message').then(() => 'ready' as const), ended, late]);
    if (came !== 'ready') {
      throw new Error(`the ${part} of ${this.name} did not start:\n${(await readFile(log, 'utf8')).slice(-2_000)}`);
    }
  }

  async stopServer(part: Part): Promise<void> {
    const child = this.#servers.get(part);
    this.#servers.delete(part);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async stopTurn(): Promise<void> {
    await this.coturn?.close();
    this.coturn = undefined;
  }

  async stop(): Promise<void> {
    await Promise.all([this.stopServer('homeserver'), this.stopServer('sft'), this.stopTurn()]);
  }

  /** Runs `hawser` on the site's host. */
  async hawser(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const node = ['--disable-warning=ExperimentalWarning', MAIN];
    const child = this.network.start(this.host, process.execPath, [...node, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.folder,
      env: { ...process.env, ...env },
    });
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk) => (out += String(chunk)));
    child.stderr?.on('data', (chunk) => (err += String(chunk)));
    const [code] = await once(child, 'close');
    return { code: Number(code ?? 1), out, err };
  }

  async createAccount(handle: string, password: string): Promise<void> {
    const body = { handle, name: handle, password, email: `${handle}@${this.domain}` };
    const program = `fetch('http://127.0.0.1:8450/admin/v1/accounts', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(JSON.stringify(body))},
    }).then(async (answer) => { if (!answer.ok) throw new Error(await answer.text()); });`;
    await this.network.run(this.host, process.execPath, ['-e', program]);
  }

  /** What `hawser.yaml` holds. */
  yaml() {
    const { domain, host, turnHost } = this;
    const { ip } = host;
    const tls = { certificate: 'browsers/fullchain.pem', key: 'browsers/privkey.pem' };
    const pair = (name: string) => ({ certificate: `certificates/${name}.pem`, key: `certificates/${name}.key` });
    return {
      domain,
      certificates: {
        authority: 'certificates/authority.pem',
        revocationList: 'certificates/revoked.pem',
        homeserver: pair('homeserver'),
        sft: pair('sft'),
        tickets: { privateKey: 'certificates/tickets.key', publicKey: 'certificates/tickets.pem' },
        devices: {
          root: 'certificates/devices-root.pem',
          revocationList: 'certificates/devices-root-revoked.pem',
          ...pair('devices'),
        },
      },
      homeserver: {
        client: { listen: `${ip}:${PORTS.page}`, url: this.url, tls },
        federation: { listen: `${ip}:${PORTS.federation}`, address: `hs.${domain}:${PORTS.federation}` },
        pushServices: [],
      },
      sft: {
        client: {
          listen: `${ip}:${PORTS.signalling}`,
          url: `wss://sft.${domain}:${PORTS.signalling}/client/v1`,
          tls,
          origins: [this.url],
        },
        link: { listen: `${ip}:${PORTS.link}`, url: `wss://sft.${domain}:${PORTS.link}/link/v1` },
        homeserver: `wss://hs.${domain}:${PORTS.federation}/sft/v1`,
        media: { workers: 1, listenIp: ip, port: PORTS.media },
        trunk: { listenIp: ip, ports: { ...PORTS.trunk } },
      },
      ...(turnHost && {
        turn: { hosts: [{ name: `turn.${domain}`, listenIp: turnHost.ip }], secrets: 'turn.secrets' },
      }),
    };
  }
}
