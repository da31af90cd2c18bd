/** `hawser doctor`: what is missing, on this machine, on the way to another organisation or to the own people, and what to do about it. */
import { readFile } from 'node:fs/promises';
import { diagnoseClients } from '#doctor/clients.ts';
import { diagnose } from '#doctor/federation.ts';
import { makePass, type Pass, parsePass } from '#doctor/pass.ts';
import { linesOf, type Step, verdict } from '#doctor/step.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { replaceFile } from '#trust/replace.ts';
import { command, Problem, UsageError } from './command.ts';
import { line } from './doctor/check.ts';
import { checkClock } from './doctor/clock.ts';
import { checkPorts } from './doctor/ports.ts';
import { checkChromium, checkNode, checkWorker } from './doctor/programs.ts';
import { configFlag } from './flags.ts';
import { siteAt } from './peers/list.ts';
import { readSecretsFile } from './turn/secrets-file.ts';

export const doctor = command({
  name: 'doctor',
  summary: 'Say what is missing for Hawser or for calls, and what to do about it',
  usage: '[DOMAIN | clients]',
  words: { min: 0, max: 1 },
  flags: {
    config: configFlag('The site'),
    local: { type: 'boolean', summary: 'Check this machine: programs, free ports of the demo, clock' },
    write: {
      type: 'string',
      value: 'FILE',
      summary: 'Of clients: write what another machine needs to examine it, for 15 minutes',
    },
    read: { type: 'string', value: 'FILE', summary: 'Of clients: examine with what --write wrote on a server' },
    json: { type: 'boolean', summary: 'One JSON object instead of lines' },
  },
  about: [
    'With the DOMAIN of another organisation it tries, in order, everything that a call with it needs: names, TCP, TLS and both',
    'certificates, allow lists, clocks, the link, then every trunk port in both directions, and two seconds of media. Run it where your',
    'servers run, as a user who may read their keys. Either side can run it; what only the other one can see it is asked for.',
    '',
    'The exit code is 0 when all is well, and 1 otherwise. Nothing is changed.',
    '',
    'With clients it tries what the browsers of your people need: the page, the WebSocket, and media by UDP, TCP and TURN. On a server',
    'that says whether all of it runs; on a machine in the network of your people, whether they reach it. Write the file on the server that',
    'runs the homeserver, take it there, and read it there: it is good for one examination, and nothing else is needed there.',
    '',
    'Examples:  hawser doctor beta.example         hawser doctor --local',
    '           hawser doctor clients              hawser doctor clients --write pass.json',
    '           hawser doctor clients --read pass.json',
  ],
  async run({ args: [word], flags, out }) {
    if (word === 'clients') return clients(flags, out);
    if (flags.write !== undefined || flags.read !== undefined)
      throw new UsageError('--write and --read are for hawser doctor clients.');
    if (flags.local) return local(flags.json, out);
    if (word === undefined)
      throw new UsageError(
        'doctor needs to know what to check: the DOMAIN of another organisation, clients, or --local for this machine.',
      );
    const peer = parseDomainName(word);
    if (peer === undefined) throw new UsageError(`'${word}' is not a DNS name such as beta.example.`);
    const { config } = flags;
    const site = await siteAt(config);
    if (peer === site.domain) throw new UsageError(`${peer} is your own domain. Name another one.`);
    const steps = await diagnose({
      ...{ config, site, peer },
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

interface ClientFlags {
  /** Looked for when it is asked for: a machine that reads a pass has none. */
  readonly config: string;
  readonly json: boolean;
  readonly write: string | undefined;
  readonly read: string | undefined;
}

const ONLY_OWNER = 0o600;

async function clients(flags: ClientFlags, out: (line: string) => void): Promise<number> {
  const { json, write, read } = flags;
  if (write !== undefined && read !== undefined)
    throw new UsageError('doctor clients either writes a file or reads one.');
  const pass = read === undefined ? await passOf(flags.config) : await passIn(read);
  if (write !== undefined) {
    await replaceFile(write, `${JSON.stringify(pass)}\n`, ONLY_OWNER).catch((error: NodeJS.ErrnoException) => {
      throw new Problem(`${write} cannot be written (${error.code}).`, { cause: error });
    });
    out(`${write} is good for one examination within 15 minutes: hawser doctor clients --read ${write}`);
    return 0;
  }
  const steps = await diagnoseClients({
    pass,
    onStep: (step) => {
      if (!json) for (const each of linesOf(step)) out(each);
    },
    now: () => performance.now(),
  });
  return conclude(steps, `browsers reach ${pass.domain} from here`, json, out);
}

async function passOf(config: string): Promise<Pass> {
  const site = await siteAt(config);
  const secrets = site.turn && (await readSecretsFile(site.turn.secrets))?.secrets;
  return makePass(site, secrets?.current, Date.now()).catch((error: Error) => {
    throw new Problem(`${error.message} Run this on the machine of the homeserver, as a user who may read its keys.`, {
      cause: error,
    });
  });
}

async function passIn(file: string): Promise<Pass> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(
      error.code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${error.code}).`,
    );
  });
  const pass = parsePass(text);
  if (!pass) throw new Problem(`${file} is not what hawser doctor clients --write writes.`);
  if (pass.ends < Date.now())
    throw new Problem(`${file} has ended. Write another one: hawser doctor clients --write FILE`);
  return pass;
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
