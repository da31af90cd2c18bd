/**
 * What this device has still to send to a conversation, in order, as it is stored: first as it was written, then encrypted
 * with its number, because the same keys cannot encrypt it twice. It goes when the hub has accepted it.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { MessageId } from '#client/content/message-id.ts';
import { Base64Url, fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, DomainName } from '#signalling/ids.ts';
import { MAX_MESSAGE_BYTES } from '#signalling/queue.ts';
import { ordinal } from '../vault/record-key.ts';

export interface OutboxItem {
  /** Where it stands among those of its conversation. */
  readonly place: number;
  readonly id: MessageId;
  /** The content as it goes into the encryption. */
  readonly content: Uint8Array;
  /** Once it was encrypted: which one of this device's messages to the conversation it is. Encrypted anew, it is another one. */
  readonly number?: number;
  /** An MLSMessage, once it is encrypted. */
  readonly message?: Uint8Array;
  /** It lies at the own homeserver until that of another organisation can be reached: what becomes of it is told by the queue. */
  readonly waiting?: Waiting;
}

export interface Waiting {
  readonly domain: DomainName;
  /** ms since 1970 */
  readonly since: number;
}

const Stored = Closed({
  id: Type.String({ maxLength: 64 }),
  content: Base64Url(MAX_MESSAGE_BYTES),
  number: Type.Optional(Type.Integer({ minimum: 1 })),
  message: Type.Optional(Base64Url(MAX_MESSAGE_BYTES)),
  waiting: Type.Optional(Closed({ domain: DomainName, since: Type.Integer({ minimum: 0 }) })),
});
const validator = Compile(Stored);

export function outboxPrefix(conversation: ConversationId): string {
  return `outbox/${conversation}/`;
}

export function outboxKey(conversation: ConversationId, place: number): string {
  return `${outboxPrefix(conversation)}${ordinal(place)}`;
}

export function writeItem({ id, content, number, message, waiting }: OutboxItem): Uint8Array {
  const stored: Static<typeof Stored> = {
    id,
    content: toBase64Url(content),
    ...(number !== undefined && { number }),
    ...(message && { message: toBase64Url(message) }),
    ...(waiting && { waiting }),
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** @throws HawserError VAULT_DAMAGED */
export function readItem(key: string, bytes: Uint8Array): OutboxItem {
  const damaged = () => new HawserError('VAULT_DAMAGED', 'a message that was to be sent');
  let stored: unknown;
  try {
    stored = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HawserError('VAULT_DAMAGED', 'a message that was to be sent', { cause });
  }
  if (!validator.Check(stored)) throw damaged();
  const content = fromBase64Url(stored.content);
  const message = stored.message === undefined ? undefined : fromBase64Url(stored.message);
  if (!content || (stored.message !== undefined && !message)) throw damaged();
  return {
    place: Number(key.slice(key.lastIndexOf('#') + 1)),
    id: stored.id as MessageId,
    content,
    ...(stored.number !== undefined && { number: stored.number }),
    ...(message && { message }),
    ...(stored.waiting && { waiting: stored.waiting }),
  };
}
