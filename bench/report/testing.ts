/** For tests: readings with round figures, ten seconds apart. */
import type { SftState } from '#cli/demo/organisation.ts';
import type { Told } from '../main.ts';
import { accountOf } from '../measure/account.ts';
import type { First, StreamReading, ViewerReading } from '../people/viewer.ts';
import type { Phase } from '../scenario/phases.ts';
import { type Expectation, type Reading, type Run, runOf } from './figures.ts';

/** What a report says of its scenario. */
export const told: Told = {
  name: 'mine',
  seconds: 10,
  settleSeconds: 2,
  entrance: 'webrtc',
  people: [
    { at: 'alpha', count: 2, publish: ['camera', 'microphone'] },
    { at: 'beta', count: 1, publish: [], watch: { layout: 'speaker', small: 1 } },
  ],
  speech: [{ who: 'alpha-1', from: 0 }],
  clips: { camera: [149.6, 498.7, 1498.2], microphone: 32 },
  machine: { processor: 'P', cores: 2, memoryGiB: 8, system: 'Linux 6', node: '24.0.0', mediasoup: '3.27.1' },
  commit: '0123456789ab',
  command: 'hawser bench trunk',
};

type StreamRow = readonly [source: string, kind: string, layer: number, bytes: number];

export function sftState(peer: string, sent: number, rows: readonly StreamRow[]): SftState {
  const rest = { layers: [0], keyFrameRequests: 0 };
  const streams = rows.map(([source, kind, layer, bytes]) => {
    return { source, kind, layer, ...rest, direction: 'out' as const, bytes, packets: bytes / 1_000 };
  });
  const incoming = {
    source: 'other',
    kind: 'camera',
    layer: 0,
    ...rest,
    direction: 'in' as const,
    bytes: 9e9,
    packets: 9,
  };
  const trunk = { sent, received: 7, streams: [...streams, incoming] };
  return {
    conferences: [],
    links: [
      { peer: 'gamma', trunks: [trunk] },
      { peer, trunks: [trunk] },
    ],
    peers: [],
    workers: [],
  };
}

function stream(
  kind: 'camera' | 'microphone',
  who: string,
  packets: number,
  units: number,
  more: Partial<StreamReading> = {},
): StreamReading {
  const counted = kind === 'camera' ? { frames: units, spoken: 0 } : { frames: 0, spoken: units };
  return { consumer: `${kind} of ${who}`, kind, who, packets, lost: 0, ...counted, ...more };
}

function viewer(at: number, bytes: number, streams: StreamReading[], firsts: First[] = []): ViewerReading {
  return { name: 'beta-1', at, bytes, packets: bytes / 1_000, streams, firsts, joinMs: 100 };
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
      viewer(1_000, 100_000, [
        stream('camera', 'alpha-1', 100, 10, { width: 1_280 }),
        stream('camera', 'alpha-2', 10, 10, { width: 320 }),
        stream('microphone', 'alpha-1', 5, 5),
      ]),
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
          stream('camera', 'alpha-1', 1_298, 310, { lost: 2, width: 1_280 }),
          stream('camera', 'alpha-2', 310, 309, { width: 320 }),
          stream('microphone', 'alpha-1', 505, 505),
        ],
        [
          { kind: 'camera', layer: 2, ms: 400 },
          { kind: 'camera', layer: 0, ms: 120 },
        ],
      ),
    ],
    loss,
    skipped: 0,
    processor: { publishers: 13, border: 1.5 },
    busy: 106,
  };
  return { before, after };
}

/** One viewer at beta who sees one of two people at alpha large and the other one small, and hears one of them. */
const phase: Phase = {
  from: 0,
  to: 10,
  speaking: ['alpha-1'],
  wants: new Map([
    [
      'beta-1',
      [
        { who: 'alpha-1', kind: 'camera', layer: 2 },
        { who: 'alpha-2', kind: 'camera', layer: 0 },
      ],
    ],
  ]),
};

export function runFrom(
  { before, after }: { readonly before: Reading; readonly after: Reading },
  more: Partial<Expectation> = {},
): Run {
  return runOf(before, after, {
    mode: 'everything',
    framesPerSecond: 30,
    voicesPerSecond: 50,
    phases: [phase],
    parts: [{ before: before.viewers, after: after.viewers }],
    floor: { 'alpha>beta': 1.6, 'beta>alpha': 0 },
    ...more,
  });
}
