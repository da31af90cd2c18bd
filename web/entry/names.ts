/** What people type of names, made what the homeserver takes. Pure. */
import { type EmailAddress, parseEmail } from '#signalling/person.ts';

/** For signing in: people type `alice`, their whole address `@alice@alpha.example`, or an e-mail address. */
export function loginIn(text: string): string {
  const typed = text.trim().toLowerCase();
  if (typed.startsWith('@')) return typed.slice(1).split('@')[0] ?? '';
  return parseEmail(typed) ?? typed;
}

export function emailIn(text: string): EmailAddress | undefined {
  return parseEmail(text.trim());
}

const HANDLE = /^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/;

/** Letters, digits, `.`, `_` and `-`, 32 at most; undefined where it is no handle. */
export function handleIn(text: string): string | undefined {
  const typed = text.trim().toLowerCase().replace(/^@/, '');
  return HANDLE.test(typed) ? typed : undefined;
}

/** A handle for somebody of this name: `Zoë van der Berg` may be `zoe.van.der.berg`. Empty where nothing of it fits. */
export function suggestedHandle(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.+/, '')
    .slice(0, 32)
    .replace(/\.+$/, '');
}
