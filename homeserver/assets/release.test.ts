import { expect, it } from 'vitest';
import { release } from './release.ts';

it('gives back what is whole, once, and leaves alone what is a part of something', () => {
  const whole = new Uint8Array(10);
  release(whole);
  release(whole);
  expect(whole.length).toBe(0);
  const larger = new Uint8Array(10).fill(7);
  release(larger.subarray(0, 9));
  release(larger.subarray(1));
  expect(larger).toEqual(new Uint8Array(10).fill(7));
  const pooled = Buffer.from('a short text');
  release(pooled);
  expect(pooled.toString()).toBe('a short text');
});
