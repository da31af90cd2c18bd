/** Figures of each domain of the allow list for Prometheus; domains that are not on it are one, `other`. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PeerReport } from '#signalling/administration.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { PeersStatus } from './status.ts';

export interface PeerMetrics {
  /** Refused at our door. */
  refused(domain: DomainName, code: ErrorCode): void;
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
  const refusals = new Counter({
    name: 'hawser_homeserver_peer_refusals_total',
    help: 'What was refused at the door for other domains',
    labelNames: ['peer', 'code'],
    registers: [registry],
  });
  return {
    refused: (domain, code) => refusals.inc({ peer: isListed(domain) ? domain : 'other', code }),
  };
}
