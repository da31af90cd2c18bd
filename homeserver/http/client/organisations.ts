/** Other organisations, and whether they can be reached. */
import { API, type Organisation, Organisations } from '#signalling/client-home.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { PeerList } from '#trust/peers.ts';
import type { Away } from '../../federation/contact.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

export function organisationRoutes(app: App, { sessions, organisations }: ClientApiOptions): void {
  const list = told('Organisations that this one federates with, and which of them cannot be reached.', {
    by: 'session',
    answer: Organisations,
  });
  app.get(`${API}/organisations`, { schema: list }, async (request) => {
    await authenticate(sessions, request);
    return { organisations: organisations() };
  });
}

/** Those that are allowed, by name. */
export function organisationsOf(
  peers: PeerList['current'],
  away: (domain: DomainName) => Away | undefined,
): Organisation[] {
  return [...peers.values()]
    .filter(({ state }) => state === 'allowed')
    .map(({ domain }) => ({ domain, ...away(domain) }))
    .sort((a, b) => (a.domain < b.domain ? -1 : 1));
}
