/** Whether the programs that Hawser runs on are there, without fetching any. */
import process from 'node:process';
import { Problem } from '../errors.ts';
import { findChromium } from '../setup/chromium.ts';
import { isAtLeast } from '../setup/meson.ts';
import { findWorker } from '../setup/worker.ts';
import type { Check } from './check.ts';

/** The floor of package.json's `engines` and of the launcher. */
const OLDEST_NODE = '24.0.0';

export function checkNode(version: string = process.versions.node): Check {
  const found = `${version} (${process.execPath})`;
  if (isAtLeast(version, OLDEST_NODE)) return { name: 'Node', ok: true, found };
  return { name: 'Node', ok: false, found, todo: 'Start Hawser with ./hawser, which brings a newer one along.' };
}

export async function checkWorker(): Promise<Check> {
  return checkProgram(
    'media worker',
    findWorker,
    'hawser test or hawser demo downloads or builds one; that takes about five minutes, once.',
  );
}

export async function checkChromium(): Promise<Check> {
  return checkProgram('Chromium', findChromium, 'Install it (Debian: apt-get install chromium); only tests need it.');
}

async function checkProgram(name: string, find: () => Promise<string | undefined>, todo: string): Promise<Check> {
  try {
    const file = await find();
    return file === undefined ? { name, ok: false, found: 'not found', todo } : { name, ok: true, found: file };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name, ok: false, found: 'set to something that does not work', todo: error.message };
  }
}
