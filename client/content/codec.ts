/** What others call: bytes from what is said, what is said from bytes, and the id of either. */
import { compose } from './compose.ts';
import { decodeContainer, encodeContainer } from './container.ts';
import type { Content } from './content.ts';
import type { Origin } from './extensions.ts';
import { interpret } from './interpret.ts';
import { type MessageId, messageIdOf, SALT_BYTES } from './message-id.ts';

export interface Encoded {
  readonly id: MessageId;
  readonly bytes: Uint8Array;
}

export interface Decoded {
  readonly id: MessageId;
  readonly content: Content;
}

export interface Surroundings {
  /** ms since 1970 */
  readonly now?: number;
  /** Fills bytes that nobody can foresee: the same message said twice is two messages. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/**
 * The message as it goes into the encryption, and its id, under which it is known from now on.
 * @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE, CONTENT_MALFORMED, CONTENT_UNSUPPORTED
 */
export async function encodeContent(
  content: Content,
  origin: Origin,
  { now = Date.now(), random = (bytes) => crypto.getRandomValues(bytes) }: Surroundings = {},
): Promise<Encoded> {
  const salt = random(new Uint8Array(SALT_BYTES));
  const bytes = encodeContainer(compose(content, origin, salt, now));
  return { id: await messageIdOf(origin.sender, origin.room, bytes, salt), bytes };
}

/**
 * What came out of the encryption.
 * @param origin who sent it and in which conversation, as the encryption proved it
 * @param at ms since 1970: when the hub accepted it
 * @throws {HawserError} every code that begins with CONTENT_
 */
export async function decodeContent(bytes: Uint8Array, origin: Origin, at: number): Promise<Decoded> {
  const container = decodeContainer(bytes);
  const content = interpret(container, origin, at);
  return { id: await messageIdOf(origin.sender, origin.room, bytes, container.salt), content };
}
