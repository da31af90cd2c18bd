/** The ports that `hawser demo` uses by default, in this one place, and whether they are free. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Check } from './check.ts';

export interface PortRange {
  protocol: 'TCP' | 'UDP';
  from: number;
  to: number;
  purpose: string;
}

/** The demo's addresses: all on loopback. Each domain has one block of TCP ports and one of UDP ports. */
export const demoPorts = {
  alpha: {
    /** The homeserver's page and client API; the others of the block are its federation door, the SFT, and admin ports. */
    http: 8180,
    /** The list of the e-mails of both, at the end of the block. */
    mails: 8199,
    tcp: { protocol: 'TCP', from: 8180, to: 8199, purpose: 'alpha, servers' },
    udp: { protocol: 'UDP', from: 42000, to: 42031, purpose: 'alpha, media' },
  },
  beta: {
    http: 8280,
    tcp: { protocol: 'TCP', from: 8280, to: 8299, purpose: 'beta, servers' },
    udp: { protocol: 'UDP', from: 43000, to: 43031, purpose: 'beta, media' },
  },
} as const satisfies Record<string, { http: number; mails?: number; tcp: PortRange; udp: PortRange }>;

export const demoRanges: readonly PortRange[] = Object.values(demoPorts).flatMap(({ tcp, udp }) => [tcp, udp]);

const HOST = '127.0.0.1';

export async function checkPorts(ranges: readonly PortRange[] = demoRanges): Promise<Check[]> {
  return Promise.all(ranges.map(checkRange));
}

async function checkRange({ protocol, from, to, purpose }: PortRange): Promise<Check> {
  const ports = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const free = await Promise.all(ports.map((port) => (protocol === 'TCP' ? isFreeTcp(port) : isFreeUdp(port))));
  const taken = ports.filter((_, i) => !free[i]);
  const name = `${protocol} ports ${from}-${to} (${purpose})`;
  if (taken.length === 0) return { name, ok: true, found: 'free' };
  const option = protocol === 'TCP' ? '-ltnp' : '-lunp';
  return {
    name,
    ok: false,
    found: `${taken.join(', ')} ${taken.length === 1 ? 'is' : 'are'} in use`,
    todo: `Stop the program that has ${taken.length === 1 ? 'it' : 'them'}; ss ${option} 'sport = :${taken[0]}' names it.`,
  };
}

/** Whether a port of loopback can be taken at this moment. */
export async function isFreeTcp(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: HOST, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

export async function isFreeUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port, address: HOST, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
