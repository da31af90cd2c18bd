/** `hawser doctor`: what of all that Hawser needs is missing, and the one thing to do about each. */
import { command, UsageError } from './command.ts';
import { line } from './doctor/check.ts';
import { checkClock } from './doctor/clock.ts';
import { checkPorts } from './doctor/ports.ts';
import { checkChromium, checkNode, checkWorker } from './doctor/programs.ts';

export const doctor = command({
  name: 'doctor',
  summary: 'Say what is missing for Hawser to run, and what to do about it',
  usage: '',
  flags: {
    local: { type: 'boolean', summary: 'Check this machine: programs, free ports of the demo, clock' },
    json: { type: 'boolean', summary: 'One JSON object instead of lines' },
  },
  about: [
    'The exit code is 0 when nothing is missing, and 1 otherwise. Nothing is installed but the npm packages, which every command needs.',
  ],
  async run({ flags, out }) {
    if (!flags.local) throw new UsageError('doctor needs to know what to check: give --local for this machine.');
    const checks = [
      checkNode(),
      await checkWorker(),
      await checkChromium(),
      ...(await checkPorts()),
      await checkClock(),
    ];
    const ok = checks.every((check) => check.ok);
    if (flags.json) {
      out(JSON.stringify({ ok, checks }));
    } else {
      for (const check of checks) out(line(check));
      out(ok ? 'Nothing is missing.' : 'Do what the lines above say, then run this again.');
    }
    return ok ? 0 : 1;
  },
});
