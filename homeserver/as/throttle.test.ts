import { expect, test } from 'vitest';
import { type FailureTable, failed, failuresOf, forgiven, succeeded, waitOf } from './throttle.ts';

test('five failures are free, the next ones wait longer and longer, up to a minute', () => {
  const table: FailureTable = new Map();
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    waits.push(waitOf(table, 'a', 1_000));
    failed(table, 'a', 1_000);
  }
  expect(waits).toEqual([0, 0, 0, 0, 0, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test('the wait passes, and a quarter of an hour without failure forgets everything', () => {
  const table: FailureTable = new Map();
  for (let i = 0; i < 6; i++) failed(table, 'a', 0);
  expect(waitOf(table, 'a', 3_000)).toBe(1_000);
  expect(waitOf(table, 'a', 4_000)).toBe(0);
  expect(waitOf(table, 'a', 15 * 60_000)).toBe(0);
  failed(table, 'a', 15 * 60_000);
  expect(waitOf(table, 'a', 15 * 60_000)).toBe(0);
});

test('keys do not slow each other down, and success forgets', () => {
  const table: FailureTable = new Map();
  for (let i = 0; i < 5; i++) failed(table, 'a', 0);
  expect(waitOf(table, 'b', 0)).toBe(0);
  succeeded(table, 'a');
  expect(waitOf(table, 'a', 0)).toBe(0);
});

test('failures can be taken back, as many as were made', () => {
  const table: FailureTable = new Map();
  for (let i = 0; i < 6; i++) failed(table, 'a', 0);
  forgiven(table, 'a', 2);
  expect([failuresOf(table, 'a', 0), waitOf(table, 'a', 0)]).toEqual([4, 0]);
  expect(failuresOf(table, 'a', 15 * 60_000)).toBe(0);
  forgiven(table, 'a', 9);
  expect(table.size).toBe(0);
});

test('the table stays bounded', () => {
  const table: FailureTable = new Map();
  for (let i = 0; i < 50_100; i++) failed(table, `address ${i}`, i);
  expect(table.size).toBe(50_000);
});
