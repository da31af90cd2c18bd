/**
 * Proof that nothing left this machine. The check runs in a network namespace of its own, whose only way out is a cable
 * to nowhere; the kernel counts what goes into it. Without the right to make a namespace nothing can be said.
 */
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Set in the process that runs inside. */
const INSIDE = 'HAWSER_INSIDE_NAMESPACE';
const CABLE = 'border0';
/** TEST-NET-2 (RFC 5737): an address that is never anybody's. */
const ADDRESS = '198.51.100.2/24';
const GATEWAY = '198.51.100.1';

export function isInside(): boolean {
  return process.env[INSIDE] === '1';
}

/** Whether this process may make a namespace and what belongs into it. */
export async function canIsolate(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    await run('unshare', ['--net', 'ip', 'link', 'add', CABLE, 'type', 'veth', 'peer', 'name', 'border1']);
    return true;
  } catch {
    return false;
  }
}

/** Runs this same command inside a new namespace and resolves to its exit code. */
export function runInside(signal: AbortSignal): Promise<number> {
  const child = spawn('unshare', ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  const pass = () => child.kill('SIGTERM');
  signal.addEventListener('abort', pass, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', pass);
      resolve(code ?? 1);
    });
  });
}

/** Lays the cable. Neither ARP nor multicast membership nor IPv6 speak on it by themselves, so each packet is somebody's. */
export async function layCable(): Promise<void> {
  const ip = (...words: string[]) => run('ip', words);
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', CABLE, 'type', 'veth', 'peer', 'name', 'border1');
  await run('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']).catch(
    () => undefined,
  );
  await ip('link', 'set', CABLE, 'multicast', 'off', 'arp', 'off');
  await ip('address', 'add', ADDRESS, 'dev', CABLE);
  await ip('link', 'set', CABLE, 'up');
  await ip('link', 'set', 'border1', 'up');
  await ip('route', 'add', 'default', 'via', GATEWAY);
}

/** Packets that went into the cable since it was laid. */
export async function packetsOut(): Promise<number> {
  const devices = await readFile('/proc/self/net/dev', 'utf8');
  const line = devices.split('\n').find((candidate) => candidate.trimStart().startsWith(`${CABLE}:`));
  // After the name: eight columns of what came in, then bytes and packets of what went out.
  const packets = line
    ?.slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)[9];
  if (packets === undefined) throw new Error(`the kernel has no count for ${CABLE}`);
  return Number(packets);
}
