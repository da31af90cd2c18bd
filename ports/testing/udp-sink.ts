/** For tests: a program on a host that takes datagrams, sends each back, and says what came. */
import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { TestHost, TestNetwork } from './network.ts';

const PROGRAM = `
const { createSocket } = require('node:dgram');
const [ip, port] = process.argv.slice(1);
const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (data, from) => {
  console.log(JSON.stringify({ data: data.toString('latin1'), ip: from.address, port: from.port }));
  socket.send(data, from.port, from.address);
});
socket.bind(Number(port), ip, () => console.log('"ready"'));
`;

export interface Datagram {
  /** Latin-1. */
  readonly data: string;
  readonly ip: string;
  readonly port: number;
}

export interface UdpSink {
  readonly came: readonly Datagram[];
  readonly process: ChildProcess;
}

/** Resolves when it takes them. It ends with the network. */
export async function startUdpSink(network: TestNetwork, where: TestHost, ip: string, port: number): Promise<UdpSink> {
  const child = network.start(where, process.execPath, ['-e', PROGRAM, ip, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const came: Datagram[] = [];
  const ready = Promise.withResolvers<void>();
  child.once('exit', () => ready.reject(new Error(`${ip}:${port} cannot be listened at`)));
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => {
      const said: unknown = JSON.parse(line);
      if (said === 'ready') ready.resolve();
      else came.push(said as Datagram);
    });
  }
  await ready.promise;
  return { came, process: child };
}
