/** Who got and who read an own message. */
import type { Status } from '#client/content/content.ts';
import type { UserId } from '#signalling/ids.ts';
import type { AtHome, MessageRecord, Receipt, ReceiptsRecord } from './records.ts';

/** People of whom receipts are kept for one message; larger conversations ask for none. Some 80 bytes each. */
export const MAX_RECEIPTS = 1000;

/** What a status proves. Whoever expired, deleted or hid a message has had it. */
const PROVES: Readonly<Record<Status, 'delivered' | 'read' | 'failed'>> = {
  unread: 'delivered',
  delivered: 'delivered',
  read: 'read',
  expired: 'delivered',
  deleted: 'delivered',
  hidden: 'delivered',
  error: 'failed',
};

/**
 * With what somebody reported at a time (ms since 1970). Of two reports of one kind the earlier counts, so that neither order nor
 * repetition changes the result. Undefined where there are receipts of too many people.
 */
export function withReport(
  record: ReceiptsRecord,
  user: UserId,
  status: Status,
  at: number,
): ReceiptsRecord | undefined {
  const proof = PROVES[status];
  const known: Receipt = record.receipts.find((each) => each.user === user) ?? { user };
  const before = known[proof];
  if (before !== undefined && before <= at) return record;
  const others = record.receipts.filter((each) => each.user !== user);
  if (others.length >= MAX_RECEIPTS) return undefined;
  const receipts = [...others, { ...known, [proof]: at }].sort((a, b) => (a.user < b.user ? -1 : 1));
  return { ...record, receipts };
}

export type ReceiptState = 'none' | 'failed' | 'delivered' | 'read';

export function receiptState(receipt: Receipt | undefined): ReceiptState {
  if (receipt?.read !== undefined) return 'read';
  if (receipt?.delivered !== undefined) return 'delivered';
  return receipt?.failed === undefined ? 'none' : 'failed';
}

/** How an own message fares, in one word and in numbers. */
export interface Delivery {
  /** The furthest state that everybody has reached; `delivered` and `read` never hide somebody who has not. */
  readonly state: 'queued' | 'waiting' | 'failed' | 'sent' | 'delivered' | 'read';
  /** Where that is the state: for the homeserver of which organisation, and since when. */
  readonly waiting?: AtHome;
  readonly delivered: number;
  readonly read: number;
  /** People whose device could not read it. */
  readonly unreadable: number;
  readonly of: number;
}

/** @param recipients everybody in the conversation but the sender */
export function deliveryOf(
  message: MessageRecord,
  record: ReceiptsRecord | undefined,
  recipients: readonly UserId[],
): Delivery {
  const byUser = new Map(record?.receipts.map((each) => [each.user, receiptState(each)]));
  const states = recipients.map((user) => byUser.get(user) ?? 'none');
  const count = (...which: ReceiptState[]) => states.filter((each) => which.includes(each)).length;
  const [read, delivered, of] = [count('read'), count('read', 'delivered'), recipients.length];
  const reached = of > 0 && read === of ? 'read' : of > 0 && delivered === of ? 'delivered' : 'sent';
  const { sending } = message;
  const waiting = sending?.state === 'waiting' && { waiting: sending };
  return { state: sending?.state ?? reached, ...waiting, delivered, read, unreadable: count('failed'), of };
}
