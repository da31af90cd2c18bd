/** What the own SFT is told of what participants may send in a call. It knows them by their pseudonyms only. */
import type { Statement } from '#signalling/federation.ts';
import { permissionsIn, permissionsOfAnybody } from '#signalling/moderation.ts';
import type { Permissions } from '#signalling/sft-home.ts';
import { peopleInCall } from '../ds/guests.ts';
import type { Db } from '../store/store.ts';

/** Most that are named; others may do what anybody may. */
const MAX_NAMED = 2_000;

/**
 * Names everybody of this domain who has a ticket, newest first, so that nobody is there before he is named; and everybody of others who is there.
 * @returns undefined where nothing was decided in the call, or there is none
 */
export async function permissionsOf(db: Db, state: Statement): Promise<Permissions | undefined> {
  const { call } = state;
  if (!call?.moderation) return undefined;
  const { conference } = call;
  const own = await db
    .selectFrom('call_pseudonyms')
    .select(['participant', 'user_id'])
    .where('conference', '=', conference)
    .orderBy('issued_at', 'desc')
    .limit(MAX_NAMED)
    .execute();
  const known = new Map(call.members.map(({ participant, user }) => [participant, user]));
  for (const { participant, user_id } of own) known.set(participant, user_id);
  const people = new Map(peopleInCall(state).map((person) => [person.user, person]));
  const named = [...known].slice(0, MAX_NAMED).map(([participant, user]) => {
    const member = people.get(user);
    return { participant, may: member ? permissionsIn(call, member) : [] };
  });
  return { conference, unnamed: permissionsOfAnybody(call), named };
}
