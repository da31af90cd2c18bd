import { expect, test } from 'vitest';
import type { Errand } from './guarded.ts';
import { complaintsAboutMessages, FIGURES, measureMessages, messagesTable } from './messages.ts';

const errand: Errand = { signal: new AbortController().signal, say: () => undefined, onProgress: () => undefined };

test('a small homeserver is measured from its start to its idle devices', async () => {
  const report = await measureMessages({ storage: 'sqlite', seconds: 1, devices: 10, group: 12, idle: 10 }, errand);
  for (const name of ['acceptedPerSecond', 'deliveriesPerSecond', 'acceptP99Ms', 'coldStartMs'] as const) {
    expect(report[name]).toBeGreaterThan(0);
  }
  expect(report.rssIdleDevicesMb).toBeGreaterThan(50);
  expect(report.changeMs.least).toBeGreaterThan(0);
  expect(report.followerMs.median).toBeGreaterThan(0);
  expect(messagesTable(report).join('\n')).toContain('deliveries to a group of 12 devices');
  const perfect = {
    ...{ ...report, ...FIGURES, acceptP99Ms: 1, rssStartMb: 1, rssIdleDevicesMb: 1, coldStartMs: 1 },
    changeMs: { ...report.changeMs, p95: 1 },
  };
  expect(complaintsAboutMessages(perfect)).toEqual([]);
  const late = { ...perfect, acceptP99Ms: 60 };
  expect(complaintsAboutMessages(late)).toEqual(['acceptP99Ms is 60; below 50 was expected.']);
});

test('what is stopped leaves nothing running', async () => {
  const stop = new AbortController();
  const options = { storage: 'sqlite', seconds: 30, devices: 10, group: 12, idle: 10 } as const;
  const measured = measureMessages(options, { ...errand, signal: stop.signal });
  setTimeout(() => stop.abort(), 1_500);
  await expect(measured).rejects.toThrow('Stopped.');
});
