/**
 * Delivery and read reports, `application/mimi-message-status` (draft-mahy-mimi-message-status-01, section 4): pairs of a message
 * and how it fares. The draft sends them beside the container; here they are the one part of one, so that everything that is
 * encrypted has the same form.
 */
import { HawserError } from '#signalling/errors.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { type Report, STATUSES } from './content.ts';
import { MAX_CONTENT_BYTES, MAX_REPORTED } from './limits.ts';
import { type MessageId, messageIdBytes, messageIdFrom } from './message-id.ts';

/** @throws {HawserError} CONTENT_TOO_LARGE for more than 500 messages */
export function encodeReports(reports: readonly Report[]): Uint8Array {
  if (reports.length > MAX_REPORTED) throw new HawserError('CONTENT_TOO_LARGE', 'a report');
  return encodeCbor(reports.map(({ message, status }) => [messageIdBytes(message), STATUSES.indexOf(status)]));
}

/**
 * Statuses of a later version are left out.
 * @throws {HawserError} CONTENT_TOO_LARGE, CONTENT_TOO_DEEP, CONTENT_MALFORMED, CONTENT_DUPLICATE_KEY where it speaks of a message twice
 */
export function decodeReports(bytes: Uint8Array): readonly Report[] {
  const item = decodeCbor(bytes, { bytes: MAX_CONTENT_BYTES, depth: 2 });
  if (!Array.isArray(item)) malformed();
  if (item.length > MAX_REPORTED) throw new HawserError('CONTENT_TOO_LARGE', 'a report');
  const reports = new Map<MessageId, Report>();
  for (const pair of item) {
    if (!Array.isArray(pair) || pair.length !== 2) malformed();
    const [id, number]: readonly unknown[] = pair;
    const message = id instanceof Uint8Array ? messageIdFrom(id) : undefined;
    if (message === undefined || typeof number !== 'number' || number < 0 || number > 255) malformed();
    if (reports.has(message)) throw new HawserError('CONTENT_DUPLICATE_KEY', 'a report');
    const status = STATUSES[number];
    if (status !== undefined) reports.set(message, { message, status });
  }
  return [...reports.values()];
}

function malformed(): never {
  throw new HawserError('CONTENT_MALFORMED', 'a report');
}
