/** `hawser doctor`: what is missing, on this machine, on the way to another organisation or to the own people, and what to do about it. */
import { readFile } from 'node:fs/promises';
import { diagnoseClients } from '#doctor/clients.ts';
import { diagnose } from '#doctor/federation.ts';
import { partsHere } from '#doctor/parts.ts';
import { makePass, type Pass, parsePass } from '#doctor/pass.ts';
import { isReady, linesOf, type Step, verdict } from '#doctor/step.ts';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { BOTH, type Part } from '#site/part.ts';
import { replaceFile } from '#trust/replace.ts';
import { command, Problem, UsageError } from './command.ts';
import { line } from './doctor/check.ts';
import { checkClock, synchronised } from './doctor/clock.ts';
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
    part: {
      type: 'string',
      value: 'SERVER',
      choices: BOTH,
      summary:
        'Which of your servers runs on this machine, where they are on two; worked out by whose key is here when left out',
    },
    link: {
      type: 'string',
      value: 'URL',
      summary:
        'On the machine of the SFT alone: where that of DOMAIN is, as the doctor says on the machine of your homeserver',
    },
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
    'Where homeserver and SFT run on two machines, run it on both: each examines what is there, and the last line says what is left.',
    '',
    'The exit code is 0 when all that was tried is well, and 1 otherwise. Nothing is changed.',
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
    if ((word === undefined || word === 'clients') && (flags.part ?? flags.link) !== undefined)
      throw new UsageError('--part and --link are for hawser doctor DOMAIN.');
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
    return federation(peer, flags, out);
  },
});

interface FederationFlags {
  readonly config: string;
  readonly part: Part | undefined;
  readonly link: string | undefined;
  readonly json: boolean;
}

async function federation(peer: DomainName, flags: FederationFlags, out: (line: string) => void): Promise<number> {
  const { part, link, json } = flags;
  if (link !== undefined && !(link.startsWith('wss://') && URL.canParse(link)))
    throw new UsageError(`'${link}' is not a URL such as wss://sft.${peer}:8548/link/v1.`);
  const { config } = flags;
  const site = await siteAt(config);
  if (peer === site.domain) throw new UsageError(`${peer} is your own domain. Name another one.`);
  const steps = await diagnose({
    ...{ config, site, peer, link },
    parts: part ? [part] : await partsHere(site.certificates),
    kept: await synchronised(),
    onStep: (step) => {
      if (!json) for (const each of linesOf(step, peer)) out(each);
    },
    now: () => performance.now(),
    wallClock: () => Date.now(),
  });
  return conclude(steps, `calls between ${site.domain} and ${peer} work`, json, out);
}

/** The last line, or all of it as JSON. */
function conclude(steps: readonly Step[], what: string, json: boolean, out: (line: string) => void): number {
  const last = verdict(steps, what);
  out(json ? JSON.stringify({ ready: isReady(steps), verdict: last, steps }) : last);
  return steps.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
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
