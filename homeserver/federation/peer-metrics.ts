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
  isListed: (domain: DomainName) => boolean,
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
  gauge('reached_timestamp_seconds', 'When a domain last answered', ({ reachedAt }) => reachedAt && reachedAt / 1000);
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<'peer' | L>({
      name: `hawser_homeserver_peer_${name}_total`,
      help,
      labelNames: ['peer', ...labelNames],
      registers: [registry],
    });
  const refusals = counter('refusals', 'What was refused at the door for other domains', 'code');
  const messages = counter('messages', 'Messages that came from a domain (in), or were delivered to it (out)', 'way');
  const calls = counter('calls', 'Calls that began in conversations with people of a domain');
  const named = (domain: DomainName) => (isListed(domain) ? domain : 'other');
  return {
    refused: (domain, code) => refusals.inc({ peer: named(domain), code }),
    messages: (domain, way, count) => messages.inc({ peer: named(domain), way }, count),
    call: (domain) => calls.inc({ peer: named(domain) }),
  };
}
