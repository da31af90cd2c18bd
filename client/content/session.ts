/** The invitation to a call: a part with the disposition `session` (section 5.10). */
import type { ConferenceId, ConversationId } from '#signalling/ids.ts';
import { DISPOSITION, type ExternalPart } from './container.ts';
import type { Body } from './content.ts';
import { MAX_DESCRIPTION_BYTES, MAX_URL_BYTES } from './limits.ts';
import { checkedText } from './text.ts';

export type Session = Extract<Body, { readonly kind: 'session' }>;

/** A call of this conversation: `mimi://alpha.example/r/<room>/c/<conference>`. */
export function callUrl(room: ConversationId, conference: ConferenceId): string {
  return `${room}/c/${conference}`;
}

/** The session, or undefined where the address is neither a call of this conversation nor a page of the web (https). */
export function sessionOf(part: ExternalPart, room: ConversationId): Session | undefined {
  const { url, description } = part;
  const inside = url.startsWith(`${room}/c/`) ? url.slice(room.length + 3) : undefined;
  if (inside !== undefined && /^[A-Za-z0-9_-]{22}$/.test(inside)) {
    return { kind: 'session', conference: inside as ConferenceId, url, description };
  }
  return /^https:\/\/[^\s/]/.test(url) ? { kind: 'session', url, description } : undefined;
}

/** @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE */
export function sessionPart({ url, description }: Session): ExternalPart {
  const none = new Uint8Array();
  return {
    kind: 'external',
    disposition: DISPOSITION.session,
    language: '',
    contentType: '',
    url: checkedText(url, MAX_URL_BYTES),
    expires: 0,
    size: 0,
    encAlg: 0,
    key: none,
    nonce: none,
    aad: none,
    hashAlg: 0,
    contentHash: none,
    description: checkedText(description, MAX_DESCRIPTION_BYTES),
    filename: '',
  };
}
