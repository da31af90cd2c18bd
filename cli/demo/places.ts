/** Which ports an organisation of the demo takes, all on loopback. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { demoPorts, isFreeTcp, isFreeUdp } from '../doctor/ports.ts';

export interface Places {
  /** Homeserver: page and client API, federation door, metrics. */
  readonly home: number;
  readonly federation: number;
  readonly homeAdmin: number;
  /** SFT: signalling, link, metrics. */
  readonly sft: number;
  readonly link: number;
  readonly sftAdmin: number;
  /** First UDP and TCP port of the media workers. */
  readonly media: number;
  readonly trunk: { readonly from: number; readonly to: number };
}

const WORKERS = 4;
const TRUNKS = 8;

/** The ports that the doctor looks at. */
export function fixedPlaces(name: keyof typeof demoPorts): Places {
  const { http, udp } = demoPorts[name];
  return {
    home: http,
    federation: http + 1,
    homeAdmin: http + 2,
    sft: http + 3,
    link: http + 4,
    sftAdmin: http + 5,
    media: udp.from,
    trunk: { from: udp.from + 16, to: udp.to },
  };
}

/** Ports that nobody uses at the moment. */
export async function freePlaces(): Promise<Places> {
  const [home = 0, federation = 0, homeAdmin = 0, sft = 0, link = 0, sftAdmin = 0] = await freeTcp(6);
  const media = await freeBlock(WORKERS);
  const trunk = await freeBlock(TRUNKS);
  return { home, federation, homeAdmin, sft, link, sftAdmin, media, trunk: { from: trunk, to: trunk + TRUNKS - 1 } };
}

async function freeTcp(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) server.listen(0, '127.0.0.1');
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** First port of a run of ports that are free for UDP and TCP, below the range that the system gives out by itself. */
async function freeBlock(size: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const from = 20_000 + Math.floor(Math.random() * 600) * 20;
    const ports = Array.from({ length: size }, (_, i) => from + i);
    const free = await Promise.all(ports.map(async (port) => (await isFreeUdp(port)) && (await isFreeTcp(port))));
    if (free.every(Boolean)) return from;
  }
  throw new Error('no run of free ports found');
}
