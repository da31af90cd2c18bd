/**
 * For tests: ports of loopback for servers whose addresses must be known before they start. They lie below those that the
 * system gives to outgoing connections (from 32,768 on Linux): a port from among those can be gone to somebody's connection
 * between the asking and the listening, and again each time that a server starts anew.
 */
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

const FIRST = 12_000;
const SLICE = 200;
// Up to 20,000, where servers of benchmarks and of the demo begin (cli/demo/places.ts).
const SLICES = 40;

/** What this process may still give away: nobody else has any of it, while the first port of the slice is listened on. */
let next = 0;
let end = 0;
let turn = process.pid % SLICES;

let last: Promise<unknown> = Promise.resolve();

/** As many ports in a row, each free for TCP and UDP now, and given to no other test that runs at the same time. At most 199. */
export function freePorts(count: number): Promise<number[]> {
  // One call after the other: two at once would have each other's ports between theirs.
  const ports = last.then(() => take(count));
  last = ports.catch(() => undefined);
  return ports;
}

async function take(count: number): Promise<number[]> {
  if (count >= SLICE) throw new RangeError(`not more than ${SLICE - 1} ports in a row`);
  let ports: number[] = [];
  while (ports.length < count) {
    if (next + count - ports.length > end) {
      ports = [];
      await claimSlice();
    }
    const port = next++;
    if (await isFree(port)) ports.push(port);
    else ports = [];
  }
  return ports;
}

async function claimSlice(): Promise<void> {
  for (let tries = 0; tries < SLICES; tries++) {
    const first = FIRST + (turn++ % SLICES) * SLICE;
    const claim = await listen(first);
    // Held until the process ends; no reason for it to go on.
    claim?.unref();
    if (!claim) continue;
    [next, end] = [first + 1, first + SLICE];
    return;
  }
  throw new Error(`the ports from ${FIRST} on are all taken`);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
