/** What the devices of one person tell each other, as a value of the extension `hawser.settings`. */
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, parseConversationId } from '#signalling/ids.ts';
import type { Cbor, CborKey } from './cbor.ts';
import type { Settings } from './content.ts';
import { messageIdBytes, messageIdFrom } from './message-id.ts';

const MUTED = ['nothing', 'all-but-mentions', 'all'] as const;

export function settingsItem(conversation: ConversationId, { archived, muted, readUpTo }: Settings): Cbor {
  const item = new Map<CborKey, Cbor>([['conversation', conversation]]);
  if (archived !== undefined) item.set('archived', archived);
  if (muted !== undefined) item.set('muted', MUTED.indexOf(muted));
  if (readUpTo !== undefined) item.set('read', messageIdBytes(readUpTo));
  return item;
}

/** Settings of a later version are passed over. @throws {HawserError} CONTENT_MALFORMED */
export function settingsOf(item: Cbor): { readonly conversation: ConversationId; readonly settings: Settings } {
  if (!(item instanceof Map)) malformed();
  const fields: ReadonlyMap<CborKey, Cbor> = item;
  const named = fields.get('conversation');
  const conversation = typeof named === 'string' ? parseConversationId(named) : undefined;
  if (conversation === undefined) malformed();
  const archived = fields.get('archived');
  if (archived !== undefined && typeof archived !== 'boolean') malformed();
  const number = fields.get('muted');
  const muted = typeof number === 'number' ? MUTED[number] : undefined;
  if (number !== undefined && muted === undefined) malformed();
  const read = fields.get('read');
  const readUpTo = read instanceof Uint8Array ? messageIdFrom(read) : undefined;
  if (read !== undefined && readUpTo === undefined) malformed();
  return {
    conversation,
    settings: {
      ...(archived !== undefined && { archived }),
      ...(muted !== undefined && { muted }),
      ...(readUpTo !== undefined && { readUpTo }),
    },
  };
}

function malformed(): never {
  throw new HawserError('CONTENT_MALFORMED', 'settings');
}
