/** What another homeserver says of an entry is judged here, before anything of it is written. Pure. */
import { hash } from 'node:crypto';
import { parseFramed } from '#mls/wire.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { type Feed, type FeedEntry, MAX_FEED_LENGTH } from '#signalling/federation-feed.ts';
import { conversationIn, type DeviceId, type DomainName, domainOf } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import { isGroupFor } from '../ds/rooms.ts';
import type { NewEntry } from '../qs/queue-table.ts';

export interface Judged {
  readonly entry: NewEntry;
  readonly given: FeedEntry;
  readonly joined: readonly DeviceId[];
  readonly left: readonly DeviceId[];
  /** For those who joined by it: the payload, and the epoch as its id. */
  readonly welcome: { readonly payload: string; readonly id: string } | undefined;
  /** Of a message of a device of this domain: the number under which the device knows it. */
  readonly ownNumber: number | undefined;
}

export interface Judge {
  readonly own: DomainName;
  readonly hub: DomainName;
  /** ms since 1970 */
  readonly now: number;
}

/** Whether it carries more than one request may: a single entry may be as large as it is. */
export function isTooLong({ entries }: Feed): boolean {
  const length = entries.reduce((sum, { payload, welcome = '' }) => sum + payload.length + welcome.length, 0);
  return entries.length > 1 && length > MAX_FEED_LENGTH;
}

/** @returns a code where it is not to be taken at all */
export function judge(given: FeedEntry, { own, hub, now }: Judge): Judged | ErrorCode {
  const { group, conversation, kind, sender, id, payload, quiet, joined = [], left = [], welcome } = given;
  if (domainOf(group) !== hub || domainOf(conversation) !== hub) return 'FED_FOREIGN';
  if (!isGroupFor(conversation, group)) return 'FED_FOREIGN';
  // A hub may say of our devices what they do in its groups, and of nobody else's.
  if ([...joined, ...left].some((device) => domainOf(device) !== own)) return 'FED_FOREIGN';
  const number = kind === 'message' ? numberOf(id) : undefined;
  if (kind === 'message' && (sender === undefined || number === undefined)) return 'SIG_SCHEMA';
  try {
    if (kind === 'notice' && parseNotice(payload).conversation !== conversationIn(conversation)) return 'FED_FOREIGN';
    return {
      entry: {
        ...{ audience: group, kind, payload },
        ...(sender !== undefined && { sender }),
        ...(id !== undefined && { id }),
        ...(quiet === true && { quiet }),
        // Of the time before nothing is known here; later than now it cannot be.
        at: Math.min(given.at, now),
      },
      ...{ given, joined, left },
      welcome: welcome === undefined ? undefined : { payload: welcome, id: `${epochAfter(payload)}` },
      ownNumber: sender !== undefined && domainOf(sender) === own ? number : undefined,
    };
  } catch (error) {
    return error instanceof HawserError ? error.code : 'SIG_SCHEMA';
  }
}

/** Everything that is said under a position. A hub that repeats itself says the same. */
export function digestOf(entry: FeedEntry): string {
  const { conversation, group, kind, at, sender, id, payload, quiet, joined, left, welcome } = entry;
  const said = [conversation, group, kind, at, sender, id, payload, quiet === true, joined, left, welcome];
  return hash('sha256', JSON.stringify(said), 'base64url').slice(0, 22);
}

/** The epoch that a commit makes. @throws HawserError where it is none */
function epochAfter(commit: string): bigint {
  return parseFramed(Buffer.from(commit, 'base64url')).epoch + 1n;
}

function numberOf(id: string | undefined): number | undefined {
  const number = id !== undefined && /^[1-9][0-9]{0,15}$/.test(id) ? Number(id) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}
