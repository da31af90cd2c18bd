import { describe, expect, it } from 'vitest';
import type { PeerReport } from '#signalling/administration.ts';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import type { SftConference, SftFigures } from '../servers/sft-answers.ts';
import { frameOf, furthest, type Line } from './frame.ts';
import { hasColours, keysIn, written } from './screen.ts';
import { type Reading, viewOf } from './view.ts';

const alpha = 'alpha.example' as DomainName;
const beta = 'beta.example' as DomainName;
const gamma = 'gamma.example' as DomainName;

function conference(name: string, anchor: DomainName, own: number, others: number): SftConference {
  const one = (domain: DomainName, index: number) => ({
    participant: `${name}${domain[0]}${index}`.padEnd(22, '0') as ParticipantId,
    ...{ domain, hand: false, sources: [] },
  });
  return {
    conference: name.padEnd(22, 'x') as ConferenceId,
    ...{ anchor, since: Date.UTC(2026, 6, 1, 9, 30), publishing: [] },
    roster: [
      ...Array.from({ length: own }, (_, index) => one(alpha, index)),
      ...Array.from({ length: others }, (_, index) => one(beta, index)),
    ],
  };
}

function link(peer: DomainName, sent: number, received: number, packets: number, lost: number, silentForMs = 200) {
  return { peer, rttMs: 12.4, silentForMs, trunks: [{ sent, received, streams: [{ packets, lost }] }] };
}

const figures = (cpuMs: number) => ({ memory: 150 * 2 ** 20, cpuMs, lagMs: 1.6, upSeconds: 5 });

function sft(links: SftFigures['links'], cpuMs: number, conferences = 2): SftFigures {
  return {
    homeserver: true,
    process: figures(cpuMs),
    conferences: Array.from({ length: conferences }, (_, index) =>
      index === 1 ? conference('Small', beta, 1, 1) : conference(`Large${index}`, alpha, 3, 2),
    ),
    links,
    peers: [{ peer: gamma, shed: [{}, {}], refused: { code: 'SFT_LINK_EXCESS' } }],
    workers: [
      { worker: 0, cpuMs: cpuMs * 2 },
      { worker: 1, cpuMs: 0 },
    ],
  };
}

const report = (domain: DomainName, state: PeerReport['state'], count: number): PeerReport => ({
  ...{ domain, listed: true, state, mediaPrefixes: [], limits: {}, authorities: [] },
  may: { messages: true, calls: true, search: 'full' },
  waiting: { count },
  lastHour: { messagesIn: 0, messagesOut: 0, calls: 0, refusals: [] },
});

function reading(at: number, media: SftFigures | undefined, cpuMs: number): Reading {
  const peers = [report(beta, 'allowed', 0), report(gamma, 'unreachable', 41)];
  return {
    at: Date.UTC(2026, 6, 1, 12, 0) + at,
    sft: media,
    homeserver: { domain: alpha, sft: true, process: figures(cpuMs), calls: 2, eventConnections: 17 },
    peers: { domain: alpha, at: 0, versions: { min: 1, max: 2 }, peers },
  };
}

const before = reading(0, sft([link(beta, 1_000_000, 2_000_000, 1_000, 10)], 1_000), 500);
const after = reading(2_000, sft([link(beta, 1_500_000, 2_250_000, 1_980, 30)], 1_400), 520);
const view = viewOf(alpha, before, after);
const texts = (lines: readonly Line[]) => lines.map(({ text }) => text.trimEnd()).join('\n');

describe('a view', () => {
  it('makes rates of two readings', () => {
    expect(view.sft).toMatchObject({ people: 4, cpu: 0.2, workers: [0.4, 0] });
    expect(view.homeserver?.cpu).toBeCloseTo(0.01);
    expect(view.peers).toEqual([
      {
        ...{ peer: beta, state: 'allowed', waiting: 0, link: 'up', rttMs: 12.4, leftOut: 0 },
        ...{ loss: 0.02, inMbit: 1, outMbit: 2 },
      },
      expect.objectContaining({ peer: gamma, state: 'unreachable', waiting: 41, link: 'cut off', leftOut: 2 }),
    ]);
  });

  it('says nothing of what it cannot know: at the beginning, and where counters began anew', () => {
    const first = viewOf(alpha, undefined, after);
    expect(first.peers[0]).toMatchObject({ link: 'up', loss: undefined, inMbit: undefined });
    const again = viewOf(alpha, before, reading(1_000, sft([link(beta, 5, 5, 1, 0)], 10), 1));
    expect(again.peers[0]).toMatchObject({ loss: undefined, outMbit: undefined });
    expect(again.sft).toMatchObject({ cpu: undefined, workers: [undefined, 0] });
  });

  it('knows a link of which nothing is heard', () => {
    const silent = viewOf(alpha, before, reading(1_000, sft([link(beta, 0, 0, 0, 0, 60_000)], 1_000), 1));
    expect(silent.peers[0]?.link).toBe('suspect');
  });
});

