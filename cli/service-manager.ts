/** What systemd is told by a server that it started (`Type=notify`), so that `systemctl start` ends when the server serves, or says why not. */
import process from 'node:process';
import { Problem } from './errors.ts';
import { outcome } from './setup/program.ts';

const NOTIFY_MS = 10_000;

/**
 * Says that the server serves; does nothing where systemd does not wait for that. The word goes into a datagram socket of the file system,
 * which Node has no call for, so that systemd's own program carries it.
 * @throws Problem where it cannot: systemd would end the server, much later and without a reason
 */
export async function tellReady(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (!env.NOTIFY_SOCKET) return;
  const { code, tail } = await outcome('systemd-notify', ['--ready'], { env, timeout: NOTIFY_MS });
  if (code === 0) return;
  throw new Problem(
    `systemd waits to be told that the server serves, and systemd-notify could not: ${tail || `it ended with code ${code}`}. ` +
      'Look whether the unit says NotifyAccess=all.',
  );
}
