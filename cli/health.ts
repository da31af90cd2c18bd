/**
 * Whether the server in this container is well: its administrator's port answers. Which server that is and which site it has stand in the
 * command line of the container's first process, so that one image serves both, and two that share the host's network are told apart.
 * HAWSER_HEALTH_URL names the address where the first process is another one. Ends with 0 or 1, as HEALTHCHECK in the Dockerfile wants it.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { hostAndPort } from '#site/address.ts';
import { loadSite } from '#site/load.ts';
import type { Part } from '#site/part.ts';
import { siteFile } from './flags.ts';

/**
 * What a command line starts, `… homeserver --config /etc/hawser/site/hawser.yaml`, with its site where it names one; undefined where that is no
 * server.
 */
export function serverOf(words: readonly string[]): { part: Part; config: string | undefined } | undefined {
  const part = words.find((word): word is Part => word === 'homeserver' || word === 'sft');
  const flag = words.findIndex((word) => word === '--config' || word.startsWith('--config='));
  const config = words[flag] === '--config' ? words[flag + 1] : words[flag]?.slice('--config='.length);
  return part && { part, config };
}

/** `listen` is such as 127.0.0.1:8450; a port on every address is asked on loopback. */
export function healthUrl(listen: string): string {
  const { host, port } = hostAndPort(listen);
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}/health`;
}

async function address(): Promise<string> {
  if (process.env.HAWSER_HEALTH_URL) return process.env.HAWSER_HEALTH_URL;
  const words = (await readFile('/proc/1/cmdline', 'utf8')).split('\0');
  const server = serverOf(words);
  if (!server) throw new Error('The first process of this container is no server of Hawser. Set HAWSER_HEALTH_URL.');
  return healthUrl((await loadSite(server.config ?? siteFile(existsSync), []))[server.part].admin.listen);
}

async function ask(): Promise<void> {
  const url = await address();
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
}

if (import.meta.main) {
  process.exitCode = await ask().then(
    () => 0,
    (error: unknown) => {
      // Docker and Kubernetes show it beside the state of the container.
      console.error(error instanceof Error ? error.message : String(error));
      return 1;
    },
  );
}
