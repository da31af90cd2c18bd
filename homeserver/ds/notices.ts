/** What the devices of a conversation are told when one state of it follows another. Pure. */
import type { Member, Statement } from '#signalling/federation.ts';
import type { UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';
import type { Change } from './changes.ts';

/**
 * In the order in which they are told: who came, what was changed, who went. Of a domain that is out it is said in one notice, how many
 * people it may have had.
 */
export function noticesOf({ before, after, by, parted }: Change): NoticeChange[] {
  if (before === undefined) return [];
  const earlier = membersOf(before);
  const later = membersOf(after);
  const actor = by === undefined ? undefined : (earlier.get(by) ?? later.get(by));
  const byActor = actor && { by: named(actor) };
  const notices: NoticeChange[] = [];
  for (const [user, member] of later) {
    const was = earlier.get(user);
    const who = named(member);
    if (!was) notices.push({ type: 'added', who, ...byActor });
    // Whoever leaves names nobody: his place is taken, not given.
    else if (was.role !== member.role) {
      notices.push({ type: 'role', who, role: member.role, ...(by !== undefined && later.has(by) && byActor) });
    }
  }
  if (before.title !== after.title) notices.push({ type: 'title', title: after.title, ...byActor });
  if (parted !== undefined) notices.push({ type: 'parted', domain: parted });
  for (const [user, member] of earlier) {
    if (later.has(user) || member.domain === parted) continue;
    if (user === by) notices.push({ type: 'left', who: named(member) });
    else notices.push({ type: 'removed', who: named(member), ...(by !== undefined && later.has(by) && byActor) });
  }
  return notices;
}

function membersOf({ members }: Statement): Map<UserId, Member> {
  return new Map(members.map((member) => [member.user, member]));
}

function named({ user, name }: Member) {
  return { user, name };
}
