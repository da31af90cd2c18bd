/** `hawser log-level`: how much the running servers of a site log, shown and changed. */
import type { Static } from 'typebox';
import { LOG_LEVELS, LogLevelState, MAX_FOR_SECONDS } from '#site/log-level.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag as json } from './flags.ts';
import { ask, notRunning, type Port } from './servers/ask.ts';
import { portsOf } from './servers/ports.ts';
import { didYouMean } from './suggest.ts';

const UNITS = { s: 1, m: 60, h: 3_600 } as const;

export const logLevel = command({
  name: 'log-level',
  summary: 'Say how much the running servers log, or change it while they run',
  usage: '[LEVEL]',
  words: { min: 0, max: 1 },
  about: [
    `LEVEL is one of ${LOG_LEVELS.join(', ')}. A server that is started again has the level that it is started with.`,
    'Example: hawser log-level debug --for 10m',
    'At debug the steps of joins and links and every request are logged, with domains, conferences and pseudonyms. Secrets, names of',
    'people and what they write are in the log at no level.',
  ],
  flags: {
    for: { type: 'string', value: 'TIME', summary: 'After which it goes back, such as 30s, 10m or 2h; a day at most' },
    part: {
      type: 'string',
      value: 'PART',
      choices: ['sft', 'homeserver'],
      summary: 'Only this server: sft or homeserver',
    },
    config: configFlag('The site, which names the ports of both servers'),
    json,
  },
  async run({ flags, args: [word], out, err, signal }) {
    const level = word === undefined ? undefined : levelIn(word);
    if (level === undefined && flags.for !== undefined) throw new UsageError('--for needs a level.');
    const seconds = flags.for === undefined ? undefined : secondsIn(flags.for);
    const ports = await portsOf(flags.config);
    const wish = level && { level, ...(seconds !== undefined && { seconds }) };
    const parts = [
      { part: 'sft', port: ports.sft, path: '/log-level' },
      { part: 'homeserver', port: ports.homeserver, path: '/admin/v1/log-level' },
    ].filter(({ part }) => flags.part === undefined || flags.part === part);
    const answers = await Promise.all(
      parts.map(async ({ part, port, path }) => {
        const state = await ask(port, [wish ? 'PUT' : 'GET', path], LogLevelState, signal, wish);
        return { part, port, state };
      }),
    );
    const running = answers.flatMap(({ part, port, state }) => (state ? [{ part, port, state }] : []));
    const [absent] = answers.filter(({ state }) => !state);
    if (running.length === 0 && absent)
      throw new Problem(answers.map(({ port }) => notRunning(port).message).join(' '));
    if (flags.json) {
      out(JSON.stringify(Object.fromEntries(running.map(({ part, state }) => [part, state]))));
      return 0;
    }
    for (const { port, state } of running) out(sentenceOf(port, state));
    if (absent) err(notRunning(absent.port).message);
    return 0;
  },
});

function sentenceOf({ what }: Port, { level, back, until }: Static<typeof LogLevelState>): string {
  if (until === undefined) return `The ${what} logs at ${level}.`;
  return `The ${what} logs at ${level} until ${new Date(until).toISOString().slice(11, 19)} UTC, then at ${back} again.`;
}

function levelIn(word: string) {
  const level = LOG_LEVELS.find((each) => each === word);
  if (level) return level;
  throw new UsageError(`'${word}' is no level: there are ${LOG_LEVELS.join(', ')}.${didYouMean(word, LOG_LEVELS)}`);
}

function secondsIn(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === 's' || unit === 'm' || unit === 'h' ? UNITS[unit] : Number.NaN);
  if (seconds >= 1 && seconds <= MAX_FOR_SECONDS) return seconds;
  throw new UsageError(`--for takes a time such as 30s, 10m or 2h, a day at most, not '${text}'.`);
}
