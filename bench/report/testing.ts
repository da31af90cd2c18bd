/** For tests: readings with round figures, ten seconds apart. */
import type { SftState } from '#cli/demo/organisation.ts';
import { accountOf } from '../measure/account.ts';
import type { StreamReading, ViewerReading } from '../people/viewer.ts';
import { type Reading, type Run, runOf } from './figures.ts';

type StreamRow = readonly [source: string, kind: string, layer: number, bytes: number];

export function sftState(peer: string, sent: number, rows: readonly StreamRow[]): SftState {
  const streams = rows.map(([source, kind, layer, bytes]) => {
    return { source, kind, layer, direction: 'out' as const, bytes, packets: bytes / 1_000 };
  });
  const incoming = { source: 'other', kind: 'camera', layer: 0, direction: 'in' as const, bytes: 9e9, packets: 9 };
  const trunk = { sent, received: 7, streams: [...streams, incoming] };
  return {
    conferences: [],
    links: [
      { peer: 'gamma', trunks: [trunk] },
      { peer, trunks: [trunk] },
    ],
    workers: [],
  };
}

function stream(
  kind: 'camera' | 'microphone',
  layer: number,
  packets: number,
  frames: number,
  more = {},
): StreamReading {
  return { kind, layer, packets, frames, lost: 0, isRightSize: true, ...more };
}

function viewer(at: number, bytes: number, pictures: StreamReading[], voices: StreamReading[]): ViewerReading {
  return { at, bytes, packets: bytes / 1_000, pictures, voices, joinMs: 100 };
}

export function twoReadings(): { before: Reading; after: Reading } {
  const streams = (layer0: number, layer2: number, sound: number): StreamRow[] => [
    ['camera', 'camera', 0, layer0],
    ['camera', 'camera', 2, layer2],
    ['voice', 'microphone', 0, sound],
  ];
  const counts = (there: number, back: number) => ({
    'alpha>beta': { bytes: there, packets: there / 1_000 },
    'beta>alpha': { bytes: back, packets: back / 100 },
  });
  const loss = { border: 0, trunk: 0, people: 0, strays: 0 };
  const before: Reading = {
    border: { at: 1_000, counts: counts(500_000, 1_000) },
    accounts: {
      'alpha>beta': accountOf(sftState('beta', 500_000, streams(1_000, 2_000, 3_000)), 'beta'),
      'beta>alpha': accountOf(sftState('alpha', 1_000, []), 'alpha'),
    },
    viewers: [
      viewer(
        1_000,
        100_000,
        [stream('camera', 2, 100, 10), stream('camera', 0, 10, 10)],
        [stream('microphone', 0, 5, 0)],
      ),
    ],
    loss,
    skipped: 0,
    processor: { publishers: 10, border: 1 },
    busy: 100,
  };
  const after: Reading = {
    border: { at: 11_000, counts: counts(3_012_500, 11_000) },
    accounts: {
      'alpha>beta': accountOf(sftState('beta', 3_000_000, streams(188_500, 1_877_000, 43_000)), 'beta'),
      'beta>alpha': accountOf(sftState('alpha', 11_000, []), 'alpha'),
    },
    viewers: [
      viewer(
        11_000,
        2_300_000,
        [
          stream('camera', 2, 1_298, 310, { lost: 2, firstPictureMs: 400 }),
          stream('camera', 0, 310, 309, { firstPictureMs: 120 }),
        ],
        [stream('microphone', 0, 505, 0)],
      ),
    ],
    loss,
    skipped: 0,
    processor: { publishers: 13, border: 1.5 },
    busy: 106,
  };
  return { before, after };
}

export function runFrom({ before, after }: { readonly before: Reading; readonly after: Reading }): Run {
  return runOf(before, after, { mode: 'everything', framesPerSecond: 30, voicesPerSecond: 50, pictures: 2, voices: 1 });
}
