/** People of other domains, asked for over there: with what the homeserver of their domain speaks. */
import { HawserError } from '#signalling/errors.ts';
import { versionOf } from '#signalling/federation.ts';
import { type DomainName, domainOf, handleOf, parseAddress, type UserId } from '#signalling/ids.ts';
import type { Person } from '../ds/conversation.ts';
import type { PeerClient } from './peer-client.ts';

export function remotePeople(peers: Pick<PeerClient, 'greet' | 'identify' | 'search'>) {
  return {
    /** Somebody who is to be asked for a connection. @throws HawserError FED_OLD_VERSION where that cannot be told there */
    async lookUp(user: UserId): Promise<Person> {
      const domain = domainOf(user);
      if ((await peers.greet(domain)) < versionOf('consent')) throw new HawserError('FED_OLD_VERSION', domain);
      return peers.identify(domain, handleOf(user));
    },

    /** @throws HawserError as the federation client */
    async search(domain: DomainName, by: UserId, text: string): Promise<readonly Person[]> {
      const sought = text.slice(0, 100);
      if ((await peers.greet(domain)) >= versionOf('search')) return peers.search(domain, by, sought);
      // An older homeserver knows exact handles only.
      const user = parseAddress(`@${sought.replace(/^@/, '')}@${domain}`);
      if (user === undefined) return [];
      return peers.identify(domain, handleOf(user)).then(
        (person) => [person],
        (error: unknown) => {
          if (error instanceof HawserError && error.code === 'HOME_NOT_FOUND') return [];
          throw error;
        },
      );
    },
  };
}
