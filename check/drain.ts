/** How long calls may go on after the media server was told to end, held against how long the machine waits for that. */
import { type Facts, isUsed } from './facts.ts';
import { type Remark, warn } from './finding.ts';

/** `JobTimeoutSec` of reboot.target and poweroff.target: systemd then forces both, whatever still runs (systemd.special(7)). */
const FORCED_MINUTES = 30;
/** For closing, after calls had their time, and for what ends after this server. */
const CLOSING_MINUTES = 1;

export function checkDrain(facts: Facts): readonly Remark[] {
  const minutes = facts.site.options.number('sft.drainMinutes');
  if (!minutes || !facts.machine.hasSystemd || !isUsed(minutes, facts)) return [];
  if (minutes.value + CLOSING_MINUTES < FORCED_MINUTES) return [];
  const reason = `systemd forces a reboot that has not come after ${FORCED_MINUTES} minutes: calls are cut then, and the database is not closed.`;
  const remedy =
    'Write 20 or less. For longer, run hawser sft drain --minutes N before a planned reboot, and reboot when it has ended.';
  return [warn(minutes, reason, remedy)];
}
