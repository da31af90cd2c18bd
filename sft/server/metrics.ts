/** The figures of the SFT in the form that Prometheus reads. Names begin with `hawser_sft_`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { HEARTBEAT_MS, SUSPECT_MS } from '#signalling/sft-link.ts';
import type { SignalDrop } from '../conference/signals.ts';
import type { Ledger, LeftOutLayer } from '../link/ledger.ts';
import type { Links } from '../link/links.ts';
import type { Trunk } from '../media/trunk.ts';
import { unlessClosed } from '../media/unless-closed.ts';
import type { MediaWorkers } from '../media/worker.ts';
import type { StreamAccount } from '../trunk/stream-account.ts';
import type { Drain } from './drain.ts';
import type { Hosts } from './hosts.ts';

export interface Observed {
  readonly hosts: Hosts;
  readonly links: Links;
  readonly workers: MediaWorkers;
  readonly ledger: Ledger;
  readonly drain: Drain;
  /** When the SFT's own certificate ends, ms since 1970. */
  readonly certificateEnds: () => number;
  /** The same of the certificate for browsers; undefined where the SFT shows none itself. */
  readonly browserCertificateEnds: (() => number) | undefined;
  readonly now: () => number;
}

export class Metrics {
  readonly registry = new Registry();
  #refresh: () => Promise<void> = async () => undefined;
  readonly #refusedTickets: Counter<'code'>;
  readonly #refusedLinks: Counter<'code'>;
  readonly #refusedMessages: Counter<'code'>;
  readonly #faults: Counter;
  readonly #join: Histogram<'step'>;
  readonly #workerDeaths: Counter;
  readonly #transportFailures: Counter<'protocol'>;
  readonly #shedLayers: Counter<'peer' | 'direction' | 'reason'>;
  readonly #refusedSources: Counter<'peer'>;
  readonly #cutLinks: Counter<'peer' | 'code'>;
  readonly #droppedSignals: Counter<'where'>;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, prefix: 'hawser_sft_process_' });
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Counter({ name: `hawser_sft_${name}`, help, labelNames, registers });
    this.#refusedTickets = counter('refused_tickets_total', 'Joins that were refused, by code', ['code']);
    this.#refusedLinks = counter('refused_links_total', 'Connections of other SFTs that were refused, by code', [
      'code',
    ]);
    this.#refusedMessages = counter(
      'closed_connections_total',
      'Client connections that were closed for a fault, by code',
      ['code'],
    );
    this.#faults = counter('faults_total', 'Errors of the SFT itself; each has a line in the log');
    this.#workerDeaths = counter('worker_deaths_total', 'Media workers that ended by themselves');
    this.#transportFailures = counter('transport_failures_total', 'Paths of clients that broke, by protocol', [
      'protocol',
    ]);
    this.#shedLayers = counter('shed_layers_total', 'Layers that were left out by this SFT or a peer, by reason', [
      'peer',
      'direction',
      'reason',
    ]);
    this.#refusedSources = counter('refused_sources_total', 'Sources refused because the peer sent too much of them', [
      'peer',
    ]);
    this.#cutLinks = counter('cut_links_total', 'Peers that were cut off because they misbehaved, by code', [
      'peer',
      'code',
    ]);
    this.#droppedSignals = counter('dropped_signals_total', 'Reactions that went no further, by whose limit it was', [
      'where',
    ]);
    this.#join = new Histogram({
      name: 'hawser_sft_join_seconds',
      help: 'Time from the connection to the step: joined, transport connected, first media ready',
      labelNames: ['step'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6],
      registers,
    });
  }

  /** The text that Prometheus reads. */
  async scrape(): Promise<string> {
    await this.#refresh();
    return this.registry.metrics();
  }

  refusedTicket(code: ErrorCode): void {
    this.#refusedTickets.inc({ code });
  }

  refusedLink(code: ErrorCode): void {
    this.#refusedLinks.inc({ code });
  }

  closedConnection(code: ErrorCode): void {
    this.#refusedMessages.inc({ code });
  }

  fault(): void {
    this.#faults.inc();
  }

  transportFailed(protocol: 'ice' | 'dtls'): void {
    this.#transportFailures.inc({ protocol });
  }

  shed(peer: DomainName, layers: readonly LeftOutLayer[]): void {
    for (const { direction, reason } of layers) this.#shedLayers.inc({ peer, direction, reason });
  }

  refusedSources(peer: DomainName, count: number): void {
    this.#refusedSources.inc({ peer }, count);
  }

  cutLink(peer: DomainName, code: ErrorCode): void {
    this.#cutLinks.inc({ peer, code });
  }

  droppedSignal(where: SignalDrop): void {
    this.#droppedSignals.inc({ where });
  }

  workerDied(): void {
    this.#workerDeaths.inc();
  }

  joinStep(step: string, seconds: number): void {
    this.#join.observe({ step }, seconds);
  }

  /** Gauges that are read when they are asked for. */
  observe(observed: Observed): void {
    const { hosts, workers, drain, certificateEnds, browserCertificateEnds, now } = observed;
    const registers = [this.registry];
    new Gauge({
      name: 'hawser_sft_conferences',
      help: 'Conferences on this SFT, by role',
      labelNames: ['role'],
      registers,
      collect() {
        const anchored = hosts.all.filter((host) => host.isAnchor).length;
        this.set({ role: 'anchor' }, anchored);
        this.set({ role: 'federated' }, hosts.all.length - anchored);
      },
    });
    new Gauge({
      name: 'hawser_sft_draining',
      help: '1 while no new conferences are taken because the SFT is to end',
      registers,
      collect() {
        this.set(Number(drain.until !== undefined));
      },
    });
    new Gauge({
      name: 'hawser_sft_participants',
      help: 'Participants of the conferences on this SFT, by domain',
      labelNames: ['domain'],
      registers,
      collect() {
        this.reset();
        for (const host of hosts.all) for (const { domain } of host.roster.participants) this.inc({ domain });
      },
    });
    new Gauge({
      name: 'hawser_sft_published_layers',
      help: 'Layers that the participants of this SFT are to send because somebody watches them, by kind and layer',
      labelNames: ['kind', 'layer'],
      registers,
      collect() {
        this.reset();
        for (const host of hosts.all) {
          for (const { kind, layers } of host.publishing) {
            for (const layer of layers) this.inc({ kind, layer: String(layer) });
          }
        }
      },
    });
    new Gauge({
      name: 'hawser_sft_worker_cpu_seconds_total',
      help: 'Processor time of the media workers',
      labelNames: ['worker'],
      registers,
      async collect() {
        for (const { index, worker } of workers.all) {
          const usage = await worker.getResourceUsage();
          this.set({ worker: String(index) }, (usage.ru_utime + usage.ru_stime) / 1_000);
        }
      },
    });
    new Gauge({
      name: 'hawser_sft_certificate_expiry_seconds',
      help: "Time until the SFT's certificate ends",
      registers,
      collect() {
        this.set((certificateEnds() - now()) / 1_000);
      },
    });
    if (browserCertificateEnds) {
      new Gauge({
        name: 'hawser_sft_browser_certificate_expiry_seconds',
        help: 'Time until the certificate ends that browsers are shown',
        registers,
        collect() {
          this.set((browserCertificateEnds() - now()) / 1_000);
        },
      });
    }
    this.#observeLinks(observed.links);
    this.#observePeers(observed.ledger);
  }

  #observeLinks(links: Links): void {
    const registers = [this.registry];
    new Gauge({
      name: 'hawser_sft_links',
      help: `Links by peer and state; suspect: nothing heard for ${SUSPECT_MS / HEARTBEAT_MS} heartbeats`,
      labelNames: ['peer', 'state'],
      registers,
      async collect() {
        this.reset();
        for (const link of await links.all()) {
          this.inc({ peer: link.peer, state: link.silentForMs > SUSPECT_MS ? 'suspect' : 'up' });
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
      name: 'hawser_sft_trunk_bytes_total',
      help: 'UDP payload of the trunks that stand, RTP and RTCP with SRTP, by peer and direction',
      labelNames: ['peer', 'direction'],
      registers,
      async collect() {
        this.reset();
        for (const { peer, trunk } of await trunksOf(links)) {
          const bytes = await unlessClosed(trunk, () => trunk.bytes());
          this.inc({ peer, direction: 'out' }, bytes?.sent ?? 0);
          this.inc({ peer, direction: 'in' }, bytes?.received ?? 0);
        }
      },
    });
    this.#observeStreams(links);
  }

  #observePeers(ledger: Ledger): void {
    const registers = [this.registry];
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
  #observeStreams(links: Links): void {
    const registers = [this.registry];
    const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
      new Gauge({ name: `hawser_sft_trunk_${name}`, help, labelNames, registers });
    const stream = ['peer', 'direction', 'kind', 'layer'] as const;
    const bytes = gauge('stream_bytes_total', 'RTP of the trunks that stand, without SRTP; layer 0+1+2 is VP9', [
      ...stream,
    ]);
    const packets = gauge('stream_packets_total', 'Packets of the same streams', [...stream]);
    const lost = gauge('lost_packets_total', 'Packets that the receiver missed, before repair', ['peer', 'direction']);
    const keyFrames = gauge('key_frame_requests_total', 'Key frames asked for', ['peer', 'direction']);
    const jitter = gauge('jitter_seconds', 'Greatest jitter of any incoming stream', ['peer']);
    this.#refresh = async () => {
      const readings = await streamsOf(links);
      for (const each of [bytes, packets, lost, keyFrames, jitter]) each.reset();
      const worst = new Map<string, number>();
      for (const { peer, account } of readings) {
        const { direction, kind } = account;
        const labels = { peer, direction, kind, layer: account.layers.join('+') };
        bytes.inc(labels, account.bytes);
        packets.inc(labels, account.packets);
        lost.inc({ peer, direction }, account.lost);
        keyFrames.inc({ peer, direction }, account.keyFrameRequests);
        worst.set(peer, Math.max(worst.get(peer) ?? 0, account.jitter));
      }
      for (const [peer, seconds] of worst) jitter.set({ peer }, seconds);
    };
  }
}

async function streamsOf(links: Links): Promise<{ peer: string; account: StreamAccount }[]> {
  const all = await trunksOf(links);
  const readings = await Promise.all(
    all.map(async ({ peer, trunk }) => (await trunk.streams()).map((account) => ({ peer, account }))),
  );
  return readings.flat();
}

async function trunksOf(links: Links): Promise<{ peer: string; trunk: Trunk }[]> {
  const trunks: { peer: string; trunk: Trunk }[] = [];
  for (const link of await links.all()) {
    for (const trunk of await link.trunks()) if (!trunk.closed) trunks.push({ peer: link.peer, trunk });
  }
  return trunks;
}
