/** For tests: a folder that is gone when the tests of the file are. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Outside of any hook, where vitest takes no further ones. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-trust-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
