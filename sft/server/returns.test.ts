import { expect, it } from 'vitest';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { COME_BACK_MS } from './presence.ts';
import { Returns } from './returns.ts';

const conference = 'c'.repeat(22) as ConferenceId;
const alice = { conference, participant: 'a'.repeat(22) as ParticipantId };
const bob = { conference, participant: 'b'.repeat(22) as ParticipantId };

function setUp() {
  const counts = { back: 0, gone: 0 };
  const returns = new Returns((outcome, count) => {
    counts[outcome] += count;
  });
  return { counts, returns };
}

it('counts who was cut off and comes back in time', () => {
  const { counts, returns } = setUp();
  returns.joined(alice, 0);
  returns.ended(alice, 'SIG_CLOSED', 1_000);
  returns.joined(alice, 1_000 + COME_BACK_MS - 1);
  returns.sweep(10 * COME_BACK_MS);
  expect(counts).toEqual({ back: 1, gone: 0 });
});

it('counts who does not come back, and whoever comes later as new', () => {
  const { counts, returns } = setUp();
  returns.ended(alice, 'SIG_TIMEOUT', 0);
  returns.ended(bob, 'SFT_WORKER_DIED', 0);
  returns.joined(alice, COME_BACK_MS);
  expect(counts).toEqual({ back: 0, gone: 2 });
});

it('counts whose new connection came before the end of the old one', () => {
  const { counts, returns } = setUp();
  returns.joined(alice, 0);
  returns.ended(alice, 'SFT_REPLACED', 5);
  expect(counts).toEqual({ back: 1, gone: 0 });
});

it('waits for nobody who left, or was taken out', () => {
  const { counts, returns } = setUp();
  returns.ended(alice, 'normal', 0);
  returns.ended(bob, 'SFT_REMOVED', 0);
  returns.sweep(10 * COME_BACK_MS);
  expect(counts).toEqual({ back: 0, gone: 0 });
});