describe('a frame', () => {
  it('is a whole screen of 80 by 24', () => {
    const lines = frameOf(view, { width: 80, height: 24 });
    expect(lines).toHaveLength(24);
    expect(Math.max(...lines.map(({ text }) => text.length))).toBeLessThanOrEqual(80);
    expect(texts(lines)).toMatchInlineSnapshot(`
      " hawser top   alpha.example                                        12:00:02 UTC
      Media server up             people 4, calls 2       150 MB, 20%, lag 2 ms
      Homeserver   up             pages 17, calls 2       150 MB, 1%, lag 2 ms
      Workers      0: 40%  1: 0%

      PEER           STATE        WAITING  LINK     RTT    LOSS  IN MBIT/S  OUT   SHED
      beta.example   allowed      0        up       12 ms  2.0%  1.00       2.00  -
      gamma.example  unreachable  41       cut off  -      -     -          -     2

      CONFERENCE  SINCE (UTC)  ROLE       PEOPLE  ORGANISATIONS
      Large0xxxx  07-01 09:30  anchor     5       alpha.example 3, beta.example 2
      Smallxxxxx  07-01 09:30  federated  2       alpha.example 1, beta.example 1











       Up and Down scroll   q ends"
    `);
  });

  it('is cut and scrolled where the screen is small', () => {
    const crowd = viewOf(alpha, before, reading(2_000, sft([], 1_400, 30), 520));
    const size = { width: 40, height: 12 };
    expect(texts(frameOf(crowd, size, 5))).toMatchInlineSnapshot(`
      " hawser top   alpha.example 12:00:02 UTC
      Media server up             people 88, c
      Homeserver   up             pages 17, ca
      Workers      0: 40%  1: 0%

      Large0xxxx  07-01 09:30  anchor     5
      Large2xxxx  07-01 09:30  anchor     5
      Large3xxxx  07-01 09:30  anchor     5
      Large4xxxx  07-01 09:30  anchor     5
      Large5xxxx  07-01 09:30  anchor     5
      Large6xxxx  07-01 09:30  anchor     5
       Up and Down scroll   q ends   24 more b"
    `);
    expect(furthest(crowd, size)).toBe(29);
    expect(texts(frameOf(crowd, size, 999))).toContain('Small');
    expect(frameOf(crowd, size, 999)).toEqual(frameOf(crowd, size, 29));
    for (const height of [1, 3, 6, 7]) expect(frameOf(crowd, { width: 10, height })).toHaveLength(height);
  });

  it('says what does not answer, and that a server is about to end', () => {
    const down = viewOf(alpha, undefined, { at: 0, sft: undefined, homeserver: undefined, peers: undefined });
    const lines = frameOf(down, { width: 80, height: Number.POSITIVE_INFINITY });
    expect(texts(lines)).toContain('Media server does not answer\nHomeserver   does not answer\nWorkers      -');
    const media = { ...sft([], 1), drainsUntil: Date.UTC(2026, 6, 1, 12, 30) };
    const draining = frameOf(viewOf(alpha, undefined, reading(0, media, 1)), { width: 80, height: 24 });
    expect(draining[1]).toMatchObject({ text: expect.stringMatching(/^Media server drains, 12:30 /), style: 'bad' });
  });
});

describe('the screen', () => {
  it('writes a frame at once, over the one before, with colours only where they are wanted', () => {
    const lines: Line[] = [{ text: 'a', style: 'bar' }, { text: 'b' }];
    expect(written(lines, true)).toBe('\u001b[H\u001b[K\u001b[7ma\u001b[0m\r\n\u001b[Jb');
    expect(written(lines, false)).toBe('\u001b[H\u001b[Ka\r\n\u001b[Jb');
    expect(hasColours({ TERM: 'xterm' })).toBe(true);
    expect(hasColours({ TERM: 'xterm', NO_COLOR: '1' })).toBe(false);
    expect(hasColours({ TERM: 'dumb' })).toBe(false);
  });

  it('knows its keys, also several at once, and no others', () => {
    expect(keysIn('\u001b[A\u001b[B\u001bOAq')).toEqual(['up', 'down', 'up', 'end']);
    expect(keysIn('\u001b[5~x\u001b[6~\u001b[1;5C\u0003')).toEqual(['page up', 'page down', 'end']);
    expect(keysIn('\u001b')).toEqual([]);
  });
});
