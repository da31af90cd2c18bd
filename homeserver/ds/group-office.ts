/** Where a device of this domain turns to about the group of a conversation: the own hub, or through a relay that of another domain. */
import type { GroupState, NewCommit, NewGroup, TakenCommit } from '#signalling/groups.ts';
import { type ConversationId, type DeviceId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';

/** A device that asks, and whose it is. */
export interface Asker {
  readonly user: UserId;
  readonly device: DeviceId;
}

/** All that is asked is refused with HOME_NOT_FOUND where the asker is no member, and with what the hub finds wrong. */
export interface GroupOffice {
  /** @throws HawserError HOME_GROUP_EXISTS, and of the MLS family */
  create(asker: Asker, conversation: ConversationId, group: NewGroup): Promise<GroupState>;
  /** What a device joins by itself with. @throws HawserError HOME_NO_GROUP */
  state(asker: Asker, conversation: ConversationId): Promise<GroupState>;
  /** The tree to a Welcome, base64url; also for whoever stands in it and is out by now. @throws HawserError HOME_NO_GROUP */
  tree(asker: Asker, conversation: ConversationId, epoch: number): Promise<string>;
  /** The same id again is answered the same. @throws HawserError HOME_NO_GROUP, MLS_EPOCH_PAST, and others of the MLS family */
  commit(asker: Asker, conversation: ConversationId, commit: NewCommit): Promise<TakenCommit>;
  /** Resolves when it is the turn of a device that lost a race. @throws HawserError HOME_NO_GROUP, HOME_SLOW_DOWN */
  waitForTurn(asker: Asker, conversation: ConversationId): Promise<void>;
  /** A device whose turn it is does not need it any more. */
  endTurn(asker: Asker, conversation: ConversationId): Promise<void>;
}

/** The office that a conversation's hub is. */
export function officeOf(domain: DomainName, own: GroupOffice, relay: GroupOffice) {
  return (conversation: ConversationId): GroupOffice => (domainOf(conversation) === domain ? own : relay);
}
