/** For tests: a folder that is gone when the tests of the file are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
