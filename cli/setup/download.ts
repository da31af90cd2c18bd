/** mediasoup's own prebuilt worker, from where its install script would take it. */
import { writeFile } from 'node:fs/promises';
import { arch, platform, release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { outcome } from './program.ts';
import { say } from './say.ts';

/** How long the server may take to answer, and then to send its 4 MB. Without a network this ends at once. */
const ANSWER_MS = 10_000;
const BODY_MS = 120_000;

/** The address, by mediasoup's naming; MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL is a mirror, as for mediasoup itself. */
export function prebuiltUrl(version: string, env: NodeJS.ProcessEnv = process.env): string {
  const base =
    env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL || 'https://github.com/versatica/mediasoup/releases/download';
  const kernel = platform() === 'linux' ? `-kernel${Number.parseInt(release(), 10)}` : '';
  return `${base}/${version}/mediasoup-worker-${version}-${platform()}-${arch()}${kernel}.tgz`;
}

/** Puts `mediasoup-worker` into `target` and returns true, or returns false when there is none to be had. */
export async function downloadWorker(version: string, target: string): Promise<boolean> {
  if (process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD) return false;
  const archive = join(target, 'worker.tgz');
  try {
    await writeFile(archive, await fetchWithin(prebuiltUrl(version), ANSWER_MS, BODY_MS));
  } catch (error) {
    say(`no ready media worker to download (${reason(error)})`);
    return false;
  }
  const { code } = await outcome('tar', ['-xzf', archive, '-C', target, 'mediasoup-worker']);
  if (code !== 0) say('the downloaded media worker could not be unpacked');
  return code === 0;
}

async function fetchWithin(url: string, answerMs: number, bodyMs: number): Promise<Uint8Array> {
  const stop = new AbortController();
  const answerTimer = setTimeout(() => stop.abort(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
  const bodyTimer = setTimeout(() => stop.abort(new Error(`not complete within ${bodyMs / 1000} s`)), bodyMs);
  try {
    const response = await fetch(url, { signal: stop.signal });
    clearTimeout(answerTimer);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } finally {
    clearTimeout(answerTimer);
    clearTimeout(bodyTimer);
  }
}

/** fetch says only "fetch failed"; the cause says why. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
