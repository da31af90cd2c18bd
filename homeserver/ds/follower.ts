/** The follower's part: takes over what the hub states about its conversation, if it is newer and the hub's to say. */
import { isDeepStrictEqual } from 'node:util';
import { HawserError } from '#signalling/errors.ts';
import type { Call, Member, Statement } from '#signalling/federation.ts';
import { type DomainName, domainOf } from '#signalling/ids.ts';
import { isHeard } from '../federation/parting-table.ts';
import type { Db } from '../store/store.ts';
import { domainsOf } from './conversation.ts';
import type { Journal } from './journal.ts';
import { loadInCall } from './repository.ts';

/**
 * @param own the domain of this homeserver
 * @param from the domain that its certificate speaks for
 * @param onEquivocated it said something else under this number before, and that stands
 * @returns the newest state that is known, which is not the given one where that came late or twice
 * @throws HawserError FED_FOREIGN, FED_WRONG_DESTINATION
 */
export async function accept(
  journal: Journal,
  own: DomainName,
  from: DomainName,
  statement: Statement,
  onEquivocated?: () => void,
): Promise<Statement> {
  refuseForeign(from, statement);
  return journal.change(statement.conversation, async (before, tx) => {
    if (before && statement.seq <= before.seq) {
      if (contradicts(before, statement)) onEquivocated?.();
      return before;
    }
    // It may still take our people for members who are out since the organisations parted.
    if (before?.members.length === 0 && !(await isHeard(tx, statement))) return before;
    if (before) return statement;
    if (!domainsOf(statement).has(own)) throw new HawserError('FED_WRONG_DESTINATION');
    return statement;
  });
}

/**
 * Whether a hub says something else under a number than before. What may be missing on either side tells nothing: a call that one may
 * not have with its anchor, or that is over here, and a group, of which an older version does not speak. Pure.
 * @param before as it was taken over
 * @param statement as it came
 */
export function contradicts(before: Statement, statement: Statement): boolean {
  if (statement.seq !== before.seq || statement.conversation !== before.conversation) return false;
  // Over for us, with the hub's own number.
  if (before.members.length === 0) return false;
  const isOther = <T>(one: T | undefined, other: T | undefined, said: (value: T) => unknown) =>
    one !== undefined && other !== undefined && !isDeepStrictEqual(said(one), said(other));
  return (
    before.title !== statement.title ||
    !isDeepStrictEqual(inOrder(before.members), inOrder(statement.members)) ||
    isOther(before.group, statement.group, (group) => group) ||
    isOther(before.call, statement.call, begunAs) ||
    isOther(before.call?.moderation, statement.call?.moderation, (moderation) => moderation) ||
    isOther(before.call?.guests, statement.call?.guests, (guests) => guests)
  );
}

function inOrder(members: readonly Member[]) {
  return members
    .map(({ user, role, name }) => [user, role, name])
    .toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1));
}

function begunAs({ conference, anchor, startedBy, startedAt }: Call) {
  return { conference, anchor, startedBy, startedAt };
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
  const { guests = [] } = call;
  const domains = new Set(members.map(({ domain }) => domain));
  const people = new Set([...members, ...guests].map(({ user }) => user));
  const isForeignGuest =
    people.size !== members.length + guests.length ||
    guests.some(({ user, by }) => domainOf(user) !== domainOf(by) || !domains.has(domainOf(user)));
  if (isForeignGuest) throw new HawserError('FED_FOREIGN', 'guest');
  const isForeignCall =
    call.anchor !== domainOf(call.startedBy) ||
    !members.some(({ user }) => user === call.startedBy) ||
    call.members.some(({ user, domain }) => domain !== domainOf(user) || !people.has(user)) ||
    new Set(call.members.map(({ participant }) => participant)).size !== call.members.length;
  if (isForeignCall) throw new HawserError('FED_FOREIGN', 'call');
}
