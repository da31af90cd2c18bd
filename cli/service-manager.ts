/**
 * What systemd is told by a server that it started (`Type=notify`): that it serves, so that `systemctl start` ends then or says why not; and
 * for how long it goes on when it is stopped. The word goes into a datagram socket of the file system, which Node has no call for, so that
 * systemd's own program carries it. Where systemd does not wait for a word, none is said.
 */
import process from 'node:process';
import { Problem } from './errors.ts';
import { outcome } from './setup/program.ts';

const NOTIFY_MS = 10_000;
/** For closing, after everybody had his time. */
const CLOSING_MS = 60_000;

/** @throws Problem where it cannot be said: systemd would end the server, much later and without a reason */
export function tellReady(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  return tell(['--ready'], env);
}

/**
 * That the server ends within that time: systemd waits so much longer than `TimeoutStopSec` (sd_notify(3), `EXTEND_TIMEOUT_USEC`).
 * @param forMs 0: by itself it is there in time
 * @throws Problem where it cannot be said
 */
export async function tellStopping(forMs: number, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (forMs === 0) return;
  const extended = `EXTEND_TIMEOUT_USEC=${(forMs + CLOSING_MS) * 1_000}`;
  const status = `STATUS=Takes no new calls, and ends with the last one, in ${forMs / 60_000} minutes at the latest.`;
  await tell(['STOPPING=1', extended, status], env);
}

async function tell(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (!env.NOTIFY_SOCKET) return;
  const { code, tail } = await outcome('systemd-notify', words, { env, timeout: NOTIFY_MS });
  if (code === 0) return;
  throw new Problem(
    `systemd waits for a word of the server, and systemd-notify could not give it: ${tail || `it ended with code ${code}`}. ` +
      'Look whether the unit says NotifyAccess=all.',
  );
}
