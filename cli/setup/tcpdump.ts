/** The program with which tests record every packet that they cause. People need it for nothing. */
import process from 'node:process';
import { Problem } from '../errors.ts';
import { ensureDebianPackages } from './debian.ts';
import { findProgram, isExecutable, outcome } from './program.ts';

/** Not everywhere on the PATH of somebody who is not root. */
const BESIDE_PATH = ['/usr/sbin/tcpdump', '/usr/bin/tcpdump'];

/**
 * The path of a tcpdump that may record: what HAWSER_TCPDUMP names, else one of this system, else Debian's package.
 * @throws Problem saying what to do, where there is none, or where it may not
 */
export async function ensureTcpdump(): Promise<string> {
  const found = await findTcpdump();
  if (found === undefined) await ensureDebianPackages(['tcpdump'], 'to record packets in a test');
  const file = found ?? (await findTcpdump());
  if (file === undefined)
    throw new Problem('tcpdump is needed for this. Install it, or set HAWSER_TCPDUMP to its path.');
  // Opens the device, and prints the program of a filter in place of packets.
  const { code, tail } = await outcome(file, ['-i', 'lo', '-d', 'udp']);
  if (code === 0) return file;
  throw new Problem(
    `${file} may not record packets of the interface lo here. Run this as root, or: setcap cap_net_raw+ep ${file}\n\n${tail}`,
  );
}

/** The one that is there already. */
async function findTcpdump(): Promise<string | undefined> {
  const given = process.env.HAWSER_TCPDUMP;
  if (given) {
    if (await isExecutable(given)) return given;
    throw new Problem(`HAWSER_TCPDUMP is ${given}, and there is no such program. Mend or unset it.`);
  }
  const onPath = await findProgram('tcpdump');
  if (onPath !== undefined) return onPath;
  for (const file of BESIDE_PATH) if (await isExecutable(file)) return file;
  return undefined;
}
