/**
 * A contract says which messages may cross one kind of connection, in which direction, and of what shape. The side that
 * opened the WebSocket is the dialler, the other the acceptor.
 */
import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';

export type Side = 'dialler' | 'acceptor';

export interface RequestSpec {
  readonly from: Side | 'both';
  readonly params: TSchema;
  readonly result: TSchema;
}

export interface NotificationSpec {
  readonly from: Side | 'both';
  readonly params: TSchema;
}

export interface Contract {
  /** WebSocket subprotocol: name and version in one, so that a mismatch ends in the handshake. */
  readonly protocol: string;
  /** Earlier ones, newest first, that are offered and taken beside it: what came later is not sent over them. */
  readonly earlier?: readonly string[];
  readonly requests: Readonly<Record<string, RequestSpec>>;
  readonly notifications: Readonly<Record<string, NotificationSpec>>;
  /** Largest message that each side may send, in UTF-16 units (all messages are practically ASCII). */
  readonly maxLength: Readonly<Record<Side, number>>;
}

export type RequestName<C extends Contract> = keyof C['requests'] & string;
export type NotificationName<C extends Contract> = keyof C['notifications'] & string;
export type Params<C extends Contract, M extends RequestName<C>> = Static<C['requests'][M]['params']>;
export type Result<C extends Contract, M extends RequestName<C>> = Static<C['requests'][M]['result']>;
export type Note<C extends Contract, M extends NotificationName<C>> = Static<C['notifications'][M]['params']>;

type Sent<Specs extends Readonly<Record<string, { from: Side | 'both' }>>, S extends Side> = {
  [M in keyof Specs & string]: Specs[M]['from'] extends S | 'both' ? M : never;
}[keyof Specs & string];

/** Names of the requests that side S sends. */
export type SentRequest<C extends Contract, S extends Side> = Sent<C['requests'], S>;
/** Names of the notifications that side S sends. */
export type SentNotification<C extends Contract, S extends Side> = Sent<C['notifications'], S>;

/** An object whose unknown members are refused. */
export function Closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false });
}

/** One of a few words. */
export function Word<const W extends readonly string[]>(...words: W) {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...words] });
}

/** The number of a statement of absolute state: a lower or equal one than the last is old news and ignored. */
export const Sequence = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const Nothing = Closed({});
