/** What people of this domain have to do with those of others: the rule, and how their homeservers are asked and told. */
import type { ConsentStatement } from '#signalling/federation-people.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { Unreachable } from '../federation/errors.ts';
import type { Account } from './accounts.ts';

/**
 * Whom people of another domain may reach, and who may reach them: everybody whom the allow list lets in and nobody blocks, or who is
 * connected.
 */
export type ForeignPeople = 'open' | 'connected';

/** What other domains are asked and told. */
export interface Abroad {
  /** Somebody of another domain. @throws HawserError HOME_NOT_FOUND, and where the domain cannot be asked or told */
  lookUp(user: UserId): Promise<Account>;
  /** @throws HawserError */
  tell(domain: DomainName, statement: ConsentStatement): Promise<void>;
  /** Something for the domain lies in the outbox. */
  wake(domain: DomainName): void;
}

/** For a homeserver that does not run: what is to be told lies in the outbox until it does. */
export const CUT_OFF: Abroad = {
  lookUp: async (user) => {
    throw new Unreachable([domainOf(user)]);
  },
  tell: async (domain) => {
    throw new Unreachable([domain]);
  },
  wake: () => undefined,
};
