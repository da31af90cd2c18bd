/** What domains tell each other about their people: keys, consent, who is found. */
import Type, { type Static } from 'typebox';
import { Base64Url } from './base64.ts';
import { Closed, Sequence } from './contract.ts';
import { Authority } from './devices.ts';
import { DomainName, UserId } from './ids.ts';
import { DisplayName } from './person.ts';

/** Keys are kept for five minutes; an unknown one lets them be fetched again, once. */
export const DomainKeys = Closed({
  domain: DomainName,
  /** Ed25519, 32 bytes each: with one of them the domain signs its requests. The id is the first 16 characters of the key. */
  signing: Type.Array(Closed({ id: Type.String({ minLength: 16, maxLength: 16 }), key: Base64Url(32) }), {
    minItems: 1,
    maxItems: 4,
  }),
  /** What speaks for its devices, and with which key its hub proposes to groups. */
  devices: Authority,
});
export type DomainKeys = Static<typeof DomainKeys>;

/** Somebody of the asking domain, `by`, wants to add somebody of the asked one to a group. */
export const KeyMaterialQuery = Closed({ by: UserId, user: UserId });
export type KeyMaterialQuery = Static<typeof KeyMaterialQuery>;

/**
 * Whether `from` wants to be connected to `to`: absolute, and numbered by the domain of `from` for this pair. Refusing, blocking and taking
 * back look alike.
 */
export const ConsentStatement = Closed({
  from: UserId,
  to: UserId,
  /** What `from` is called. */
  name: DisplayName,
  wants: Type.Boolean(),
  seq: Sequence,
});
export type ConsentStatement = Static<typeof ConsentStatement>;

export const SearchQuery = Closed({ by: UserId, text: Type.String({ minLength: 1, maxLength: 100 }) });
export type SearchQuery = Static<typeof SearchQuery>;
export const Found = Closed({ user: UserId, name: DisplayName });
export const SearchAnswer = Closed({ people: Type.Array(Found, { maxItems: 20 }) });
export type SearchAnswer = Static<typeof SearchAnswer>;
