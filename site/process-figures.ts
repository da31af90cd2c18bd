/** What a running server says of its own process to whoever watches it. Reading it disturbs no measurement that goes on between scrapes. */
import process from 'node:process';
import Type, { type Static } from 'typebox';

export const ProcessFigures = Type.Object({
  /** Resident memory, bytes. */
  memory: Type.Number(),
  /** Processor time since the start, user and system, ms. */
  cpuMs: Type.Number(),
  /** How long the event loop took to come to the next turn, ms: a sample of this moment. */
  lagMs: Type.Number(),
  /** Since the start, s. */
  upSeconds: Type.Number(),
});
export type ProcessFigures = Static<typeof ProcessFigures>;

export async function processFigures(): Promise<ProcessFigures> {
  const before = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  const lagMs = performance.now() - before;
  const { user, system } = process.cpuUsage();
  return { memory: process.memoryUsage.rss(), cpuMs: (user + system) / 1_000, lagMs, upSeconds: process.uptime() };
}
