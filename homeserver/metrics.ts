/** The homeserver's figures for Prometheus. A label's values are few: peers of the allow list, codes of the closed list. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';

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
  /** What files and unfinished uploads take up. */
  /** Files of other domains that are being fetched. */
  downloads(): number;
  assets(): Promise<{ readonly bytes: number; readonly uploads: number }>;
  eventConnections(): number;
  isSftConnected(): boolean;
  /** When the certificate ends, ms since 1970. */
  certificateExpires(): number;
  /** The same of the certificate for browsers; undefined where the homeserver shows none itself. */
  readonly browserCertificateExpires: (() => number) | undefined;
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
  const close = processGauges(registry);
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name: `hawser_homeserver_${name}_total`, help, labelNames, registers });
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
    pushSent: counter('push_sent', 'Requests to push services of browser makers', 'result'),
    faults: counter('faults', 'Errors without a code, which are faults of ours'),
    close,
  };
}

/** Of prom-client's default metrics those that are looked at; its own cannot be stopped, and tests start many servers. */
function processGauges(registry: Registry): () => void {
  const resolution = 10;
  const delay = monitorEventLoopDelay({ resolution });
  // What is recorded is the time between two ticks, of which the resolution is no lag.
  const lag = (ns: number) => Math.max(0, ns / 1e9 - resolution / 1e3);
  delay.enable();
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `hawser_homeserver_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('event_loop_lag_p50_seconds', 'Median lag of the event loop since the last scrape', () =>
    lag(delay.percentile(50)),
  );
  // Read last, and the measurement begins anew.
  gauge('event_loop_lag_max_seconds', 'Longest lag of the event loop since the last scrape', () => {
    const max = lag(delay.max);
    delay.reset();
    return max;
  });
  gauge('resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
  gauge('cpu_seconds', 'Processor time of the process, user and system', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  return () => delay.disable();
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
  gauge('asset_bytes', 'Room that files and unfinished uploads take up', async () => (await sampled.assets()).bytes);
  gauge('foreign_downloads', 'Files of other domains that people here are fetching', () => sampled.downloads());
  gauge('asset_uploads', 'Uploads that are not complete', async () => (await sampled.assets()).uploads);
  gauge('event_connections', 'Open event connections of clients', sampled.eventConnections);
  gauge('sft_connected', '1 while the SFT of this domain is connected', () => Number(sampled.isSftConnected()));
  gauge('certificate_expires_seconds', 'Seconds until the certificate towards other domains ends', () =>
    Math.round((sampled.certificateExpires() - sampled.now()) / 1000),
  );
  const { browserCertificateExpires } = sampled;
  if (browserCertificateExpires) {
    gauge('browser_certificate_expires_seconds', 'Seconds until the certificate ends that browsers are shown', () =>
      Math.round((browserCertificateExpires() - sampled.now()) / 1000),
    );
  }
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
