import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { MessageId } from '#client/content/message-id.ts';
import { excerptOf } from '#client/content/summary.ts';
import { keys } from '#client/messages/records.ts';
import type { Timeline } from '#client/messages/timeline.ts';
import type { Item } from '#client/messages/view.ts';
import { announce } from '../lib/announce.ts';
import { useStore } from '../lib/use-store.ts';
import { dayWords } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';
import { useTalk } from './context.ts';
import { GapRow } from './gap-row.tsx';
import { MessageRow } from './message-row.tsx';
import { noticeWords } from './notice-words.ts';
import { around, type Drawn, NEWEST, newer, older, PAGE } from './pages.ts';
import { calledOf } from './people.ts';
import { type Row, rowsOf } from './rows.ts';
import { ScrollKeeper } from './scroll.ts';

export interface Jump {
  readonly to: MessageId;
  /** Another number for each time, so that one can jump to the same message twice. */
  readonly number: number;
}

/** Nearer to an end of what is drawn than this, the next page comes. CSS pixels. */
const REACH = 900;
const FOUND_MS = 2_500;

/** The messages of the conversation. What one reads never moves. */
export function TimelineView({ jump, onFocusComposer }: { jump: Jump | undefined; onFocusComposer: () => void }) {
  const { messages, people } = useTalk();
  const changes = useStore(messages.changed);
  const { timeline } = messages;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const keeper = useRef<ScrollKeeper | undefined>(undefined);
  const [newAfter, setNewAfter] = useState(() => beginOfNew(timeline));
  const [drawn, setDrawn] = useState<Drawn>(() => firstDrawn(timeline, newAfter));
  const [active, setActive] = useState<string>();
  const [found, setFound] = useState<string>();
  const [atEnd, setAtEnd] = useState(true);
  const wanted = useRef<string | undefined>(newAfter === undefined ? undefined : 'new');

  const items = useMemo(() => timeline.items(drawn), [timeline, drawn, changes]);
  const isOwn = (item: Item) => item.kind === 'message' && item.sender === people.self;
  const rows = rowsOf(items, newAfter, isOwn);
  const hasEnd = drawn.before === undefined;
  const hasBegin = items[0]?.order === undefined || timeline.items({ before: items[0].order, limit: 1 }).length === 0;
  const isLate = useIsLate();
  const last = rows.findLast((row) => row.kind === 'message')?.key;
  const unread = timeline.unread().messages;

  useLayoutEffect(() => {
    if (!scroller.current || !list.current) return;
    const keep = new ScrollKeeper(scroller.current, list.current);
    keeper.current = keep;
    // A text that breaks anew, a keyboard that comes up: the rows move without having changed.
    const observer = new ResizeObserver(() => keep.keep(list.current?.dataset.end === 'true'));
    observer.observe(list.current);
    observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const keep = keeper.current;
    if (!keep) return;
    if (wanted.current !== undefined && keep.show(wanted.current)) wanted.current = undefined;
    else keep.keep(hasEnd);
    setAtEnd(keep.isAtEnd && hasEnd);
  });

  const mark = () => {
    const keep = keeper.current;
    if (!keep || document.visibilityState !== 'visible' || timeline.unread().messages === 0) return;
    const seen = keep.isAtEnd && hasEnd ? last : lastMessageAt(keep.lastSeen, rows);
    const record = seen === undefined ? undefined : timeline.message(seen as MessageId);
    if (record?.order !== undefined && record.order > readUpTo(timeline)) void messages.read(record.id);
  };

  useEffect(() => {
    const timer = setTimeout(mark, 250);
    document.addEventListener('visibilitychange', mark);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', mark);
    };
  }, [changes, drawn, atEnd]);

  // What comes while nobody looks has its line too.
  useEffect(() => {
    if (document.visibilityState !== 'visible' && newAfter === undefined) setNewAfter(beginOfNew(timeline));
  }, [changes]);

  useAnnounced(items);

  const goTo = (id: MessageId) => {
    const record = timeline.message(id);
    if (record?.order === undefined) return announce('This message is not on this device.');
    setActive(record.id);
    setFound(record.id);
    if (keeper.current?.show(record.id)) return;
    wanted.current = record.id;
    setDrawn(around(record.order, following(timeline, record.order)));
  };
  useEffect(() => {
    if (jump) goTo(jump.to);
  }, [jump?.number]);
  useEffect(() => {
    if (found === undefined) return;
    keeper.current?.row(found)?.querySelector('article')?.focus({ preventScroll: true });
    const timer = setTimeout(() => setFound(undefined), FOUND_MS);
    return () => clearTimeout(timer);
  }, [found]);

  const toEnd = () => {
    setDrawn(NEWEST);
    if (keeper.current) keeper.current.isAtEnd = true;
    setNewAfter(undefined);
    keeper.current?.toEnd();
    onFocusComposer();
  };

  const scrolled = () => {
    const keep = keeper.current;
    const element = scroller.current;
    if (!keep || !element) return;
    keep.note();
    setAtEnd(keep.isAtEnd && hasEnd);
    const first = items[0]?.order;
    const end = items.findLast(({ order }) => order !== undefined)?.order;
    if (element.scrollTop < REACH && first !== undefined && timeline.items({ before: first, limit: 1 }).length > 0) {
      setDrawn(older(drawn, items));
    } else if (!hasEnd && element.scrollHeight - element.scrollTop - element.clientHeight < REACH) {
      setDrawn(newer(drawn, following(timeline, end ?? 0)));
    }
    mark();
  };

  const walk = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (target.tagName !== 'ARTICLE') {
      if (event.key === 'Escape') target.closest('article')?.focus();
      return;
    }
    const articles = [...(list.current?.querySelectorAll('article') ?? [])];
    const at = articles.indexOf(target);
    const step = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: articles.length - 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = articles[step];
    if (!next) return event.key === 'ArrowDown' ? toEnd() : undefined;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
  };

  const tabStop = rows.some((row) => row.kind === 'message' && row.key === active) ? active : last;
  return (
    <div class="timeline">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys that reach it come from the messages inside */}
      <div ref={scroller} class="timeline-scroll" onScroll={scrolled} onKeyDown={walk}>
        <ol ref={list} class="rows" aria-label="Messages" data-end={hasEnd}>
          {isLate && hasBegin && items.length > 0 && (
            <li data-key="before">
              <GapRow reason="before-joining" />
            </li>
          )}
          {rows.map((row) => (
            <OneRow
              key={row.key}
              row={row}
              active={row.key === tabStop}
              found={row.key === found}
              onActive={setActive}
            />
          ))}
        </ol>
        {items.length === 0 && <Empty isLate={isLate} />}
      </div>
      {!atEnd && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" size={18} />
          {unread > 0 ? `${unread} new ${unread === 1 ? 'message' : 'messages'}` : 'Newest messages'}
        </button>
      )}
    </div>
  );
}

