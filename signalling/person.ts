/** What a person is called, is reached by, and signs in with. */
import Type, { type Static, type TUnsafe } from 'typebox';
import { Closed } from './contract.ts';
import { DomainName, Handle, UserId } from './ids.ts';

declare const brand: unique symbol;

/** An e-mail address as somebody typed it. `emailOf` gives the one spelling that is stored and compared. */
export type EmailAddress = string & { readonly [brand]: 'EmailAddress' };

// RFC 5321 without what hardly anybody has and every injection needs: quotes, comments, IP literals, control characters.
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const EMAIL = `^(?=.{1,64}@)${ATOM}(?:\\.${ATOM})*@(?=.{1,100}$)(?:${LABEL}\\.)+(?=[0-9-]*[A-Za-z])${LABEL}$`;

export const EmailAddress: TUnsafe<EmailAddress> = Type.Unsafe<EmailAddress>({
  type: 'string',
  pattern: EMAIL,
  maxLength: 165,
  description: 'an e-mail address such as alice@alpha.example',
});

const emailPattern = new RegExp(EMAIL);

/** The address that a text names, in lower case: two spellings of one address are one address. Undefined where it is none. */
export function parseEmail(text: string): EmailAddress | undefined {
  return text.length <= 165 && emailPattern.test(text) ? (text.toLowerCase() as EmailAddress) : undefined;
}

/** The spelling of an address that is stored and compared: lower case, as every large provider takes it. */
export function emailOf(address: EmailAddress): EmailAddress {
  return address.toLowerCase() as EmailAddress;
}

/** `alpha.example` of `alice@alpha.example` */
export function domainOfEmail(address: EmailAddress): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

/** What a new password must be; an old one is only compared. */
export const Password = Type.String({ minLength: 10, maxLength: 256 });
/** A password that is compared with the stored one. */
export const GivenPassword = Type.String({ maxLength: 256 });

export const DisplayName = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

export const User = Closed({
  user: UserId,
  domain: DomainName,
  handle: Handle,
  name: DisplayName,
  /** Administers the organisation. Told to that person alone. */
  administrator: Type.Optional(Type.Literal(true)),
  /** Has no account, and is in one call alone. Told to that person alone. */
  guest: Type.Optional(Type.Literal(true)),
});
export type User = Static<typeof User>;
