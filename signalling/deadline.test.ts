import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { deadline } from './deadline.ts';
import { SOON } from './testing-until.ts';

it('overlooks nothing that came while the process stood still', async () => {
  const [from, to] = [createSocket('udp4'), createSocket('udp4')];
  try {
    to.bind(0, '127.0.0.1');
    await once(to, 'listening');
    from.connect(to.address().port, '127.0.0.1');
    await once(from, 'connect');
    const order: string[] = [];
    to.on('message', () => order.push('answer'));
    deadline(50, () => order.push('up'));
    from.send('answer');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await vi.waitFor(() => expect(order).toEqual(['answer', 'up']), SOON);
  } finally {
    from.close();
    to.close();
  }
});

it('is called off, also when the time is up already', async () => {
  const isUp = vi.fn();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const callOff = deadline(50, isUp);
    vi.advanceTimersByTime(50);
    callOff();
    vi.advanceTimersByTime(1_000);
    expect(isUp).not.toHaveBeenCalled();
    deadline(50, isUp);
    vi.advanceTimersByTime(60);
    expect(isUp).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
