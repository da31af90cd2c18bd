/**
 * What the draft has no place for stands in its map of extensions, under names for private use. A name that begins with `!` must
 * be understood: who does not know it refuses the message. Others are passed over by who does not know them.
 */
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { CborMap } from './cbor.ts';

/** Section 8.2.1: who sent it and where, so that no server can put a message into another place. */
export const SENDER = 1;
export const ROOM = 2;

export const PING = 'hawser.ping';
export const TYPING = 'hawser.typing';
export const SETTINGS = 'hawser.settings';
/** How large the pictures of the message are. */
export const PICTURES = 'hawser.pictures';
export const COMPARED = 'hawser.compared';
export const CALL = 'hawser.call';

/** Where a message came from, as the encryption proved it. */
export interface Origin {
  readonly sender: UserId;
  readonly room: ConversationId;
}

export function originExtensions({ sender, room }: Origin): CborMap {
  return new Map<number | string, string>([
    [SENDER, sender],
    [ROOM, room],
  ]);
}

/** @throws {HawserError} CONTENT_FOREIGN, CONTENT_UNSUPPORTED */
export function checkExtensions(extensions: CborMap, { sender, room }: Origin): void {
  const said = [extensions.get(SENDER), extensions.get(ROOM)];
  if ((said[0] ?? sender) !== sender || (said[1] ?? room) !== room) throw new HawserError('CONTENT_FOREIGN');
  for (const key of extensions.keys()) {
    if (typeof key === 'string' && key.startsWith('!')) throw new HawserError('CONTENT_UNSUPPORTED', 'an extension');
  }
}
