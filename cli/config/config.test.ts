/** `hawser config check` and the starts of servers: what the one refuses, the other does too. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configCheck } from '../config.ts';
import { Organisation } from '../demo/organisation.ts';
import { testPlaces } from '../demo/testing-places.ts';

let folder: string;
let alpha: Organisation;
let out: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  const { alpha: places } = await testPlaces('alpha');
  alpha = await Organisation.prepare({ name: 'alpha', folder: join(folder, 'alpha'), places });
});
afterEach(async () => {
  await alpha.stop();
  await rm(folder, { recursive: true, force: true });
});

async function check(...argv: string[]): Promise<number> {
  out = [];
  const { signal } = new AbortController();
  const line = (text: string) => void out.push(text);
  return configCheck.execute(['--config', alpha.config, ...argv], { out: line, err: line, signal });
}

async function change(from: string, to: string): Promise<void> {
  const before = await readFile(alpha.config, 'utf8');
  expect(before).toContain(from);
  await writeFile(alpha.config, before.replace(from, to));
}

it('says for people and for programs what is wrong, and whether that stops a start', async () => {
  await mkdir(join(alpha.folder, 'data'), { mode: 0o700 });
  expect(await check('--part', 'homeserver', '--strict')).toBe(0);
  expect(out).toEqual(['0 errors, 0 warnings.']);

  await chmod(join(alpha.folder, 'data'), 0o755);
  expect(await check('--part', 'homeserver')).toBe(0);
  expect(out).toEqual([
    expect.stringMatching(/^warning: .*hawser\.yaml:\d+:\d+: data: everybody on this machine may look into /),
    expect.stringMatching(/^ {4}Run: chmod 700 /),
    '0 errors, 1 warning.',
  ]);
  expect(await check('--part', 'homeserver', '--strict')).toBe(1);

  await change('certificates/homeserver.key', 'certificates/sft.key');
  expect(await check('--part', 'homeserver', '--json')).toBe(1);
  const { ok, errors, findings } = JSON.parse(out.join(''));
  expect({ ok, errors }).toEqual({ ok: false, errors: 1 });
  expect(findings).toContainEqual({
    severity: 'error',
    file: alpha.config,
    line: 7,
    column: 10,
    path: 'certificates.homeserver.key',
    reason: expect.stringContaining('this key does not belong to the certificate'),
    remedy: expect.stringContaining('Write the path of the key'),
  });
});

it('says what it could not look at', async () => {
  await writeFile(join(alpha.folder, 'turn.secrets'), 'a-secret-of-the-test-that-is-long-enough\n', { mode: 0o600 });
  const turn = 'turn: { hosts: [{ name: turn.alpha.localhost, listenIp: 198.51.100.9 }], secrets: turn.secrets }\n';
  await writeFile(alpha.config, `${await readFile(alpha.config, 'utf8')}${turn}`);
  expect(await check('--part', 'homeserver')).toBe(0);
  const unseen =
    'The certificate of coturn, which is on another machine. hawser doctor clients looks at what coturn shows.';
  expect(out.at(-2)).toBe(`not looked at: ${unseen}`);
  await check('--part', 'homeserver', '--json');
  expect(JSON.parse(out.join(''))).toMatchObject({ ok: true, errors: 0, unseen: [unseen] });
});

it('a server refuses what is refused here, and starts with what is warned of', async () => {
  await mkdir(join(alpha.folder, 'data'));
  await chmod(join(alpha.folder, 'data'), 0o755);
  const peers = join(alpha.folder, 'peers.yaml');
  await writeFile(peers, '- domain: beta.localhost\n  state: blocked\n  mediaPrefixes: [0.0.0.0/0]\n');
  const died = () => undefined;
  await expect(alpha.startServer('homeserver', died)).rejects.toThrow(
    `${peers}:3:19: beta.localhost: 0.0.0.0/0 is the whole internet. Write where the SFT of that domain is`,
  );
  await writeFile(peers, '[]\n');
  const server = await alpha.startServer('homeserver', died);
  await server.stop();
  const log = await readFile(join(alpha.folder, 'homeserver.log'), 'utf8');
  const warnings = log.split('\n').filter((line) => line.includes('everybody on this machine may look into'));
  expect(warnings.map((line) => JSON.parse(line))).toMatchObject([{ level: 40, option: 'data' }]);
}, 90_000);
