import { describe, expect, it } from 'vitest';
import type { ConferenceId, SourceId, TrunkId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { PeerAccount, type Reading, type Verdict, type WantedOnTrunk } from './account.ts';
import type { StreamAccount } from './stream-account.ts';

const M = 1_000_000;
const trunk = 'trunk' as TrunkId;

interface Stream {
  readonly name: string;
  readonly kind: SourceKind;
  readonly layer: number;
  readonly bitrate: number;
  readonly loss?: number;
}

/** A peer with streams that do as they are told, second by second. */
class Peer {
  readonly account = new PeerAccount();
  readonly #counters = new Map<string, { bytes: number; packets: number; lost: number }>();
  #now = 0;
  #verdict: Verdict | undefined;

  second(direction: 'out' | 'in', streams: readonly Stream[], budget = 200 * M, obeys = true): Verdict {
    this.#now += 1_000;
    const shed = direction === 'out' ? this.#verdict?.outgoing : this.#verdict?.incoming;
    const accounts = streams.map((stream) => this.#flow(stream, direction, obeys && shed?.has(keyOf(stream)) === true));
    const wanted = streams.map(wantedOf);
    const reading: Reading = {
      outgoing: direction === 'out' ? wanted : [],
      incoming: direction === 'in' ? wanted : [],
      demanded: new Set(streams.map(({ name }) => name as SourceId)),
      trunks: [{ trunk, totals: { sent: 0, received: 0, known: 0 }, streams: accounts }],
      demandChanges: 0,
    };
    this.#verdict = this.account.look(reading, { send: budget, receive: budget }, this.#now);
    return this.#verdict;
  }

  #flow(stream: Stream, direction: 'out' | 'in', stopped: boolean): StreamAccount {
    const { name, kind, layer, bitrate, loss = 0 } = stream;
    const before = this.#counters.get(keyOf(stream)) ?? { bytes: 0, packets: 0, lost: 0 };
    const packets = stopped ? 0 : bitrate / 8_000;
    const counters = {
      bytes: before.bytes + packets * 1_000,
      packets: before.packets + packets,
      lost: before.lost + packets * loss,
    };
    this.#counters.set(keyOf(stream), counters);
    const silent = { jitter: 0, rttMs: 20, keyFrameRequests: 0, nacks: 0, nackPackets: 0 };
    return { source: name as SourceId, kind, layers: [layer], layer, direction, ...counters, ...silent };
  }
}

const keyOf = ({ name, layer }: Stream) => `${name} ${layer}`;
const wantedOf = (stream: Stream): WantedOnTrunk => ({
  key: keyOf(stream),
  conference: 'c' as ConferenceId,
  source: stream.name as SourceId,
  kind: stream.kind,
  layer: stream.layer,
  speaker: false,
  thumbnail: false,
  trunk,
});
const camera = (name: string, change: Partial<Stream> = {}): Stream[] => [
  { name, kind: 'camera', layer: 0, bitrate: 0.15 * M, ...change },
  { name, kind: 'camera', layer: 2, bitrate: 1.4 * M, ...change },
];
const voice: Stream = { name: 'voice', kind: 'microphone', layer: 0, bitrate: 0.03 * M };

describe("a peer's account", () => {
  it.each(['out', 'in'] as const)('holds the limit %s with what is measured, and lets everything back', (direction) => {
    const peer = new Peer();
    const streams = [...camera('a'), ...camera('b'), voice];
    const shedOf = ({ outgoing, incoming }: Verdict) => [...(direction === 'out' ? outgoing : incoming)];
    for (let i = 0; i < 5; i++) expect(shedOf(peer.second(direction, streams))).toEqual([]);
    const reason = direction === 'out' ? 'send-limit' : 'receive-limit';
    const limited = shedOf(peer.second(direction, streams, 2 * M));
    expect(limited.map(([key, { reason: why }]) => [key, why])).toEqual([['a 2', reason]]);
    for (let i = 0; i < 20; i++) expect(shedOf(peer.second(direction, streams, 2 * M)).length).toBe(1);
    for (let i = 0; i < 3; i++) peer.second(direction, streams);
    expect(shedOf(peer.second(direction, streams))).toEqual([]);
  });

  it('brakes at loss, says so, and recovers when it is over', () => {
    const peer = new Peer();
    const streams = (loss: number) => [...camera('a', {}), voice].map((each) => ({ ...each, loss }));
    for (let i = 0; i < 3; i++) peer.second('out', streams(0));
    const reasons = [];
    for (let i = 0; i < 4; i++) reasons.push(...peer.second('out', streams(0.1)).outgoing.values());
    expect(reasons[0]?.reason).toBe('loss');
    for (let i = 0; i < 60; i++) peer.second('out', streams(0));
    expect(peer.second('out', streams(0)).outgoing.size).toBe(0);
  });

  it('does not pass on what our own people send too much of', () => {
    const peer = new Peer();
    const streams = [...camera('a'), { name: 'b', kind: 'camera', layer: 0, bitrate: M } as const];
    for (let i = 0; i < 3; i++) peer.second('out', streams);
    expect([...peer.second('out', streams).outgoing].map(([key, { reason }]) => [key, reason])).toEqual([
      ['b 0', 'ceiling'],
    ]);
  });

  it('refuses what a peer sends too much of', () => {
    const peer = new Peer();
    const streams = [...camera('a'), { name: 'b', kind: 'camera', layer: 0, bitrate: M } as const];
    const refused = [];
    for (let i = 0; i < 6; i++) refused.push(...peer.second('in', streams, 200 * M, false).refuse);
    expect(refused).toEqual(['b']);
  });
});
