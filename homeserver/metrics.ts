/** The homeserver's figures for Prometheus. A label's values are few: peers of the allow list, codes of the closed list. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Endings } from '#trust/endings.ts';
import type { Disk } from './disk.ts';
import { InTurn } from './in-turn.ts';

/** As long as Prometheus leaves between two scrapes at the most, when nobody says otherwise. */
const LAG_TURN_MS = 60_000;

export interface Sampled {
  accounts(): Promise<number>;
  sessions(): Promise<number>;
  calls(): Promise<number>;
  /** Entries of the outbox by domain. */
  outbox(): Promise<readonly { domain: string; depth: number }[]>;
  /** Entries of groups that other domains do not have yet. */
  feeds(): readonly { domain: string; depth: number }[];
  /** E-mails that are not sent yet. */
  mails(): Promise<number>;
  /** When the oldest of them was written, ms since 1970; undefined where there is none. */
  oldestMail(): Promise<number | undefined>;
  /** Files of other domains that are being fetched. */
  downloads(): number;
  /** What files and unfinished uploads take up. */
  assets(): Promise<{ readonly bytes: number; readonly uploads: number }>;
  eventConnections(): number;
  isSftConnected(): boolean;
  /** Of the disk with the data folder. */
  disk(): Promise<Disk>;
  /** When certificates and lists of this domain end. */
  endings(): Endings;
  /** ms since 1970 */
  now(): number;
}

export interface Metrics {
  readonly registry: Registry;
  /** Requests of other homeservers, by peer, call and result. */
  readonly federationIn: Counter<'peer' | 'call' | 'result'>;
  /** Requests to other homeservers. */
  readonly federationOut: Counter<'peer' | 'call' | 'result'>;
  readonly connectionsRefused: Counter<'code'>;
  readonly clientRefusals: Counter<'code'>;
  readonly outboxGivenUp: Counter<'peer' | 'code'>;
  readonly feedDropped: Counter<'peer' | 'code'>;
  readonly ticketsIssued: Counter;
  /** By the hub of the conversation: `own`, or that of an `other` domain. */
  readonly messagesAccepted: Counter<'hub'>;
  /** By the mail library's code. */
  readonly mailFailed: Counter<'code'>;
  /** Wake-ups, by what became of them: `taken`, `later`, `gone`. */
  readonly pushSent: Counter<'result'>;
  readonly faults: Counter;
  close(): void;
}

export function makeMetrics(sampled: Sampled): Metrics {
  const registry = new Registry();
  sampledGauges(registry, sampled);
  certificateGauge(registry, sampled);
  const close = processGauges(registry);
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name: `hawser_homeserver_${name}_total`, help, labelNames, registers });
  const messagesAccepted = counter('messages_accepted', 'Messages of people of this domain that are kept', 'hub');
  const pushSent = counter('push_sent', 'Requests to push services of browser makers', 'result');
  // What has few values is there from the start: an increase from nothing to 1 is none for Prometheus.
  for (const hub of ['own', 'other']) messagesAccepted.inc({ hub }, 0);
  for (const result of ['taken', 'later', 'gone']) pushSent.inc({ result }, 0);
  return {
    registry,
    federationIn: counter('federation_requests', 'Requests of other homeservers', 'peer', 'call', 'result'),
    federationOut: counter('federation_sent', 'Requests to other homeservers', 'peer', 'call', 'result'),
    connectionsRefused: counter('connections_refused', 'Connections of other servers that were refused', 'code'),
    clientRefusals: counter('client_refusals', 'Answers to clients that are not 2xx', 'code'),
    outboxGivenUp: counter('outbox_given_up', 'What another domain refused for good', 'peer', 'code'),
    feedDropped: counter('feed_dropped', 'What another domain delivered and was not taken', 'peer', 'code'),
    ticketsIssued: counter('tickets_issued', 'Tickets for calls'),
    mailFailed: counter('mail_failed', 'Attempts to send an e-mail that failed', 'code'),
    pushSent,
    messagesAccepted,
    faults: counter('faults', 'Errors without a code, which are faults of ours'),
    close,
  };
}

function certificateGauge(registry: Registry, sampled: Sampled): void {
  new Gauge({
    name: 'hawser_homeserver_certificate_expiry_seconds',
    help: 'Time until a certificate of this domain ends, or a newer revocation list was promised',
    labelNames: ['of'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [of, at] of sampled.endings()) this.set({ of }, Math.round((at - sampled.now()) / 1000));
    },
  });
}

/** Of prom-client's default metrics those that are looked at; its own cannot be stopped, and tests start many servers. */
function processGauges(registry: Registry): () => void {
  const resolution = 10;
  const delays = new InTurn(() => monitorEventLoopDelay({ resolution }));
  // What is recorded is the time between two ticks, of which the resolution is no lag.
  const lag = (ns: number) => Math.max(0, ns / 1e9 - resolution / 1e3);
  for (const delay of delays.both) delay.enable();
  const turns = setInterval(() => delays.turn(), LAG_TURN_MS).unref();
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `hawser_homeserver_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('event_loop_lag_p50_seconds', 'Median lag of the event loop in the last one to two minutes', () =>
    lag(delays.older.percentile(50)),
  );
  gauge('event_loop_lag_max_seconds', 'Longest lag of the event loop in the last one to two minutes', () =>
    lag(delays.older.max),
  );
  gauge('resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
  new Counter({
    name: 'hawser_homeserver_cpu_seconds_total',
    help: 'Processor time of the process, user and system',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return () => {
    clearInterval(turns);
    for (const delay of delays.both) delay.disable();
  };
}

function sampledGauges(registry: Registry, sampled: Sampled): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name: `hawser_homeserver_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  gauge('accounts', 'Accounts', sampled.accounts);
  gauge('sessions', 'Sessions', sampled.sessions);
  gauge('calls', 'Calls going on in conversations of people of this domain', sampled.calls);
  gauge('mail_waiting', 'E-mails that are not sent yet', sampled.mails);
  gauge('mail_waiting_oldest_seconds', 'Age of the oldest of them', async () => {
    const oldestAt = await sampled.oldestMail();
    return oldestAt === undefined ? 0 : Math.max(0, (sampled.now() - oldestAt) / 1000);
  });
  gauge('disk_free_bytes', 'Free room of the disk with the data folder', async () => (await sampled.disk()).free);
  gauge('disk_size_bytes', 'Size of that disk', async () => (await sampled.disk()).size);
  gauge('asset_bytes', 'Room that files and unfinished uploads take up', async () => (await sampled.assets()).bytes);
  gauge('foreign_downloads', 'Files of other domains that people here are fetching', () => sampled.downloads());
  gauge('asset_uploads', 'Uploads that are not complete', async () => (await sampled.assets()).uploads);
  gauge('event_connections', 'Open event connections of clients', sampled.eventConnections);
  gauge('sft_connected', '1 while the SFT of this domain is connected', () => Number(sampled.isSftConnected()));
  new Gauge({
    name: 'hawser_homeserver_outbox_depth',
    help: 'What other domains still have to be told',
    labelNames: ['peer'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const { domain, depth } of await sampled.outbox()) this.set({ peer: domain }, depth);
    },
  });
  new Gauge({
    name: 'hawser_homeserver_feed_depth',
    help: 'Entries of groups that other domains do not have yet',
    labelNames: ['peer'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { domain, depth } of sampled.feeds()) this.set({ peer: domain }, depth);
    },
  });
}
