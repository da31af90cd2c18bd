/** What saving and putting back have in common: the site, what goes wrong, and a line that shows how far it is. */
import process from 'node:process';
import { BackupError } from '#homeserver/backup/fault.ts';
import { StoreError } from '#homeserver/store/faults.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import { Problem } from '../errors.ts';
import { progress } from '../setup/say.ts';

export function siteOf(config: string, parts: readonly Part[]): Promise<Site> {
  return loadSite(config, parts).catch(asProblem);
}

/** @throws Problem for what the person at the keyboard can mend */
export function asProblem(error: unknown): never {
  if (error instanceof SiteError || error instanceof BackupError || error instanceof StoreError) {
    throw new Problem(error.message, { cause: error });
  }
  throw error;
}

/** One line of progress at a time, each with the words of its step; nothing where nobody watches, in a daily job. */
export function steps<Step extends string>(words: Readonly<Record<Step, string>>) {
  let current: { readonly step: Step; readonly line: ReturnType<typeof progress> } | undefined;
  return {
    report(step: Step, done: number, total: number): void {
      if (!process.stderr.isTTY) return;
      if (current?.step !== step) {
        current?.line.end();
        current = { step, line: progress(words[step]) };
      }
      current.line.update(done, Math.max(total, 1));
    },
    end(): void {
      current?.line.end();
    },
  };
}