interface RowProps {
  readonly row: Row;
  readonly active: boolean;
  readonly found: boolean;
  readonly onActive: (key: string) => void;
}

function OneRow({ row, ...state }: RowProps) {
  switch (row.kind) {
    case 'day':
      return (
        <li data-key={row.key} class="day">
          <span>{dayWords(row.at, Date.now())}</span>
        </li>
      );
    case 'new':
      return (
        <li data-key={row.key} class="new-line">
          <span>New messages</span>
        </li>
      );
    case 'gap':
      return (
        <li data-key={row.key}>
          <GapRow reason={row.reason} count={row.count} />
        </li>
      );
    case 'notice':
      return (
        <li data-key={row.key}>
          <NoticeRow change={row.change} />
        </li>
      );
    case 'message':
      return <StillRow {...row} {...state} />;
  }
}

/** Who came, went or decides. */
function NoticeRow({ change }: Omit<Extract<Row, { kind: 'notice' }>, 'kind' | 'key'>) {
  const { people } = useTalk();
  return (
    <p class="notice">
      <bdi>{noticeWords(change, people)}</bdi>
    </p>
  );
}

/** Drawn again only when something of it is another: with each page that comes, two hundred rows stay as they are. */
function StillRow({
  item,
  begins,
  ends,
  active,
  found,
  onActive,
}: Extract<Row, { kind: 'message' }> & Omit<RowProps, 'row'>) {
  const talk = useTalk();
  const { timeline } = talk.messages;
  const record = timeline.message(item.id);
  const quoted = record?.replyTo && timeline.message(record.replyTo);
  const receipts = timeline.get(keys.receipts(item.id));
  return useMemo(
    () => <MessageRow item={item} begins={begins} ends={ends} active={active} found={found} onActive={onActive} />,
    [record, quoted, receipts, talk, begins, ends, active, found, onActive],
  );
}

