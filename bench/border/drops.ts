/** What the kernel threw away because a program did not read its UDP socket in time: the last column of /proc/net/udp. */
import { readFile } from 'node:fs/promises';

/** Packets lost at all sockets of these IPv4 addresses since they were opened; undefined where the kernel does not tell. */
export async function lostAt(addresses: readonly string[]): Promise<number | undefined> {
  const table = await readFile('/proc/net/udp', 'utf8').catch(() => undefined);
  return table === undefined ? undefined : dropsOf(table, addresses);
}

export function dropsOf(table: string, addresses: readonly string[]): number {
  const wanted = new Set(addresses.map(asKernelWrites));
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => wanted.has(columns[1]?.split(':')[0] ?? ''))
    .reduce((sum, columns) => sum + Number(columns.at(-1)), 0);
}

/** The four bytes as one number of the processor's own order, which is little-endian wherever this runs. */
function asKernelWrites(address: string): string {
  return Buffer.from(address.split('.').map(Number).reverse()).toString('hex').toUpperCase();
}
