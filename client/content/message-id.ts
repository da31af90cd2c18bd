/**
 * The name of a message: a hash over who sent it, where, and all that it says (draft-ietf-mimi-content-09, section 3.3). Nobody
 * chooses one, so that a message cannot refer to itself or to one that is not written yet.
 */
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { base64url, fromBase64url } from './base64url.ts';

declare const brand: unique symbol;
/** 32 bytes, base64url: the number of the hash function (1, SHA-256) and the first 31 bytes of the hash. */
export type MessageId = string & { readonly [brand]: 'MessageId' };

export const SALT_BYTES = 16;
export const MESSAGE_ID_BYTES = 32;
const SHA_256 = 1;

/** The id that 32 bytes are, or undefined where they are none, or one of a hash function that is not used here. */
export function messageIdFrom(bytes: Uint8Array): MessageId | undefined {
  return bytes.length === MESSAGE_ID_BYTES && bytes[0] === SHA_256 ? (base64url(bytes) as MessageId) : undefined;
}

export function messageIdBytes(id: MessageId): Uint8Array {
  return fromBase64url(id);
}

/**
 * The id of a message.
 * @param content the message as it is inside the encryption
 * @param salt the 16 bytes that it begins with; hashed once more at the end, so that nobody can append to the content
 */
export async function messageIdOf(
  sender: UserId,
  room: ConversationId,
  content: Uint8Array,
  salt: Uint8Array,
): Promise<MessageId> {
  const hashed = concatenated([withLength(sender), withLength(room), content, salt]);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', hashed));
  return base64url(concatenated([Uint8Array.of(SHA_256), hash.subarray(0, MESSAGE_ID_BYTES - 1)])) as MessageId;
}

/** Ids are ASCII, so that their length in octets is that of the text. */
function withLength(id: string): Uint8Array {
  const bytes = new TextEncoder().encode(id);
  return concatenated([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
