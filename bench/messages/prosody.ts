/** A Prosody that was started for a comparison, on loopback and in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { freePlaces } from '#cli/demo/places.ts';
import { ensureProsody } from '#cli/setup/prosody.ts';
import type { Guard } from '../guarded.ts';
import type { XmppServer } from './xmpp-device.ts';

const DOMAIN = 'alpha.localhost';
const START_MS = 10_000;

/**
 * What a server for an organisation needs: accounts, messages that wait and an archive of all, stream management, rooms with
 * their archive. Passwords lie in clear text, because a thousand of them hashed is not what is measured.
 */
const configuration = (data: string, port: number) => `
run_as_root = true
data_path = "${data}"
certificates = "${data}"
interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
modules_enabled = { "roster", "saslauth", "disco", "register_ibr", "smacks", "mam", "offline" }
modules_disabled = { "s2s" }
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
log = { { levels = { min = "warn" }, to = "console" } }
VirtualHost "${DOMAIN}"
Component "rooms.${DOMAIN}" "muc"
  modules_enabled = { "muc_mam" }
`;

export interface RunningProsody extends XmppServer {
  readonly pid: number;
  /** `Prosody 0.12.3` */
  readonly title: string;
}

export async function startProsody({ undo, onDied }: Guard): Promise<RunningProsody> {
  const { program, source, script, env } = await ensureProsody();
  const folder = await mkdtemp(join(tmpdir(), 'hawser-prosody-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  await mkdir(data);
  const { alpha } = await freePlaces('alpha');
  const port = alpha.home;
  await writeFile(join(folder, 'prosody.cfg.lua'), configuration(data, port));
  // The package's script knows only where it would have been installed.
  const text = (await readFile(script, 'utf8'))
    .replace(/^CFG_SOURCEDIR=.*$/m, `CFG_SOURCEDIR='${source}'`)
    .replace(/^CFG_PLUGINDIR=.*$/m, `CFG_PLUGINDIR='${source}/modules/'`);
  await writeFile(join(folder, 'start.lua'), text);
  const log = openSync(join(folder, 'log'), 'a');
  const args = [join(folder, 'start.lua'), '-F', '--config', join(folder, 'prosody.cfg.lua')];
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
  undo.defer(() => end(child));
  child.once('exit', () => onDied('Prosody ended by itself.'));
  undo.defer(() => void child.removeAllListeners('exit'));
  await answers(port, join(folder, 'log'));
  const version = await readFile(join(source, 'prosody.version'), 'utf8').catch(() => '');
  return { host: '127.0.0.1', port, domain: DOMAIN, pid: child.pid ?? 0, title: `Prosody ${version.trim()}`.trim() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function answers(port: number, log: string): Promise<void> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    const socket = connect({ host: '127.0.0.1', port });
    const came = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (came) return;
    await wait(50);
  }
  throw new Error(`Prosody does not start:\n${await readFile(log, 'utf8')}`);
}
