/** The figures of the SFT in the form that Prometheus reads. Names begin with `hawser_sft_`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { ShedReason } from '#signalling/sft-link.ts';
import type { Endings } from '#trust/endings.ts';
import type { SignalDrop } from '../conference/signals.ts';
import type { LeftOutLayer } from '../link/ledger.ts';
import type { MediaWorkers } from '../media/worker.ts';
import type { Drain } from './drain.ts';
import { type LinkSources, observeLinks } from './link-figures.ts';
import { type ReturnOutcome, Returns, type Stay } from './returns.ts';

export interface Observed extends LinkSources {
  readonly workers: MediaWorkers;
  readonly drain: Drain;
  readonly homeConnected: () => boolean;
  /** When certificates and lists of this SFT end. */
  readonly endings: () => Endings;
  /** ms since 1970 */
  readonly now: () => number;
}

const WHERE: readonly SignalDrop[] = ['unknown', 'participant', 'conference', 'link-in', 'link-out'];
const REASONS: readonly ShedReason[] = ['send-limit', 'receive-limit', 'loss', 'delay', 'ceiling', 'feedback'];

export class Metrics {
  readonly registry = new Registry();
  #refresh: () => Promise<void> = async () => undefined;
  #refreshing: Promise<void> | undefined;
  readonly #returns: Returns;
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
  readonly #uplinkFailures: Counter<'peer' | 'code'>;
  readonly #linkLosses: Counter<'peer'>;

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
    this.#uplinkFailures = counter('uplink_failures_total', 'Attempts to join an anchor that failed, by code', [
      'peer',
      'code',
    ]);
    this.#linkLosses = counter('link_losses_total', 'Links that ended although somebody needed them', ['peer']);
    const resumes = counter(
      'resumes_total',
      'Connections of clients that broke: back in time or not, as those who closed the page',
      ['outcome'],
    );
    this.#returns = new Returns((outcome, count) => resumes.inc({ outcome }, count));
    // What has few values is there from the start: an increase from nothing to 1 is none for Prometheus.
    for (const outcome of ['back', 'gone'] satisfies ReturnOutcome[]) resumes.inc({ outcome }, 0);
    for (const protocol of ['ice', 'dtls']) this.#transportFailures.inc({ protocol }, 0);
    for (const where of WHERE) this.#droppedSignals.inc({ where }, 0);
    this.#refusedTickets.inc({ code: 'SFT_FULL' satisfies ErrorCode }, 0);
    this.#join = new Histogram({
      name: 'hawser_sft_join_seconds',
      help: 'Time from the connection to the step: joined, transport connected, first media ready',
      labelNames: ['step'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6],
      registers,
    });
    for (const step of ['join', 'connect', 'media']) this.#join.zero({ step });
  }

  /** The text that Prometheus reads. */
  async scrape(): Promise<string> {
    // Two at once share one reading, so that none counts what is older than what was counted.
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
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

  linkStands(peer: DomainName): void {
    this.#linkLosses.inc({ peer }, 0);
    for (const direction of ['in', 'out'])
      for (const reason of REASONS) this.#shedLayers.inc({ peer, direction, reason }, 0);
  }

  /** @returns whether that was a loss */
  linkEnded(peer: DomainName, code: ErrorCode | 'normal'): boolean {
    const isLoss = code !== 'normal' && code !== 'SFT_SHUTTING_DOWN';
    if (isLoss) this.#linkLosses.inc({ peer });
    return isLoss;
  }

  uplinkFailed(peer: DomainName, code: ErrorCode): void {
    this.#uplinkFailures.inc({ peer, code });
  }

  clientJoined(stay: Stay, now: number): void {
    this.#returns.joined(stay, now);
  }

  clientEnded(stay: Stay, code: ErrorCode | 'normal', now: number): void {
    this.#returns.ended(stay, code, now);
  }

  workerDied(): void {
    this.#workerDeaths.inc();
  }

  joinStep(step: string, seconds: number): void {
    this.#join.observe({ step }, seconds);
  }

  /** Gauges that are read when they are asked for. */
  observe(observed: Observed): void {
    const { hosts, workers, drain, homeConnected, endings, now } = observed;
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
    new Counter({
      name: 'hawser_sft_worker_cpu_seconds_total',
      help: 'Processor time of the media workers; one can use one core',
      labelNames: ['worker'],
      registers,
      async collect() {
        const used = await Promise.all(
          workers.all.map(async ({ index, worker }) => ({ index, usage: await worker.getResourceUsage() })),
        );
        this.reset();
        for (const { index, usage } of used) {
          this.inc({ worker: String(index) }, (usage.ru_utime + usage.ru_stime) / 1_000);
        }
      },
    });
    new Gauge({
      name: 'hawser_sft_homeserver_connected',
      help: '1 while the homeserver of this domain is reached',
      registers,
      collect() {
        this.set(homeConnected() ? 1 : 0);
      },
    });
    new Gauge({
      name: 'hawser_sft_certificate_expiry_seconds',
      help: 'Time until a certificate of this domain ends, or a newer revocation list was promised',
      labelNames: ['of'],
      registers,
      collect() {
        this.reset();
        for (const [of, at] of endings()) this.set({ of }, (at - now()) / 1_000);
      },
    });
    const refreshLinks = observeLinks(this.registry, observed);
    this.#refresh = async () => {
      this.#returns.sweep(now());
      await refreshLinks();
    };
  }
}
