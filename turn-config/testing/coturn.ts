/** For tests: the real coturn, on a host of a test's network, with the configuration that `hawser turn render` writes. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { ensureUnpacked, unpackedEnvironment } from '#cli/setup/unpacked.ts';
import type { TestHost, TestNetwork } from '#ports/testing/network.ts';
import { until } from '#signalling/testing.ts';
import type { Site } from '#site/schema.ts';
import { coturnDirectives, coturnFile, type Directive } from '../coturn.ts';
import { writeSecrets } from '../database.ts';
import type { WebCertificate } from './certificate.ts';

export interface TestCoturn {
  /** Its configuration, as rendered. */
  readonly file: string;
  readonly database: string;
  /** What starts coturn's own client, `turnutils_uclient`, before its flags. */
  readonly uclient: readonly [string, ...string[]];
  /** Everything that it wrote, as far as it has come. */
  readonly log: readonly string[];
  /** Puts another certificate in the place of the one that it shows, and tells it. */
  renew(certificate: WebCertificate): Promise<void>;
  close(): Promise<void>;
}

/** Where Debian's package keeps the tables of the database. */
const SCHEMA = 'usr/share/coturn/schema.sql';

/**
 * Resolves when it takes clients.
 * @param name one of `site.turn.hosts`
 * @param changed what it is configured with in place of what is rendered
 */
export async function startCoturn(
  network: TestNetwork,
  where: TestHost,
  site: Site,
  name: string,
  certificate: WebCertificate,
  secrets: readonly string[],
  changed: (rendered: readonly Directive[]) => readonly Directive[] = (rendered) => rendered,
): Promise<TestCoturn> {
  const root = await ensureUnpacked('coturn', 'usr/bin/turnserver', 'HAWSER_COTURN');
  const folder = await mkdtemp(join(tmpdir(), 'hawser-coturn-'));
  const [file, database] = [join(folder, 'turnserver.conf'), join(folder, 'turndb')];
  const turn = site.turn && {
    ...site.turn,
    ...{ certificate: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem'), database },
  };
  const host = turn?.hosts.find((each) => each.name === name);
  if (!turn || !host) throw new Error(`the site has no TURN host ${name}`);
  const put = async ({ chain, key }: WebCertificate) => {
    await writeFile(turn.certificate, chain);
    await writeFile(turn.key, key, { mode: 0o600 });
  };
  await put(certificate);
  const tables = new DatabaseSync(database);
  tables.exec(await readFile(join(root, SCHEMA), 'utf8'));
  tables.close();
  writeSecrets(database, site.domain, secrets);
  await writeFile(file, coturnFile(site, host, changed(coturnDirectives(site, turn, host))));

  const args = ['-c', file, '--pidfile', join(folder, 'pid'), '--log-file', 'stdout', '--simple-log'];
  const child = network.start(where, join(root, 'usr/bin/turnserver'), args, {
    env: { ...process.env, ...unpackedEnvironment(root) },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
  });
  const log: string[] = [];
  if (child.stdout) createInterface(child.stdout).on('line', (line) => log.push(line));
  if (child.stderr) createInterface(child.stderr).on('line', (line) => log.push(line));
  const ip = isIPv6(host.listenIp) ? `[${host.listenIp}]` : host.listenIp;
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`coturn ended:\n${log.join('\n')}`);
      const [tcp, udp] = await Promise.all(['-Hltn', '-Hlun'].map((what) => network.run(where, 'ss', [what])));
      return tcp?.includes(` ${ip}:${turn.tlsPort} `) && udp?.includes(` ${ip}:${turn.port} `);
    },
    'coturn to listen',
    30_000,
  );
  const libraries = Object.entries(unpackedEnvironment(root)).map(([name, value]) => `${name}=${value}`);
  return {
    uclient: ['env', ...libraries, join(root, 'usr/bin/turnutils_uclient')],
    file,
    database,
    log,
    async renew(next) {
      await put(next);
      child.kill('SIGUSR2');
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
