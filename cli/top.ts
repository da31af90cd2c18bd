/** `hawser top`: both servers of a site, live. */
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { PeerReports } from '#signalling/administration.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { configFlag } from './flags.ts';
import { ask, notRunning } from './servers/ask.ts';
import { HomeserverFigures } from './servers/homeserver-answers.ts';
import { type Ports, portsOf } from './servers/ports.ts';
import { SftFigures } from './servers/sft-answers.ts';
import { frameOf, furthest } from './top/frame.ts';
import { type Key, Screen } from './top/screen.ts';
import { type Reading, type View, viewOf } from './top/view.ts';

const EVERY_MS = 1_000;
/** Of a frame that goes into a file or a pipe. */
const WHOLE = { width: 160, height: Number.POSITIVE_INFINITY };

export const top = command({
  name: 'top',
  summary: 'Watch both servers: calls, people, links, what waits, and the load',
  usage: '',
  about: [
    'Anew each second. Up and Down scroll, q ends. Where the output is no terminal, one frame is printed, as with --once.',
    'WAITING is what another domain still has to be told; SHED, layers that are left out for want of room. LOSS counts both',
    'directions of the trunks. The processor is counted in shares of one core. With NO_COLOR in the environment there are no colours.',
  ],
  flags: {
    once: { type: 'boolean', summary: 'One frame, after a second in which the rates are measured' },
    config: configFlag('The site, which names the ports of both servers'),
  },
  async run({ flags, out, signal }) {
    const ports = await portsOf(flags.config);
    if (flags.once || !process.stdout.isTTY) await once(ports, out, signal);
    else await live(ports, signal);
    return 0;
  },
});

async function once(ports: Ports, out: (line: string) => void, signal: AbortSignal): Promise<void> {
  const before = await read(ports, signal);
  if (!before.sft && !before.homeserver) {
    throw new Problem(`${notRunning(ports.homeserver).message} ${notRunning(ports.sft).message}`);
  }
  await wait(EVERY_MS, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  const view = viewOf(ports.site.domain, before, await read(ports, signal));
  for (const { text } of frameOf(view, WHOLE)) out(text.trimEnd());
}

async function live(ports: Ports, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  let before: Reading | undefined;
  let view: View | undefined;
  let offset = 0;
  const draw = () => view && screen.draw(frameOf(view, screen.size, offset));
  using screen = new Screen({
    onKey: (key) => {
      if (key === 'end') return ended.abort();
      if (view) offset = scrolled(key, offset, screen.size.height, furthest(view, screen.size));
      draw();
    },
    onResize: draw,
  });
  while (!stop.aborted) {
    // What answers wrongly at the beginning is told; what fails later may be a server that is just started again.
    const now = await read(ports, stop, before !== undefined).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
    if (!now || stop.aborted) return;
    view = viewOf(ports.site.domain, before, now);
    before = now;
    draw();
    await wait(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

function scrolled(key: Exclude<Key, 'end'>, offset: number, height: number, most: number): number {
  const page = Math.max(1, Math.floor(height / 2));
  const step = { up: -1, down: 1, 'page up': -page, 'page down': page }[key];
  return Math.min(most, Math.max(0, offset + step));
}

async function read({ sft, homeserver }: Ports, signal: AbortSignal, isLenient = false): Promise<Reading> {
  const forgiving = <T>(answer: Promise<T>) => (isLenient ? answer.catch(() => undefined) : answer);
  const [media, home, peers] = await Promise.all([
    forgiving(ask(sft, ['GET', '/state'], SftFigures, signal)),
    forgiving(ask(homeserver, ['GET', '/admin/v1/state'], HomeserverFigures, signal)),
    forgiving(ask(homeserver, ['GET', '/admin/v1/peers'], PeerReports, signal)),
  ]);
  return { at: Date.now(), sft: media, homeserver: home, peers };
}
