import { expect, test } from 'vitest';
import { failureOfCode } from '../failure.ts';
import { afterFailure, afterLoss, type Series, STEADY_MS, TRIED_MS, waitMs } from './reconnect.ts';

const lost = (code: string, heldMs = 60_000, carried = true) => ({ failure: failureOfCode(code), heldMs, carried });

test('a connection that broke is made again, and a call that is over is not', () => {
  for (const code of ['CONNECTION_LOST', 'MEDIA_LOST', 'SFT_SHUTTING_DOWN', 'SFT_WORKER_DIED'])
    expect(afterLoss(lost(code), undefined, 5), code).toEqual({ since: 5, failures: 0 });
  for (const code of [
    'SFT_CONFERENCE_ENDED',
    'SFT_REMOVED',
    'SFT_REPLACED',
    'SIG_FLOOD',
    'SIG_SCHEMA',
    'BROWSER_UNSUPPORTED',
  ])
    expect(afterLoss(lost(code), undefined, 5), code).toBeUndefined();
});

test('where sound and picture never got through, joining again helps nobody', () => {
  expect(afterLoss(lost('MEDIA_LOST', 60_000, false), undefined, 5)).toBeUndefined();
  // After it had worked it is tried, for as long as anything is: the network may be another one for a while.
  const series = { since: 0, failures: 2 };
  expect(afterLoss(lost('MEDIA_LOST', 60_000, false), series, 5)).toEqual({ since: 0, failures: 3 });
});

test('a connection that breaks again and again is not tried for ever, and one that held begins anew', () => {
  const series: Series = { since: 1_000, failures: 3 };
  expect(afterLoss(lost('CONNECTION_LOST', STEADY_MS - 1), series, 9_000)).toEqual({ since: 1_000, failures: 4 });
  expect(afterLoss(lost('CONNECTION_LOST', STEADY_MS), series, 90_000)).toEqual({ since: 90_000, failures: 0 });
});

test('what the homeserver says about the call is final, and that something cannot be reached is not', () => {
  const series = { since: 0, failures: 0 };
  for (const code of [
    'SIG_UNREACHABLE',
    'SIG_TIMEOUT',
    'SIG_CLOSED',
    'HOME_SFT_UNREACHABLE',
    'SFT_TICKET_EXPIRED',
    'SFT_FULL',
    'SFT_DRAINING',
  ])
    expect(afterFailure(failureOfCode(code), series), code).toEqual({ since: 0, failures: 1 });
  for (const code of [
    'HOME_NO_CALL',
    'HOME_NOT_FOUND',
    'HOME_FORBIDDEN',
    'HOME_UNAUTHENTICATED',
    'SFT_CONFERENCE_ENDED',
  ])
    expect(afterFailure(failureOfCode(code), series), code).toBeUndefined();
});

test('waits one second, two, four and so on, and for two minutes in all', () => {
  const waits: number[] = [];
  let now = 7;
  let series: Series = { since: now, failures: 0 };
  for (;;) {
    const wait = waitMs(series, now, 1);
    if (wait === undefined) break;
    waits.push(wait);
    now += wait;
    series = { ...series, failures: series.failures + 1 };
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000, 16_000, 16_000, 16_000, 9_000]);
  expect(now - series.since).toBe(TRIED_MS);
  expect(waitMs({ since: 0, failures: 0 }, 0, 0)).toBe(500);
});
