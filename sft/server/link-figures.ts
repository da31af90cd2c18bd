/** Figures of links and trunks, by peer: the heart of what an administrator looks at. They are read when they are asked for. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DomainName } from '#signalling/ids.ts';
import { HEARTBEAT_MS, SUSPECT_MS } from '#signalling/sft-link.ts';
import type { Wanted } from '../conference/demand.ts';
import type { Ledger } from '../link/ledger.ts';
import type { Links } from '../link/links.ts';
import type { Trunk } from '../media/trunk.ts';
import { unlessClosed } from '../media/unless-closed.ts';
import type { StreamAccount } from '../trunk/stream-account.ts';
import type { Hosts } from './hosts.ts';
import { type Counted, Tally } from './tally.ts';

export interface LinkSources {
  readonly hosts: Hosts;
  readonly links: Links;
  readonly ledger: Ledger;
  /** Conferences anchored here that the SFT of a domain has not come back to since its link broke. */
  readonly lostSides: () => ReadonlyMap<DomainName, number>;
}

/** @returns what has to be awaited before each scrape */
export function observeLinks(registry: Registry, sources: LinkSources): () => Promise<void> {
  const { hosts, links, ledger, lostSides } = sources;
  const registers = [registry];
  new Gauge({
    name: 'hawser_sft_links',
    help: `Links by peer and state; suspect: nothing heard for ${SUSPECT_MS / HEARTBEAT_MS} heartbeats`,
    labelNames: ['peer', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const { peer, silentForMs } of await links.all()) {
        const state = silentForMs > SUSPECT_MS ? 'suspect' : 'up';
        for (const each of ['up', 'suspect']) this.inc({ peer, state: each }, each === state ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'hawser_sft_link_rtt_seconds',
    help: 'Round trip of the newest heartbeat, by peer',
    labelNames: ['peer'],
    registers,
    async collect() {
      this.reset();
      for (const { peer, rttMs } of await links.all()) if (rttMs !== undefined) this.set({ peer }, rttMs / 1_000);
    },
  });
  new Gauge({
    name: 'hawser_sft_unjoined_conferences',
    help: 'Conferences of another domain, their anchor, in which people here are without it now',
    labelNames: ['peer'],
    registers,
    collect() {
      this.reset();
      for (const { anchor, isJoined } of hosts.uplinks) this.inc({ peer: anchor }, isJoined ? 0 : 1);
    },
  });
  new Gauge({
    name: 'hawser_sft_lost_sides',
    help: 'Conferences anchored here that the SFT of a domain was in when its link broke, and has not come back to',
    labelNames: ['peer'],
    registers,
    async collect() {
      this.reset();
      for (const { peer } of await links.all()) this.set({ peer }, 0);
      for (const [peer, count] of lostSides()) this.set({ peer }, count);
    },
  });
  observeLedger(registry, ledger);
  return observeTrunks(registry, hosts, links);
}

function observeLedger(registry: Registry, ledger: Ledger): void {
  const registers = [registry];
  new Gauge({
    name: 'hawser_sft_shed_layers',
    help: 'Layers that are left out now, by this SFT or the peer, by reason',
    labelNames: ['peer', 'direction', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { peer, shed } of ledger.state) {
        for (const { direction, reason } of shed) this.inc({ peer, direction, reason });
      }
    },
  });
  new Gauge({
    name: 'hawser_sft_surplus',
    help: 'What a peer stated above its limits and is not taken now',
    labelNames: ['peer', 'what'],
    registers,
    collect() {
      this.reset();
      for (const { peer, surplus } of ledger.state) {
        this.set({ peer, what: 'participants' }, surplus.us.participants);
        this.set({ peer, what: 'sources' }, surplus.us.sources);
      }
    },
  });
  new Gauge({
    name: 'hawser_sft_refused_peers',
    help: '1 while a peer may not connect because it was cut off, by code',
    labelNames: ['peer', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { peer, refused } of ledger.state) if (refused) this.set({ peer, code: refused.code }, 1);
    },
  });
}

