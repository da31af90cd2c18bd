import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Repeated } from './report/repeated.ts';
import type { VoicesReport } from './voices.ts';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');

it('measures one of each kind: who is kept ready loses nothing, who is not is heard', async () => {
  const words = [MAIN, 'bench', 'voices', '--speakers', '22', '--rounds', '1', '--seconds', '2', '--json'];
  // How soon depends on what else the machine does: the exit code may say that it was too late.
  const { stdout } = await promisify(execFile)(process.execPath, words).catch((error: { stdout: string }) => error);
  const { medians }: Repeated<VoicesReport> = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  const { warm, outside, cost } = medians;
  expect(warm).toMatchObject({ rounds: 1, heard: warm.sent });
  expect(warm.sent).toBeGreaterThan(5);
  expect(outside).toMatchObject({ rounds: 1, heard: 1 });
  // 16 warm voices at 2.5 packets a second; three that speak at 50 beside them.
  const [silent, speaking] = cost;
  expect(silent?.packetsPerSecond).toBeLessThan(80);
  expect(speaking?.packetsPerSecond).toBeGreaterThan((silent?.packetsPerSecond ?? 0) + 60);
});
