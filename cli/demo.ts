/** `hawser demo`: two organisations on this machine, to look at or to check. */
import { buildWeb } from '#web/build.ts';
import { command } from './command.ts';
import { canIsolate, isInside, layCable, packetsOut, runInside } from './demo/border.ts';
import { runCheck } from './demo/check.ts';
import { Mailbox } from './demo/mailbox.ts';
import { fixedPlaces, freePlaces } from './demo/places.ts';
import { startTrial } from './demo/trial.ts';
import { demoPorts } from './doctor/ports.ts';
import { Problem } from './errors.ts';
import { ensureChromium } from './setup/chromium.ts';
import { say } from './setup/say.ts';
import { ensureWorker } from './setup/worker.ts';

export const demo = command({
  name: 'demo',
  summary: 'Start two organisations on this machine and say which addresses to open',
  usage: '',
  about: [
    'Everything is on loopback, made anew at each start, and gone when you press Ctrl-C.',
    '--check ends with one JSON object on the last line and exit code 0 (all is well) or 1.',
  ],
  flags: {
    check: { type: 'boolean', summary: 'Let two browsers call each other for five seconds, report, and end' },
    screenshot: { type: 'string', value: 'FILE', summary: 'With --check: a picture of the call, PNG' },
  },
  async run({ flags, out, signal }) {
    if (flags.check) return check(flags.screenshot, out, signal);
    await ensureWorker();
    await web();
    const places = { alpha: fixedPlaces('alpha'), beta: fixedPlaces('beta') };
    const died = Promise.withResolvers<string>();
    await using undo = new AsyncDisposableStack();
    const mailbox = await Mailbox.open(demoPorts.alpha.mails);
    undo.defer(() => mailbox.close());
    const trial = await startTrial({ places, mail: mailbox.smtp, mailbox: mailbox.page, say, onDied: died.resolve });
    try {
      for (const line of invitation(trial, mailbox.page)) out(line);
      const sentence = await Promise.race([died.promise, aborted(signal)]);
      if (sentence) throw new Problem(sentence);
      say('stopping');
      return 0;
    } finally {
      await trial.stop();
    }
  },
});

function invitation({ alice, bob }: Awaited<ReturnType<typeof startTrial>>, mails: string): string[] {
  const line = ({ name, handle, password, organisation }: typeof alice) =>
    `  ${name.padEnd(6)} ${organisation.url.padEnd(30)} sign in as ${handle}, password ${password}`;
  return [
    '',
    'Two organisations are running. Open each address in a window of its own:',
    '',
    line(alice),
    line(bob),
    '',
    'Both are in one conversation; press "Start call" in one window and "Join" in the other. Ctrl-C ends everything.',
    `E-mail of both organisations, such as codes, is delivered to nobody; read it at ${mails}`,
    '',
  ];
}

async function check(
  screenshot: string | undefined,
  out: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  // What is fetched or built must be there before the way out is cut.
  if (!isInside()) {
    await ensureWorker();
    await ensureChromium();
    await web();
    if (await canIsolate()) return runInside(signal);
    say('no right to make a network namespace, so it cannot be proved that nothing leaves this machine');
  } else await layCable();

  const began = performance.now();
  // A server that dies, or Ctrl-C, ends the check at once.
  const over = new AbortController();
  const end = (sentence: string) => over.abort(new Problem(sentence));
  signal.addEventListener('abort', () => end('stopped'), { once: true });
  const work = async () => {
    const places = await freePlaces('alpha', 'beta');
    const trial = await startTrial({ places, say, onDied: end });
    try {
      return await runCheck({ trial, say, signal: over.signal, ...(screenshot && { screenshot }) });
    } catch (error) {
      for (const server of [...trial.alpha.processes, ...trial.beta.processes]) {
        say(`the end of the log of ${server.name}:\n${await server.lastLines()}`);
      }
      throw over.signal.aborted ? over.signal.reason : error;
    } finally {
      await trial.stop();
    }
  };
  const report = await work().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  });
  const packets = isInside() ? await packetsOut() : undefined;
  const leftLoopback = packets === undefined ? null : packets > 0;
  const ok = report.ok && leftLoopback !== true;
  const seconds = Number(((performance.now() - began) / 1_000).toFixed(1));
  out(JSON.stringify({ ...report, ok, leftLoopback, seconds }));
  return ok ? 0 : 1;
}

async function web(): Promise<void> {
  const { fresh } = await buildWeb();
  if (fresh) say('built the web page');
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
