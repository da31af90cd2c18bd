/** Mentions as people type them, `@bob@beta.example`, and as they are sent, links in Markdown. Pure. */
import { escaped, withoutHtml } from '#client/content/mentions.ts';
import type { Member } from '#signalling/client-home.ts';
import { addressOf, type ConversationId, handleOf, parseUserId, type UserId } from '#signalling/ids.ts';

/** Who can be mentioned: a person, or everybody. */
export interface Mentionable {
  readonly target: UserId | ConversationId;
  /** As it is typed: `@bob@beta.example`, `@everyone`. */
  readonly typed: string;
  readonly name: string;
}

export const EVERYONE = '@everyone';
/** Lines that are offered while somebody types. */
const OFFERED = 6;

export function mentionables(conversation: ConversationId, members: readonly Member[], self: UserId): Mentionable[] {
  const people = members
    .filter(({ user }) => user !== self)
    .map(({ user, name }): Mentionable => ({ target: user, typed: addressOf(user), name }))
    .sort((a, b) => a.name.localeCompare(b.name));
  return people.length > 1 ? [...people, { target: conversation, typed: EVERYONE, name: 'Everyone here' }] : people;
}

/** The mention that is being typed before the caret, and what fits to it. */
export function completionAt(
  text: string,
  caret: number,
  all: readonly Mentionable[],
): { readonly from: number; readonly offered: readonly Mentionable[] } | undefined {
  const begun = /(?:^|[\s([{])@([^\s@]{0,40}(?:@[^\s@]{0,100})?)$/.exec(text.slice(0, caret));
  if (!begun) return undefined;
  const word = (begun[1] ?? '').toLowerCase();
  const fits = ({ typed, name }: Mentionable) =>
    typed.slice(1).startsWith(word) ||
    name
      .toLowerCase()
      .split(/\s+/)
      .some((each) => each.startsWith(word));
  const offered = all.filter(fits).slice(0, OFFERED);
  return offered.length > 0 ? { from: caret - word.length - 1, offered } : undefined;
}

// Code is passed over, and so is what stands inside a word, such as an address of mail.
const TYPED = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)|(?<![\p{L}\p{N}._%+-])(@[a-z0-9._-]+(?:@[a-z0-9.-]*[a-z0-9])?)/giu;

/** The text as it is sent: Markdown in which nothing is HTML and each known address is a mention. */
export function asSent(text: string, all: readonly Mentionable[]): string {
  const known = new Map(all.map((each) => [each.typed.toLowerCase(), each]));
  const linked = text.replace(TYPED, (whole, code: string | undefined, typed: string | undefined) => {
    const found = code === undefined && typed !== undefined ? known.get(typed.toLowerCase()) : undefined;
    return found ? `[${escaped(found.typed === EVERYONE ? EVERYONE : `@${found.name}`)}](${found.target})` : whole;
  });
  return withoutHtml(linked);
}

const SENT = /\[(?:[^[\]\\]|\\.){0,300}\]\((mimi:\/\/[^\s()]{1,200})\)/g;

/** The text of a message as its writer can change it. */
export function asTyped(markdown: string): string {
  return markdown
    .replace(SENT, (whole, target: string) => {
      const user = parseUserId(target);
      if (user !== undefined) return addressOf(user);
      return /^mimi:\/\/[^/]+\/r\//.test(target) ? EVERYONE : whole;
    })
    .replaceAll('&lt;', '<');
}

/** How somebody is named who is not known here. */
export function strangerName(user: UserId): string {
  return handleOf(user);
}
