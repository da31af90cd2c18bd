import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tellReady, tellStopping } from './service-manager.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A systemd-notify that writes down what it is asked. deploy/install/ has the real one, in front of a real systemd. */
async function notifier(end: string): Promise<NodeJS.ProcessEnv> {
  const file = join(folder, 'systemd-notify');
  await writeFile(file, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${folder}/said\n${end}\n`);
  await chmod(file, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

const said = () => readFile(join(folder, 'said'), 'utf8').catch(() => '');

test('systemd is told once that the server serves, where it waits for that', async () => {
  const env = await notifier('exit 0');
  await tellReady(env);
  expect(await said()).toBe('');
  await tellReady({ ...env, NOTIFY_SOCKET: '/run/systemd/notify' });
  expect(await said()).toBe('/run/systemd/notify --ready\n');
});

test('systemd is told how long calls may go on, where they may', async () => {
  const env = { ...(await notifier('exit 0')), NOTIFY_SOCKET: '/n' };
  await tellStopping(0, env);
  expect(await said()).toBe('');
  await tellStopping(15 * 60_000, env);
  expect(await said()).toBe(
    '/n STOPPING=1 EXTEND_TIMEOUT_USEC=960000000 STATUS=Takes no new calls, and ends with the last one, in 15 minutes at the latest.\n',
  );
});

test('a word that does not reach systemd ends the server with the reason, before systemd does without one', async () => {
  const env = await notifier('echo "Failed to notify init system: Permission denied" >&2; exit 1');
  await expect(tellReady({ ...env, NOTIFY_SOCKET: '/run/systemd/notify' })).rejects.toThrow(
    /Permission denied\. Look whether the unit says NotifyAccess=all\.$/,
  );
});
