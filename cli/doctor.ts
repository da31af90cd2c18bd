/** `hawser doctor`: what is missing, on this machine, on the way to another organisation or to the own people, and what to do about it. */
import { diagnose } from '#doctor/federation.ts';
import { linesOf, type Step, verdict } from '#doctor/step.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { command, UsageError } from './command.ts';
import { line } from './doctor/check.ts';
import { checkClock } from './doctor/clock.ts';
import { checkPorts } from './doctor/ports.ts';
import { checkChromium, checkNode, checkWorker } from './doctor/programs.ts';
import { configFlag } from './flags.ts';
import { siteAt } from './peers/list.ts';

export const doctor = command({
  name: 'doctor',
  summary: 'Say what is missing for Hawser or for calls, and what to do about it',
  usage: '[DOMAIN]',
  words: { min: 0, max: 1 },
  flags: {
    config: configFlag('The site'),
    local: { type: 'boolean', summary: 'Check this machine: programs, free ports of the demo, clock' },
    json: { type: 'boolean', summary: 'One JSON object instead of lines' },
  },
  about: [
    'With the DOMAIN of another organisation it tries, in order, everything that a call with it needs: names, TCP, TLS and both',
    'certificates, allow lists, clocks, the link, then every trunk port in both directions, and two seconds of media. Run it where your',
    'servers run, as a user who may read their keys. Either side can run it; what only the other one can see it is asked for.',
    '',
    'The exit code is 0 when all is well, and 1 otherwise. Nothing is changed.',
    '',
    'Examples:  hawser doctor beta.example    hawser doctor --local',
  ],
  async run({ args: [word], flags, out }) {
    if (flags.local) return local(flags.json, out);
    if (word === undefined)
      throw new UsageError(
        'doctor needs to know what to check: the DOMAIN of another organisation, or --local for this machine.',
      );
    const peer = parseDomainName(word);
    if (peer === undefined) throw new UsageError(`'${word}' is not a DNS name such as beta.example.`);
    const site = await siteAt(flags.config);
    if (peer === site.domain) throw new UsageError(`${peer} is your own domain. Name another one.`);
    const steps = await diagnose({
      ...{ config: flags.config, site, peer },
      onStep: (step) => {
        if (!flags.json) for (const each of linesOf(step, peer)) out(each);
      },
      now: () => performance.now(),
      wallClock: () => Date.now(),
    });
    return conclude(steps, `calls between ${site.domain} and ${peer} work`, flags.json, out);
  },
});

/** The last line, or all of it as JSON. */
function conclude(steps: readonly Step[], what: string, json: boolean, out: (line: string) => void): number {
  const ready = steps.every(({ outcome }) => outcome !== 'failed');
  out(json ? JSON.stringify({ ready, verdict: verdict(steps, what), steps }) : verdict(steps, what));
  return ready ? 0 : 1;
}

async function local(json: boolean, out: (line: string) => void): Promise<number> {
  const checks = [checkNode(), await checkWorker(), await checkChromium(), ...(await checkPorts()), await checkClock()];
  const ok = checks.every((check) => check.ok);
  if (json) {
    out(JSON.stringify({ ok, checks }));
  } else {
    for (const check of checks) out(line(check));
    out(ok ? 'Nothing is missing.' : 'Do what the lines above say, then run this again.');
  }
  return ok ? 0 : 1;
}
