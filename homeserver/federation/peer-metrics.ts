/** Figures of each domain of the allow list for Prometheus; domains that are not on it are one, `other`. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PeerReport } from '#signalling/administration.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { PeersStatus } from './status.ts';

export interface PeerMetrics {
  /** Refused at our door. */
  refused(domain: DomainName, code: ErrorCode): void;
  /** Came from a domain, or were delivered to it. */
  messages(domain: DomainName, way: 'in' | 'out', count: number): void;
  /** A call began in a conversation that the domain shares. */
  call(domain: DomainName): void;
}

export function peerMetrics(
  registry: Registry,
  status: Pick<PeersStatus, 'report'>,
  listed: () => ReadonlyMap<DomainName, unknown>,
): PeerMetrics {
  const gauge = (name: string, help: string, read: (peer: PeerReport, now: number) => number | undefined) =>
    new Gauge({
      name: `hawser_homeserver_peer_${name}`,
      help,
      labelNames: ['peer'],
      registers: [registry],
      async collect() {
        const { peers, at } = await status.report();
        this.reset();
        for (const peer of peers.filter(({ listed }) => listed)) {
          const value = read(peer, at);
          if (value !== undefined) this.set({ peer: peer.domain }, value);
        }
      },
    });
  gauge('waiting', 'What waits to be delivered to a domain', ({ waiting }) => waiting.count);
  gauge('waiting_oldest_seconds', 'Age of the oldest that waits', ({ waiting: { oldestAt } }, now) =>
    oldestAt === undefined ? 0 : Math.max(0, (now - oldestAt) / 1000),
  );
  gauge('certificate_expiry_seconds', 'Time until the certificate ends that a domain showed last', (peer, now) =>
    peer.certificateEndsAt === undefined ? undefined : (peer.certificateEndsAt - now) / 1000,
  );
  // Of several the last one counts: while one takes the place of another, both are on the list.
  gauge('authority_expiry_seconds', 'Time until the authority ends that the list has for a domain', (peer, now) =>
    peer.state === 'blocked' || peer.authorities.length === 0
      ? undefined
      : (Math.max(...peer.authorities.map(({ endsAt }) => endsAt)) - now) / 1000,
  );
  gauge('reached_timestamp_seconds', 'When a domain last answered', ({ reachedAt }) => reachedAt && reachedAt / 1000);
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) => ({
    name: `hawser_homeserver_peer_${name}_total`,
    help,
    labelNames: ['peer' as const, ...labelNames],
    registers: [registry],
  });
  const refusals = new Counter(counter('refusals', 'What was refused at the door for other domains', 'code'));
  // Where there are few of them, they begin with 0 for each domain of the list: the first one is to be seen as an increase.
  const messages = new Counter({
    ...counter('messages', 'Messages that came from a domain (in), or were delivered to it (out)', 'way'),
    collect() {
      for (const peer of listed().keys()) for (const way of ['in', 'out']) this.inc({ peer, way }, 0);
    },
  });
  const calls = new Counter({
    ...counter('calls', 'Calls that began in conversations with people of a domain'),
    collect() {
      for (const peer of listed().keys()) this.inc({ peer }, 0);
    },
  });
  const named = (domain: DomainName) => (listed().has(domain) ? domain : 'other');
  return {
    refused: (domain, code) => refusals.inc({ peer: named(domain), code }),
    messages: (domain, way, count) => messages.inc({ peer: named(domain), way }, count),
    call: (domain) => calls.inc({ peer: named(domain) }),
  };
}
