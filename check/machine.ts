/** What the machine allows: its addresses, ports and buffers, and who asks. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { workersHere } from '#site/sft.ts';
import type { User } from './file.ts';

/** That of Debian's package. */
const COTURN = 'turnserver';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What is not known of other systems than Linux is undefined. */
export interface Machine {
  /** Of all interfaces. */
  readonly addresses: readonly string[];
  readonly uid: number | undefined;
  /** Media workers of an SFT that is told no number. */
  readonly workers: number;
  /** Ports that outgoing connections are given. */
  readonly outgoing: Range | undefined;
  /** Of those, the ones that are kept free. */
  readonly reserved: readonly Range[];
  /** Most bytes of a receive buffer, `net.core.rmem_max`. */
  readonly receiveBuffer: number | undefined;
  /** The first port that everybody may listen on; 0 where this process may listen on all. */
  readonly firstFreePort: number | undefined;
  /** The user as whom coturn runs, where it is installed. */
  readonly coturn: User | undefined;
  /** Whether systemd starts and ends what runs here (sd_booted(3)). */
  readonly hasSystemd: boolean;
}

const NET = '/proc/sys/net';
/** CAP_NET_BIND_SERVICE, capabilities(7). */
const MAY_BIND = 1n << 10n;

export async function thisMachine(): Promise<Machine> {
  const [outgoing, reserved, receive, first, status, users, groups] = await Promise.all(
    [
      `${NET}/ipv4/ip_local_port_range`,
      `${NET}/ipv4/ip_local_reserved_ports`,
      `${NET}/core/rmem_max`,
      `${NET}/ipv4/ip_unprivileged_port_start`,
      '/proc/self/status',
      '/etc/passwd',
      '/etc/group',
    ].map((path) => readFile(path, 'utf8').catch(() => undefined)),
  );
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1];
  const mayBind = capabilities !== undefined && (BigInt(`0x${capabilities}`) & MAY_BIND) !== 0n;
  return {
    addresses: Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
    uid: process.getuid?.(),
    workers: workersHere({}),
    outgoing: rangesOf(outgoing?.trim().replace(/\s+/, '-'))[0],
    reserved: rangesOf(reserved?.trim()),
    receiveBuffer: numberOf(receive),
    firstFreePort: mayBind ? 0 : numberOf(first),
    coturn: userOf(COTURN, users, groups),
    hasSystemd: existsSync('/run/systemd/system'),
  };
}

/** Of the two files that passwd(5) and group(5) describe. */
export function userOf(name: string, users: string | undefined, groups: string | undefined): User | undefined {
  const fields = (text: string | undefined) => (text ?? '').split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = fields(users).find(([first]) => first === name) ?? [];
  if (uid === undefined || gid === undefined) return undefined;
  const also = fields(groups).filter(([, , , members = '']) => members.split(',').includes(name));
  return { name, uid: Number(uid), gids: [Number(gid), ...also.map(([, , id]) => Number(id))] };
}

/** `40000-40003,41000` */
function rangesOf(text: string | undefined): readonly Range[] {
  return (text ?? '').split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return from !== undefined && to !== undefined && from > 0 ? [{ from, to }] : [];
  });
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number.parseInt(text ?? '', 10);
  return Number.isNaN(number) ? undefined : number;
}
