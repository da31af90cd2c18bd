/** Which ports an organisation of the demo takes, all on loopback. */
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

/** How many ports in a row. */
export const SERVERS = 6;
export const WORKERS = 4;
export const TRUNKS = 8;

/** The ports that the doctor looks at. */
export function fixedPlaces(name: keyof typeof demoPorts): Places {
  const { http, udp } = demoPorts[name];
  return placesFrom(http, udp.from, { from: udp.from + 16, to: udp.to });
}

/**
 * Ports that nobody uses at the moment, for organisations that are started together: none is given twice. They are below the
 * range that the system gives out by itself, so that no connection takes one before the server does.
 */
export async function freePlaces<Name extends string>(...names: Name[]): Promise<Record<Name, Places>> {
  const taken = new Set<number>();
  const places: Partial<Record<Name, Places>> = {};
  for (const name of names) {
    const servers = await freeBlock(SERVERS, taken);
    const media = await freeBlock(WORKERS, taken);
    const trunk = await freeBlock(TRUNKS, taken);
    places[name] = placesFrom(servers, media, { from: trunk, to: trunk + TRUNKS - 1 });
  }
  return places as Record<Name, Places>;
}

/** Six ports from `http` on, of each media worker one from `media` on, and those of trunks. */
export function placesFrom(http: number, media: number, trunk: Places['trunk']): Places {
  return {
    home: http,
    federation: http + 1,
    homeAdmin: http + 2,
    sft: http + 3,
    link: http + 4,
    sftAdmin: http + 5,
    media,
    trunk,
  };
}

const FIRST = 20_000;
const BLOCK = 20;
const BLOCKS = 600;

/** First port of a run of ports that are free for UDP and TCP. */
async function freeBlock(size: number, taken: Set<number>): Promise<number> {
  for (let attempt = 0; attempt < BLOCKS; attempt++) {
    const from = FIRST + Math.floor(Math.random() * BLOCKS) * BLOCK;
    if (taken.has(from)) continue;
    const ports = Array.from({ length: size }, (_, i) => from + i);
    const free = await Promise.all(ports.map(async (port) => (await isFreeUdp(port)) && (await isFreeTcp(port))));
    if (!free.every(Boolean)) continue;
    taken.add(from);
    return from;
  }
  throw new Error('no run of free ports found');
}
