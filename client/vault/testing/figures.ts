/** Measures the vaults of Node and Chromium, for the README of the folder: `node client/vault/testing/figures.ts`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PageBrowser } from '../../testing/page-browser.ts';
import { FileVault } from '../sqlite.ts';
import { type Figures, measure } from './measure.ts';
import type {} from './vault-page.ts';

// In memory (tmpfs), where some systems have their temporary folder, syncing costs nothing.
const folder = await mkdtemp(join(homedir(), '.hawser-figures-'));
try {
  const path = join(folder, 'vault');
  print('Node', await measure((ifMissing) => FileVault.open({ path, passphrase: 'a passphrase', ifMissing })));
} finally {
  await rm(folder, { recursive: true });
}
const browser = await PageBrowser.start({ page: join(import.meta.dirname, 'vault-page.ts') });
try {
  const page = await browser.tab();
  print('Chromium', await page.evaluate(() => window.page.measure('figures')));
} finally {
  await browser.close();
}

function print(where: string, figures: Figures): void {
  for (const [what, figure] of Object.entries(figures)) console.log(`${where}\t${what}\t${figure.toFixed(1)}`);
}
