/**
 * What the hub tells the devices of a group about its conversation, at its place among what is said there: who came, who went, who
 * decides. It is the hub's word and no message of a person: the membership is the hub's to say, and known to it anyway.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { fromBase64Url } from './base64.ts';
import { Role } from './capabilities.ts';
import { Closed } from './contract.ts';
import { HawserError } from './errors.ts';
import { ConversationId, DomainName, domainOf, UserId } from './ids.ts';
import { DisplayName } from './person.ts';
import { Title } from './title.ts';

/** With the name, because whoever has left is looked up in vain. */
const Named = Closed({ user: UserId, name: DisplayName });
const kind = <K extends string>(type: K) => Type.Literal(type);

export const NoticeChange = Type.Union([
  Closed({ type: kind('added'), who: Named, by: Type.Optional(Named) }),
  /** Without `by`: the conversation was over for him too. */
  Closed({ type: kind('removed'), who: Named, by: Type.Optional(Named) }),
  Closed({ type: kind('left'), who: Named }),
  /** Without `by`: nobody else was left to administer. */
  Closed({ type: kind('role'), who: Named, role: Role, by: Type.Optional(Named) }),
  Closed({ type: kind('title'), title: Title, by: Type.Optional(Named) }),
  /**
   * Two organisations do not work together any more. Everybody of this domain is out; where it is the hub's own it is `over`, and the
   * notice is the word of the homeserver of whoever reads it.
   */
  Closed({ type: kind('parted'), domain: DomainName, over: Type.Optional(Type.Literal(true)) }),
  /** So many messages before this place the domain does not get: it was away for longer than the hub keeps them for it. */
  Closed({ type: kind('undelivered'), domain: DomainName, count: Type.Integer({ minimum: 1 }) }),
]);
export type NoticeChange = Static<typeof NoticeChange>;

/** In the group of a call only: it is over, and its keys are of no use any more. */
const CallEnded = Closed({ type: kind('callEnded') });

/** The payload of an entry of kind `notice`: JSON in UTF-8, base64url. */
export const Notice = Closed({
  /** Named here, because whoever was taken out does not find it in the list any more. */
  conversation: ConversationId,
  change: Type.Union([NoticeChange, CallEnded]),
});
export type Notice = Static<typeof Notice>;

const validator = Compile(Notice);

/** @throws HawserError SIG_SCHEMA */
export function parseNotice(payload: string): Notice {
  const bytes = fromBase64Url(payload);
  try {
    const parsed: unknown = bytes && JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(parsed)) return parsed;
  } catch {
    // told below
  }
  throw new HawserError('SIG_SCHEMA', 'notice');
}

/** Whether somebody is out of the conversation by it, or the call whose group is told is over. */
export function isOutBy({ change }: Notice, user: UserId): boolean {
  if (change.type === 'callEnded') return true;
  if (change.type === 'parted') return change.over === true || domainOf(user) === change.domain;
  return (change.type === 'removed' || change.type === 'left') && change.who.user === user;
}
