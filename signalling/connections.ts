/** Who knows whom: what a person has decided about another, and what they may do about it. */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';
import { DomainName, UserId } from './ids.ts';
import { DisplayName } from './person.ts';

/**
 * How it is between a person and another one, as the person sees it. `sent` waits for the other one, who may have ignored,
 * blocked or ended it; `received` and `ignored` wait for the person. `none` is told when there is nothing more, and never
 * listed.
 */
export const ConnectionState = Word('none', 'sent', 'received', 'ignored', 'connected', 'blocked');
export type ConnectionState = Static<typeof ConnectionState>;

export const ConnectionOperation = Word('request', 'accept', 'ignore', 'cancel', 'block', 'unblock');
export type ConnectionOperation = Static<typeof ConnectionOperation>;

export const Connection = Closed({
  user: UserId,
  domain: DomainName,
  name: DisplayName,
  state: ConnectionState,
  /** ms since 1970 */
  changedAt: Type.Integer({ minimum: 0 }),
});
export type Connection = Static<typeof Connection>;

/** `GET connections` */
export const Connections = Closed({ connections: Type.Array(Connection, { maxItems: 10_000 }) });
export type Connections = Static<typeof Connections>;

/** `POST connections`. Answers `Connection`, as it is then. */
export const ConnectionChange = Closed({ user: UserId, operation: ConnectionOperation });
export type ConnectionChange = Static<typeof ConnectionChange>;
