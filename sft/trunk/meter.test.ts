import { expect, it } from 'vitest';
import { Estimates } from './estimates.ts';
import { Meter } from './meter.ts';

it('measures growth a second, from the second look on, and never a negative one', () => {
  const meter = new Meter<{ bytes: number; packets: number }>();
  expect(meter.look('a', { bytes: 1_000, packets: 5 }, 0)).toEqual({ bytes: 0, packets: 0 });
  expect(meter.look('a', { bytes: 3_000, packets: 6 }, 2_000)).toEqual({ bytes: 1_000, packets: 0.5 });
  expect(meter.look('a', { bytes: 0, packets: 0 }, 3_000)).toEqual({ bytes: 0, packets: 0 });
  meter.keep(new Set());
  expect(meter.look('a', { bytes: 9_000, packets: 9 }, 4_000)).toEqual({ bytes: 0, packets: 0 });
});

it('counts a layer as nominal until it has flowed, then as measured, and remembers that while it is left out', () => {
  const estimates = new Estimates();
  const look = (flowing: number, allowed = true) => estimates.look('a', 'camera', 2, flowing, allowed);
  expect([look(0), look(200_000)]).toEqual([1_500_000, 1_500_000]);
  expect(look(900_000)).toBe(900_000);
  expect(look(1_100_000)).toBe(1_000_000);
  expect(look(0, false)).toBe(1_000_000);
  expect(look(0)).toBe(1_000_000);
});

it('counts a layer that its publisher does not send as nothing', () => {
  const estimates = new Estimates();
  for (let i = 0; i < 3; i++) estimates.look('a', 'camera', 2, 0, true);
  expect(estimates.look('a', 'camera', 2, 0, true)).toBe(0);
});
