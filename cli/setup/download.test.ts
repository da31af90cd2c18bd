import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { downloadWorker, prebuiltUrl } from './download.ts';

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-download-'));
  vi.stubEnv('MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD', '');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server?.close();
  server?.closeAllConnections();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function mirror(listener: RequestListener): Promise<void> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL', `http://127.0.0.1:${port}`);
}

test("the address follows mediasoup's naming", () => {
  const url = prebuiltUrl('3.27.1', { MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: 'http://mirror' });
  expect(url).toMatch(/^http:\/\/mirror\/3\.27\.1\/mediasoup-worker-3\.27\.1-[a-z0-9]+-[a-z0-9]+(-kernel\d+)?\.tgz$/);
  expect(prebuiltUrl('3.27.1', {})).toMatch(/^https:\/\/github\.com\/versatica\/mediasoup\/releases\/download\//);
});

test('a worker from a mirror is unpacked', async () => {
  const source = join(folder, 'source');
  await mkdir(source);
  await writeFile(join(source, 'mediasoup-worker'), 'a worker');
  await promisify(execFile)('tar', ['-czf', join(folder, 'made.tgz'), '-C', source, 'mediasoup-worker']);
  const archive = await readFile(join(folder, 'made.tgz'));
  await mirror((_, response) => response.end(archive));
  expect(await downloadWorker('3.27.1', folder)).toBe(true);
  expect(await readFile(join(folder, 'mediasoup-worker'), 'utf8')).toBe('a worker');
});

test('where there is none, or something else comes, it says so and goes on without', async () => {
  await mirror((_, response) => response.writeHead(404).end());
  expect(await downloadWorker('3.27.1', folder)).toBe(false);
  expect(process.stderr.write).toHaveBeenLastCalledWith(expect.stringContaining('the server answered 404'));
  server?.close();
  await mirror((_, response) => response.end('<html>sign in to the network first</html>'));
  expect(await downloadWorker('3.27.1', folder)).toBe(false);
  expect(process.stderr.write).toHaveBeenLastCalledWith(expect.stringContaining('could not be unpacked'));
  vi.stubEnv('MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD', '1');
  expect(await downloadWorker('3.27.1', folder)).toBe(false);
});
