/** What starting either server has in common: its site, its log, and the ways in which it is asked to end. */
import process from 'node:process';
import { type Logger, pino } from 'pino';
import { checkSite } from '#check/check.ts';
import { lineOf } from '#check/finding.ts';
import { loadSite } from '#site/load.ts';
import { type Level, LOG_LEVELS } from '#site/log-level.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import { Problem } from './errors.ts';
import { configFlag } from './flags.ts';
import { tellReady, tellStopping } from './service-manager.ts';

export interface Running {
  close(): Promise<void>;
  /** Where it may end softly: lets what goes on come to its end after SIGTERM, for `forMs` at the most. Resolves when it is to be closed. */
  readonly drain?: { readonly forMs: number; begin(): Promise<void> };
  /** Resolves when it is to be closed though no signal came, because its administrator wanted so. */
  readonly drained?: Promise<void>;
}

/** What a parent that started the server over an IPC channel is told when it serves. */
export interface Ready {
  readonly ready: true;
}

export const serveFlags = {
  config: configFlag('The site'),
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    default: 'info',
    choices: LOG_LEVELS,
    summary: `One of ${LOG_LEVELS.join(', ')}; hawser log-level changes it while it runs`,
  },
} as const;

/** Serves until the signal is aborted or the parent process is gone. */
export async function serve(
  part: Part,
  flags: { readonly config: string; readonly 'log-level': Level },
  signal: AbortSignal,
  start: (site: Site, log: Logger) => Promise<Running>,
): Promise<number> {
  const findings = await checkSite(flags.config, { parts: [part] });
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Problem(errors.map((each) => `${lineOf(each)} ${each.remedy}`).join('\n'));
  const site = await loadSite(flags.config, [part]).catch(asProblem);
  const log = pino({ level: flags['log-level'], name: `hawser-${part}` });
  for (const each of findings) log.warn({ option: each.path, remedy: each.remedy }, lineOf(each));
  const running = await start(site, log).catch(asProblem);
  process.send?.({ ready: true } satisfies Ready);
  await tellReady().catch((error: unknown) => running.close().finally(() => asProblem(error)));
  const gone = parentGone();
  await Promise.race([aborted(signal), gone, ...(running.drained ? [running.drained] : [])]);
  // Ctrl-C, and a parent that is gone, wait for nobody. A second signal ends the process wherever it is.
  if (running.drain && signal.aborted && signal.reason === 'SIGTERM') {
    const drained = running.drain.begin();
    await tellStopping(running.drain.forMs).catch((error: unknown) =>
      log.error(error, 'systemd may not wait for calls'),
    );
    await Promise.race([drained, gone]);
  }
  log.info('stopping');
  await running.close();
  // The channel to a parent would keep this process alive.
  if (process.connected) process.disconnect();
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function parentGone(): Promise<void> {
  return new Promise((resolve) => process.once('disconnect', () => resolve()));
}

function asProblem(error: unknown): never {
  if (error instanceof SiteError) throw new Problem(error.message, { cause: error });
  if (error instanceof Error) throw new Problem(error.message, { cause: error });
  throw error;
}
