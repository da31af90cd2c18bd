/** The follower's part: takes over what the hub states about its conversation, if it is newer and the hub's to say. */
import { HawserError } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import { type DomainName, domainOf } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { domainsOf } from './conversation.ts';
import type { Journal } from './journal.ts';
import { loadInCall } from './repository.ts';

/**
 * @param own the domain of this homeserver
 * @param from the domain that its certificate speaks for
 * @returns the newest state that is known, which is not the given one where that came late or twice
 * @throws HawserError FED_FOREIGN, FED_WRONG_DESTINATION
 */
export async function accept(
  journal: Journal,
  own: DomainName,
  from: DomainName,
  statement: Statement,
): Promise<Statement> {
  refuseForeign(from, statement);
  return journal.change(statement.conversation, (before) => {
    if (before) return statement.seq > before.seq ? statement : before;
    if (!domainsOf(statement).has(own)) throw new HawserError('FED_WRONG_DESTINATION');
    return statement;
  });
}

/** The hub may no longer federate, so it will not say how its calls go on: for us they are over. */
export async function endCallsOf(journal: Journal, db: Db, hub: DomainName): Promise<void> {
  for (const { conversation } of await loadInCall(db)) {
    if (domainOf(conversation) !== hub) continue;
    await journal.change(conversation, (before) => {
      if (!before) throw new HawserError('HOME_NOT_FOUND');
      // With the hub's own number: whatever it says later, if it is allowed again, is newer.
      const { call: _over, ...rest } = before;
      return rest;
    });
  }
}

/** What a hub may say is bounded by what can be true, so that nobody appears under another organisation's name. */
function refuseForeign(from: DomainName, { conversation, members, call }: Statement): void {
  const isForeign =
    domainOf(conversation) !== from ||
    members.some(({ user, domain }) => domain !== domainOf(user)) ||
    new Set(members.map(({ user }) => user)).size !== members.length;
  if (isForeign) throw new HawserError('FED_FOREIGN');
  if (!call) return;
  const people = new Set(members.map(({ user }) => user));
  const isForeignCall =
    call.anchor !== domainOf(call.startedBy) ||
    !people.has(call.startedBy) ||
    call.members.some(({ user, domain }) => domain !== domainOf(user) || !people.has(user)) ||
    new Set(call.members.map(({ participant }) => participant)).size !== call.members.length;
  if (isForeignCall) throw new HawserError('FED_FOREIGN', 'call');
}
