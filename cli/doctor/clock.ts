/** Whether the clock can be right: certificates and tickets are refused by a clock that is not. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../setup/packages.ts';
import { outcome } from '../setup/program.ts';
import type { Check } from './check.ts';

/** Whether a time service keeps the clock right; unknown where systemd does not say, as in most containers. */
export type Synchronised = 'yes' | 'no' | 'unknown';

export async function checkClock(now: Date = new Date()): Promise<Check> {
  const { mtime } = await stat(join(repository, 'package-lock.json'));
  return judgeClock(now, mtime, await synchronised());
}

/** @param earliest a time that has certainly passed: when this copy of Hawser was written to disk */
export function judgeClock(now: Date, earliest: Date, kept: Synchronised): Check {
  const name = 'clock';
  const says = now.toISOString().slice(0, 19).replace('T', ' ');
  if (now < earliest) {
    return {
      name,
      ok: false,
      found: `it says ${says} UTC, which is before this copy of Hawser was made`,
      todo: 'Set the clock; timedatectl set-ntp true keeps it right from then on.',
    };
  }
  const note = {
    yes: 'a time service keeps it right',
    no: 'no time service keeps it right, which other organisations will need (timedatectl set-ntp true)',
    unknown: 'whether a time service keeps it right is unknown here',
  }[kept];
  return { name, ok: true, found: `${says} UTC is plausible; ${note}` };
}

export async function synchronised(): Promise<Synchronised> {
  const { code, stdout } = await outcome('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    timeout: 3000,
  });
  const answer = stdout.trim();
  return code === 0 && (answer === 'yes' || answer === 'no') ? answer : 'unknown';
}
