/** For tests: a real media server beside a real homeserver, and commands that ask both. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { stringify } from 'yaml';
import type { Organisation } from '#homeserver/testing/organisation.ts';
import { type RunningSft, startSft } from '#sft/main.ts';
import { until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';
import type { Command } from '../command.ts';

export interface TestSite {
  readonly config: string;
  /** Lines that the media server logged. */
  readonly logged: readonly string[];
  readonly sft: RunningSft;
}

/** Starts the SFT of an organisation, which takes the place of the one that stood in for it, and writes its configuration. */
export async function startSite(organisation: Organisation, folder: string): Promise<TestSite> {
  const [admin = 0, media = 0] = await freePorts(16);
  const { site } = organisation;
  Object.assign(site.sft, {
    admin: { listen: `127.0.0.1:${admin}` },
    media: { workers: 1, listenIp: '127.0.0.1', entrance: 'webrtc', port: media },
    trunk: { ...site.sft.trunk, ports: { from: media + 4, to: media + 12 }, mode: 'layers' },
  });
  const config = join(folder, `${site.domain}.yaml`);
  await writeFile(config, stringify(site));
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const sft = await startSft({ site, log, linkIdleMs: 50 });
  await until(() => logged.some((line) => line.includes('connected to the homeserver')), 'the SFT at its homeserver');
  return { config, logged, sft };
}

/** What a command says, on both outputs. @throws what it throws */
export async function say({ config }: Pick<TestSite, 'config'>, command: Command, ...argv: string[]): Promise<string> {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const terminal = { out: write, err: write, signal: new AbortController().signal };
  await command.execute(['--config', config, ...argv], terminal);
  return lines.join('\n');
}
