import { createSocket } from 'node:dgram';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freePorts } from '#site/testing-ports.ts';
import { encodeDatagram } from './datagram.ts';
import { ProbePorts } from './probe-ports.ts';

const HOST = '127.0.0.1';
const KEY = Buffer.alloc(32, 7);

async function openPair() {
  const ports = await freePorts(2);
  const [near = 0, far = 0] = ports;
  const now = () => performance.now();
  return { near, far, open: (port: number) => ProbePorts.open(HOST, [port], KEY, now) };
}

it('has seen also what came while this process was busy', async () => {
  const { near, far, open } = await openPair();
  const ports = await open(near);
  ports.connect({ ip: HOST, ports: [far] });
  const sender = createSocket('udp4');
  try {
    await new Promise<void>((resolve) => sender.bind(far, HOST, resolve));
    // Some 184 find room where the system gives as little as most do.
    for (let number = 0; number < 150; number++)
      sender.send(encodeDatagram({ kind: 'stream', pair: 0, number, size: 1_200 }, KEY), near, HOST);
    await setImmediate();
    expect(await ports.seen()).toMatchObject({ packets: 150, bytes: 180_000 });
  } finally {
    sender.close();
    await ports.close();
  }
});

it('sends no burst after it was kept from sending, and all of it nevertheless', async () => {
  const { near, far, open } = await openPair();
  const [sender, listener] = [await open(near), await open(far)];
  sender.connect({ ip: HOST, ports: [far] });
  listener.connect({ ip: HOST, ports: [near] });
  try {
    const streaming = sender.stream(4_000, 500);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    await setImmediate();
    const { packets: atOnce } = await listener.seen();
    const sent = await streaming;
    // 4 Mbit/s for half a second.
    expect(sent.packets).toBeGreaterThan(190);
    expect(atOnce).toBeLessThan(50);
    expect((await listener.seen()).packets).toBe(sent.packets);
  } finally {
    await Promise.all([sender.close(), listener.close()]);
  }
});
