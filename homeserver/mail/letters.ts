/**
 * The texts of all e-mails. Nothing that a stranger could choose freely stands in them, a display name above all, so that
 * nobody sends his own words under this organisation's name.
 */
import { addressOf, type DomainName, type UserId } from '#signalling/ids.ts';

export interface Letter {
  readonly subject: string;
  readonly text: string;
}

/** What every text needs to know of the organisation. */
export interface Sender {
  readonly domain: DomainName;
  /** Where the page is: `https://alpha.example`. */
  readonly url: string;
}

/** @param code six digits */
export function registrationCode({ domain }: Sender, code: string, minutes: number): Letter {
  return letter(
    `Your code for ${domain}`,
    `Somebody, probably you, is making an account at ${domain} with this e-mail address.`,
    'Enter this code on the page on which you registered:',
    `    ${code}`,
    `It is good for ${minutes} minutes. If it was not you, do nothing: without the code no account is made.`,
  );
}

/** To the owner of an address with which somebody tries to register a second time. */
export function alreadyRegistered({ domain, url }: Sender, user: UserId): Letter {
  return letter(
    `You have an account at ${domain} already`,
    `Somebody, probably you, tried to make an account at ${domain} with this e-mail address. There is one already: ${addressOf(user)}`,
    `Sign in at ${url}. If you do not know your password any more, reset it there.`,
    'If it was not you, do nothing: nothing has changed.',
  );
}

export function resetCode({ domain }: Sender, code: string, minutes: number): Letter {
  return letter(
    `Your code for a new password at ${domain}`,
    `Somebody, probably you, wants to set a new password for your account at ${domain}.`,
    'Enter this code on the page on which you asked for it:',
    `    ${code}`,
    `It is good for ${minutes} minutes. If it was not you, do nothing, and tell the code to nobody: your password stays as it is.`,
  );
}

export function passwordChanged({ domain, url }: Sender, user: UserId): Letter {
  return letter(
    `Your password at ${domain} was changed`,
    `The password of ${addressOf(user)} was changed just now. You are signed out on your other devices; sign in there with the new one.`,
    `If it was not you, reset your password at ${url} at once, and tell your administrator.`,
  );
}

export interface NewDevice {
  /** What it calls itself; shown in quotes and shortened, because whoever signs in chooses it. */
  readonly name: string;
  /** IP address that it came from. */
  readonly address: string;
  /** ms since 1970 */
  readonly at: number;
}

export function newDevice({ domain, url }: Sender, user: UserId, { name, address, at }: NewDevice): Letter {
  return letter(
    `A new device at ${domain}`,
    `Somebody, probably you, signed in to ${addressOf(user)} on a new device:`,
    `    "${plain(name)}"\n    ${minuteOf(at)}, from ${address}`,
    `If it was you, do nothing. If it was not, change your password at ${url} at once: that removes every other device and signs it out. Then tell your administrator.`,
  );
}

/** @param at ms since 1970 */
export function signedIn({ domain, url }: Sender, user: UserId, at: number): Letter {
  return letter(
    `Somebody signed in at ${domain}`,
    `Somebody, probably you, signed in to ${addressOf(user)} and did not set up a device, as the page does by itself:`,
    `    ${minuteOf(at)}`,
    `Whoever it was could read no message, but sees with whom you talk. If it was you, do nothing. If it was not, change your password at ${url} at once: that signs everybody else out. Then tell your administrator.`,
  );
}

/** @param token in groups, as it is typed; never part of an address, which is kept in histories and logs */
export function invitation({ domain, url }: Sender, token: string, from: UserId | undefined, days: number): Letter {
  const who = from === undefined ? `The administrator of ${domain}` : addressOf(from);
  return letter(
    `An invitation to ${domain}`,
    `${who} invites you to make an account at ${domain}.`,
    `Open ${url} and choose "Make an account". Where an invitation is asked for, or behind "I have an invitation", type this:`,
    `    ${token}`,
    `It is good for one account and for ${days} days. If you do not know who sent it, do nothing.`,
  );
}

function minuteOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

const MAX_DEVICE = 60;

/** No line breaks, no links. */
function plain(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} ().,+-]/gu, ' ').slice(0, MAX_DEVICE);
}

function letter(subject: string, ...paragraphs: string[]): Letter {
  return { subject, text: `${paragraphs.map(wrapped).join('\n\n')}\n` };
}

const WIDTH = 72;

/** Lines as plain text is read on any screen; what is indented, a code for instance, stays as it is. */
function wrapped(paragraph: string): string {
  if (paragraph.startsWith(' ')) return paragraph;
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