/** One reading of all streams serves all of these figures, so that it is made before the scrape and not by each. */
function observeTrunks(registry: Registry, hosts: Hosts, links: Links): () => Promise<void> {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `hawser_sft_trunk_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) => {
    const sums = new Counter({ name: `hawser_sft_trunk_${name}_total`, help, labelNames, registers });
    const tally = new Tally<Readonly<Record<L, string>>>();
    return (readings: readonly Counted<Readonly<Record<L, string>>>[]): void => {
      sums.reset();
      for (const { labels, value } of tally.take(readings)) sums.inc(labels, value);
    };
  };
  const stream = ['peer', 'direction', 'kind', 'layer'] as const;
  const payload = counter('bytes', 'UDP payload, RTP and RTCP with SRTP, by peer and direction', 'peer', 'direction');
  const bytes = counter('stream_bytes', 'RTP, without SRTP; layer 0+1+2 is VP9', ...stream);
  const packets = counter('stream_packets', 'Packets of the same streams', ...stream);
  const lost = counter('lost_packets', 'Packets that the receiver missed, before repair', 'peer', 'direction');
  const keyFrames = counter('key_frame_requests', 'Key frames asked for', 'peer', 'direction');
  const jitter = gauge('jitter_seconds', 'Greatest jitter of any incoming stream', 'peer');
  const rtt = gauge('rtt_seconds', 'Greatest round trip of any outgoing stream, as the peer reports it', 'peer');
  const wanted = gauge(
    'layers_wanted',
    'Layers of pictures, and sounds, that the receiver asks for',
    'peer',
    'direction',
  );
  const flowing = gauge('layers_flowing', 'Of these, those that moved since the last scrape', 'peer', 'direction');
  let before: ReadonlyMap<string, number> = new Map();
  return async () => {
    const trunks = await trunksOf(links);
    const [totals, streams] = await Promise.all([totalsOf(trunks), streamsOf(trunks)]);
    const all = (value: (account: StreamAccount) => number) =>
      streams.map(({ id, labels, account }) => ({ id, labels, value: value(account) }));
    const directed = (value: (account: StreamAccount) => number) =>
      all(value).map(({ id, labels: { peer, direction }, value }) => ({ id, labels: { peer, direction }, value }));
    payload(totals);
    bytes(all((account) => account.bytes));
    packets(all((account) => account.packets));
    lost(directed((account) => account.lost));
    keyFrames(directed((account) => account.keyFrameRequests));

    for (const each of [jitter, rtt, wanted, flowing]) each.reset();
    for (const [peer, accounts] of Map.groupBy(streams, ({ labels }) => labels.peer)) {
      jitter.set({ peer }, Math.max(...accounts.map(({ account }) => account.jitter)));
      // 0 before the first report.
      const trips = accounts.map(({ account }) => account.rttMs / 1_000).filter((seconds) => seconds > 0);
      if (trips.length > 0) rtt.set({ peer }, Math.max(...trips));
    }
    for (const { peer, direction, layers } of layersWanted(hosts)) wanted.inc({ peer, direction }, layers);
    for (const { id, labels, account } of streams) {
      const moves = account.packets > (before.get(id) ?? 0);
      flowing.inc({ peer: labels.peer, direction: labels.direction }, moves ? 1 : 0);
    }
    before = new Map(streams.map(({ id, account }) => [id, account.packets]));
  };
}

function layersWanted(hosts: Hosts) {
  const layersOf = (demand: Wanted) => [...demand.values()].reduce((sum, layers) => sum + layers.length, 0);
  return hosts.all.flatMap((host) =>
    [...host.state.sides.values()].flatMap(({ peer, demand }) => [
      { peer, direction: 'out', layers: layersOf(demand) },
      { peer, direction: 'in', layers: layersOf(host.asked(peer)) },
    ]),
  );
}

interface PlacedTrunk {
  readonly peer: DomainName;
  readonly trunk: Trunk;
}

async function streamsOf(trunks: readonly PlacedTrunk[]) {
  const readings = await Promise.all(
    trunks.map(async ({ peer, trunk }) =>
      (await trunk.streams()).map((account) => {
        const { direction, kind, source } = account;
        const layer = account.layers.join('+');
        return { id: `${trunk.id} ${direction} ${source} ${layer}`, labels: { peer, direction, kind, layer }, account };
      }),
    ),
  );
  return readings.flat();
}

async function totalsOf(trunks: readonly PlacedTrunk[]) {
  const readings = await Promise.all(
    trunks.map(async ({ peer, trunk }) => {
      const bytes = await unlessClosed(trunk, () => trunk.bytes());
      if (!bytes) return [];
      return [
        { id: `${trunk.id} out`, labels: { peer, direction: 'out' }, value: bytes.sent },
        { id: `${trunk.id} in`, labels: { peer, direction: 'in' }, value: bytes.received },
      ];
    }),
  );
  return readings.flat();
}

async function trunksOf(links: Links): Promise<PlacedTrunk[]> {
  const trunks: PlacedTrunk[] = [];
  for (const link of await links.all()) {
    for (const trunk of await link.trunks()) if (!trunk.closed) trunks.push({ peer: link.peer, trunk });
  }
  return trunks;
}
