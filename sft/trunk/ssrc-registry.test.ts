import { expect, it } from 'vitest';
import { PortPool } from './port-pool.ts';
import { SsrcRegistry } from './ssrc-registry.ts';

it('never gives the same SSRC to two streams under one key, and takes a pair whole or not at all', () => {
  const registry = new SsrcRegistry();
  expect(registry.take(1, 2)).toBe(true);
  expect(registry.take(3, 2)).toBe(false);
  expect(registry.take(3)).toBe(true);
  expect(registry.take(4, 4)).toBe(false);
  expect(registry.size).toBe(3);
});

it('gives a port to one trunk at a time and says when there is none', () => {
  const ports = new PortPool(42_000, 42_001);
  expect([ports.take(), ports.take()]).toEqual([42_000, 42_001]);
  expect(() => ports.take()).toThrow(expect.objectContaining({ code: 'SFT_FULL' }));
  ports.give(42_000);
  expect([ports.free, ports.take()]).toEqual([1, 42_000]);
});
