/** From messages to the lines of a conversation: days, who speaks, who came and went, where the new ones begin, what cannot be read. Pure. */
import type { GapReason, GapRecord, NoticeRecord } from '#client/messages/records.ts';
import type { Item, MessageItem } from '#client/messages/view.ts';
import { dayOf } from '../lib/when.ts';

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'new'; readonly key: string }
  | {
      readonly kind: 'message';
      readonly key: string;
      readonly item: MessageItem;
      /** The first of several of one person, in one go: his name stands above it. */
      readonly begins: boolean;
      readonly ends: boolean;
    }
  /** So many in a row that cannot be read, all for the same reason. */
  | {
      readonly kind: 'gap';
      readonly key: string;
      readonly reason: GapReason;
      readonly count: number;
      readonly at: number;
    }
  | { readonly kind: 'notice'; readonly key: string; readonly change: NoticeRecord['change'] };

/** Messages of one person that are further apart have his name again. ms */
const ONE_GO_MS = 300_000;

/** @param newAfter the place up to which everything was read; undefined where nothing is new */
export function rowsOf(items: readonly Item[], newAfter: number | undefined, isOwn: (item: Item) => boolean): Row[] {
  const rows: Row[] = [];
  let before: Item | undefined;
  let isNewMarked = newAfter === undefined;
  for (const [index, item] of items.entries()) {
    const isNewDay = before === undefined || dayOf(before.at) !== dayOf(item.at);
    if (isNewDay) rows.push({ kind: 'day', key: `day/${dayOf(item.at)}`, at: item.at });
    const isNew = !isNewMarked && item.kind !== 'notice' && (item.order ?? 0) > (newAfter ?? 0) && !isOwn(item);
    if (isNew) rows.push({ kind: 'new', key: 'new' });
    isNewMarked ||= isNew;
    const goesOn = !isNewDay && !isNew && isOneGo(before, item);
    const last = rows.at(-1);
    if (item.kind === 'gap') {
      if (goesOn && last?.kind === 'gap') rows[rows.length - 1] = { ...last, count: last.count + 1 };
      else rows.push({ kind: 'gap', key: `gap/${item.order}`, reason: item.reason, count: 1, at: item.at });
    } else if (item.kind === 'notice') {
      rows.push({ kind: 'notice', key: `notice/${item.order}`, change: item.change });
    } else {
      const next = items[index + 1];
      const ends = next === undefined || dayOf(next.at) !== dayOf(item.at) || !isOneGo(item, next);
      rows.push({ kind: 'message', key: item.id, item, begins: !goesOn, ends });
    }
    before = item;
  }
  return rows;
}

function isOneGo(before: Item | undefined, item: Item): boolean {
  if (before?.kind === 'gap' && item.kind === 'gap') return before.reason === item.reason;
  if (before?.kind !== 'message' || item.kind !== 'message') return false;
  const isPlain = isTalk(before) && isTalk(item);
  return isPlain && before.sender === item.sender && Math.abs(item.at - before.at) < ONE_GO_MS;
}

/** A knock and what is gone are lines of their own. */
export function isTalk({ state, body }: MessageItem): boolean {
  return state === 'shown' && body?.kind !== 'ping';
}

export type { GapRecord };
