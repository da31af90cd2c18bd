/** The browser that the tests and `hawser demo --check` drive. People use their own. */
import process from 'node:process';
import { Problem } from '../errors.ts';
import { ensureDebianPackages, release } from './debian.ts';
import { findProgram, isExecutable } from './program.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * The path of a Chromium: what HAWSER_CHROMIUM names, else one on PATH, else Debian's package.
 * @throws Problem saying what to install, when there is none
 */
export async function ensureChromium(): Promise<string> {
  const found = await findChromium();
  if (found !== undefined) return found;
  // Ubuntu's package of that name only fetches a snap, which cannot be driven from here.
  if ((await release()).id === 'debian') {
    await ensureDebianPackages(['chromium'], 'for the tests in a browser');
    const installed = await findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Problem('Chromium or Chrome is needed for this. Install it, or set HAWSER_CHROMIUM to its path.');
}

/** The Chromium that is there already. */
export async function findChromium(): Promise<string | undefined> {
  const given = process.env.HAWSER_CHROMIUM;
  if (given) {
    if (await isExecutable(given)) return given;
    throw new Problem(`HAWSER_CHROMIUM is ${given}, and there is no such program. Mend or unset it.`);
  }
  for (const name of NAMES) {
    const file = await findProgram(name);
    if (file !== undefined) return file;
  }
  return undefined;
}
