import { expect, test } from 'vitest';
import type { Socket } from '#signalling/rpc.ts';
import { countIn, type Delivered, withoutDeliveries } from './deliveries.ts';

const delivery = (...positions: number[]) =>
  JSON.stringify({
    method: 'delivery',
    params: { entries: positions.map((position) => ({ position, kind: 'message', at: 1, payload: 'AAAA' })) },
  });

test('entries are counted, and the newest is known', () => {
  expect(countIn(delivery(7))).toEqual({ entries: 1, position: 7 });
  expect(countIn(delivery(7, 8, 1_234_567_890_123))).toEqual({ entries: 3, position: 1_234_567_890_123 });
});

test('deliveries go past the protocol, everything else to it', () => {
  const listeners: ((event: { data: unknown }) => void)[] = [];
  const socket = {
    addEventListener: (_: string, listener: (event: { data: unknown }) => void) => listeners.push(listener),
  } as unknown as Socket;
  const delivered: Delivered[] = [];
  const rest: unknown[] = [];
  withoutDeliveries(socket, (each) => delivered.push(each)).addEventListener('message', ({ data }) => rest.push(data));
  for (const data of [delivery(1, 2), '{"id":1,"result":{}}', '{"ping":1}'])
    for (const hear of listeners) hear({ data });
  expect(delivered).toEqual([{ entries: 2, position: 2 }]);
  expect(rest).toEqual(['{"id":1,"result":{}}', '{"ping":1}']);
});
