/** Links and mentions: which addresses may be one, and whether what is shown is where it leads. */
import { type ConversationId, parseConversationId, parseUserId, type UserId } from '#signalling/ids.ts';
import { MAX_URL_BYTES } from './limits.ts';

export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'break' }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'emphasis' | 'strong' | 'strike'; readonly children: readonly Inline[] }
  /**
   * `honest`: what is shown is the address itself, or no address at all. Where it is not, the person must be asked before
   * it opens (section 9.6).
   */
  | { readonly type: 'link'; readonly href: string; readonly honest: boolean; readonly children: readonly Inline[] }
  /** A person, or everybody in the conversation. `shown` is how the writer would name him; show the name that is known here. */
  | { readonly type: 'mention'; readonly target: UserId | ConversationId; readonly shown: string };

/** Opening one of these starts nothing on the device but the programs that a person chose for the web and for mail. */
const SCHEMES: ReadonlySet<string> = new Set(['https:', 'http:', 'mailto:']);

/** The link, or the mention; undefined where the address is none that may be opened. */
export function linkTo(address: string, children: readonly Inline[]): Inline | undefined {
  if (address.startsWith('mimi:')) {
    const target = parseUserId(address) ?? parseConversationId(address);
    return target === undefined ? undefined : { type: 'mention', target, shown: plainText(children) };
  }
  const url = webUrl(address);
  if (url === undefined) return undefined;
  return { type: 'link', href: url.href, honest: isHonest(plainText(children), url), children };
}

function webUrl(address: string): URL | undefined {
  // Backslashes and control characters are read in different ways by different programs.
  if (address.length > MAX_URL_BYTES || /[\p{C}\\\s]/u.test(address)) return undefined;
  const url = /^(https?:\/\/[^/]|mailto:)/i.test(address) ? URL.parse(address) : null;
  // A name and a password before the host make `https://bank.example@evil.example` look like the bank.
  return url !== null && SCHEMES.has(url.protocol) && url.username === '' && url.password === '' ? url : undefined;
}

/** A text that names a host, or looks as if it did, must name this one. */
function isHonest(shown: string, url: URL): boolean {
  const text = shown.trim();
  if (!/[./@:\\]/.test(text) || /\s/.test(text)) return !/https?:|www\./i.test(text);
  const named = URL.parse(/^(https?:\/\/|mailto:)/i.test(text) ? text : `${url.protocol}//${text}`);
  return url.protocol === 'mailto:' ? text === url.pathname || named?.href === url.href : named?.href === url.href;
}

/** The text of a tree, with a blank for each line end. */
export function plainText(nodes: readonly Inline[]): string {
  let text = '';
  for (const node of nodes) {
    if (node.type === 'text' || node.type === 'code') text += node.text;
    else if (node.type === 'break') text += ' ';
    else if (node.type === 'mention') text += node.shown;
    else text += plainText(node.children);
  }
  return text;
}