/** Whether the group was there before this device was in it, so that something may have been said that it cannot read. */
function useIsLate(): boolean {
  const { messages } = useTalk();
  const changes = useStore(messages.changed);
  const [since, setSince] = useState<bigint>();
  useEffect(() => {
    // What is wrong with the storage is told by whoever writes to it.
    if (since === undefined) messages.group.since().then(setSince, () => undefined);
  }, [messages, changes]);
  // In the first epoch its maker is alone, and in the next one are all with whom it was made.
  return since !== undefined && since > 1n;
}

function Empty({ isLate }: { isLate: boolean }) {
  if (isLate) {
    return (
      <div class="timeline-empty">
        <Icon name="lock" size={26} />
        <p>
          <strong>Nothing was said here since this device was added.</strong>
        </p>
        <p class="quiet-text">
          What was said before can be read on devices that were there then. Only they have the keys to it.
        </p>
      </div>
    );
  }
  return (
    <div class="timeline-empty">
      <Icon name="lock" size={26} />
      <p>
        <strong>Nothing was said here yet.</strong>
      </p>
      <p class="quiet-text">
        Messages are encrypted on your device and opened on the devices of the people here, nowhere else. This device
        reads what is said from now on.
      </p>
    </div>
  );
}

/** Reads new messages of others out, the newest where several come at once. */
function useAnnounced(items: readonly Item[]): void {
  const { people } = useTalk();
  const heard = useRef<number | undefined>(undefined);
  useEffect(() => {
    const newest = items.findLast(({ order }) => order !== undefined);
    if (newest?.order === undefined) return;
    const before = heard.current;
    heard.current = Math.max(before ?? 0, newest.order);
    if (before === undefined || newest.order <= before || newest.kind !== 'message' || newest.sender === people.self)
      return;
    const words = newest.body ? excerptOf(newest.body) : '';
    announce(
      `${calledOf(people, newest.sender)}: ${words === '' ? (newest.body?.kind === 'ping' ? 'knock' : 'a file') : words}`,
    );
  }, [items]);
}

function readUpTo(timeline: Timeline): number {
  const mark = timeline.get(keys.mark);
  return mark?.kind === 'mark' ? mark.order : Number.NEGATIVE_INFINITY;
}

/** The place after which messages are new; undefined where none is. */
function beginOfNew(timeline: Timeline): number | undefined {
  return timeline.unread().messages > 0 ? readUpTo(timeline) : undefined;
}

function firstDrawn(timeline: Timeline, newAfter: number | undefined): Drawn {
  if (newAfter === undefined) return NEWEST;
  const first = timeline.between(newAfter, Number.POSITIVE_INFINITY)[Symbol.iterator]().next().value;
  return first?.order === undefined ? NEWEST : around(first.order, following(timeline, first.order));
}

/** The places of the messages behind one, a page of them at most. */
function following(timeline: Timeline, place: number): readonly number[] {
  const places: number[] = [];
  for (const { order } of timeline.between(place, Number.POSITIVE_INFINITY)) {
    if (order !== undefined) places.push(order);
    if (places.length === PAGE) break;
  }
  return places;
}

function lastMessageAt(key: string | undefined, rows: readonly Row[]): string | undefined {
  const at = rows.findIndex((row) => row.key === key);
  return rows.slice(0, at + 1).findLast((row) => row.kind === 'message')?.key;
}
