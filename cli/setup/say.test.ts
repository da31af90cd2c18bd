import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { progress } from './say.ts';

function record(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  return { stream, text: () => text };
}

test('in a log each tenth is one line', async () => {
  const { stream, text } = record(false);
  const bar = progress('building', stream);
  for (let step = 1; step <= 263; step++) bar.update(step, 263);
  bar.end();
  const lines = text().trimEnd().split('\n');
  expect(lines).toHaveLength(10);
  expect(lines[0]).toBe('hawser: building 10 %');
  expect(lines[9]).toBe('hawser: building 100 %');
});

test('on a terminal one line is written over, and nothing of it stays', () => {
  const { stream, text } = record(true);
  const bar = progress('building', stream);
  bar.update(1, 2);
  bar.end();
  expect(text()).toContain('building [##########..........] 50 %');
  expect(text()).not.toContain('\n');
  expect(text().endsWith('\r\x1b[K')).toBe(true);
});
