import { useEffect, useState } from 'preact/hooks';
import { excerptOf } from '#client/content/summary.ts';
import { failureOfCode } from '#client/failure.ts';
import type { MessageItem, Quote } from '#client/messages/view.ts';
import { domainOf } from '#signalling/ids.ts';
import { plain } from '../lib/plain.ts';
import { dayWords, durationOf, fullWhen, timeOf } from '../lib/when.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { Actions } from './actions.tsx';
import { BodyView } from './body.tsx';
import { StopProvider, useTabStop, useTalk } from './context.ts';
import { DeliverySign, deliveryWords } from './delivery.tsx';
import { calledOf, fullNameOf, nameOf } from './people.ts';
import { Reactions } from './reactions.tsx';
import { isTalk } from './rows.ts';

interface Props {
  readonly item: MessageItem;
  readonly begins: boolean;
  readonly ends: boolean;
  /** The keyboard is at this message. */
  readonly active: boolean;
  readonly onActive: (key: string) => void;
  /** Somebody has just jumped to it. */
  readonly found: boolean;
}

export function MessageRow({ item, begins, ends, active, onActive, found }: Props) {
  const { people } = useTalk();
  const isOwn = item.sender === people.self;
  const classes = ['row', isOwn && 'own', begins && 'begins', ends && 'ends', found && 'found']
    .filter(Boolean)
    .join(' ');
  return (
    <li class={classes} data-key={item.id}>
      <StopProvider value={active}>
        {isTalk(item) ? (
          <>
            {!isOwn && (
              <span class="row-face">{begins && <Avatar name={nameOf(people, item.sender)} size={36} />}</span>
            )}
            <Bubble item={item} begins={begins} ends={ends} active={active} onActive={onActive} />
          </>
        ) : (
          <Note item={item} active={active} onActive={onActive} />
        )}
      </StopProvider>
    </li>
  );
}

function Bubble({ item, begins, ends, active, onActive }: Omit<Props, 'found'>) {
  const { people } = useTalk();
  // What can be done with a message is drawn for the one at hand only: it is half of what a row would be made of.
  const [near, setNear] = useState(false);
  const { sender, body, quote, sending, versions } = item;
  const isOwn = sender === people.self;
  const domain = domainOf(sender);
  const isForeign = domain !== domainOf(people.self);
  return (
    <article
      class="bubble"
      tabIndex={active ? 0 : -1}
      aria-label={labelOf(item, people)}
      onFocusIn={() => onActive(item.id)}
      onPointerEnter={() => setNear(true)}
      onPointerLeave={() => setNear(false)}
    >
      {begins && !isOwn && (
        <header class="bubble-head">
          <bdi class="bubble-name">{nameOf(people, sender)}</bdi>
          {isForeign && <Organisation domain={domain} foreign />}
        </header>
      )}
      {quote && <QuoteView quote={quote} />}
      <div class={item.mentionsMe ? 'said said-mentions-me' : 'said'}>{body && <BodyView body={body} />}</div>
      {sending?.state === 'failed' && <Failed item={item} />}
      <footer class="bubble-foot">
        <time dateTime={new Date(item.at).toISOString()} title={fullWhen(item.at, Date.now())}>
          {timeOf(item.at)}
        </time>
        {versions.length > 0 && <span>edited</span>}
        <Vanishing item={item} />
        {isOwn && (ends || sending) && <OwnDelivery item={item} />}
      </footer>
      <Reactions item={item} />
      {(active || near) && sending?.state !== 'failed' && item.order !== undefined && <Actions item={item} />}
    </article>
  );
}

/** A knock, or what is left of a message. */
function Note({ item, active, onActive }: Pick<Props, 'item' | 'active' | 'onActive'>) {
  const { people } = useTalk();
  const name = calledOf(people, item.sender);
  const words = {
    shown: `${name} knocked`,
    deleted: `${name} deleted a message`,
    expired: `A message of ${name === 'You' ? 'yours' : name} has vanished`,
  }[item.state];
  return (
    <article
      class="note"
      tabIndex={active ? 0 : -1}
      aria-label={`${words}, ${timeOf(item.at)}`}
      onFocusIn={() => onActive(item.id)}
    >
      <Icon name={item.state === 'shown' ? 'knock' : item.state === 'deleted' ? 'trash' : 'clock'} size={16} />
      <span>
        {words} <span class="quiet-text">· {timeOf(item.at)}</span>
      </span>
      {item.sending?.state === 'failed' && <Failed item={item} />}
      {(item.sending?.state === 'queued' || item.sending?.state === 'waiting') && <OwnDelivery item={item} />}
    </article>
  );
}

function QuoteView({ quote }: { quote: Quote }) {
  const { people, jump } = useTalk();
  const tabIndex = useTabStop();
  const name = quote.sender && fullNameOf(people, quote.sender);
  const words = {
    shown: quote.excerpt === '' ? 'A message' : quote.excerpt,
    deleted: 'This message was deleted.',
    expired: 'This message has vanished.',
    unknown: 'This message is not on this device.',
  }[quote.state];
  if (quote.state !== 'shown') {
    return (
      <p class="quote quote-gone">
        {name && <bdi class="quote-name">{name}</bdi>}
        <span>{words}</span>
      </p>
    );
  }
  return (
    <button
      type="button"
      class="quote"
      tabIndex={tabIndex}
      onClick={() => jump(quote.id)}
      aria-label={`Answers ${name}: ${plain(words)}. Go to that message`}
    >
      <bdi class="quote-name">{name}</bdi>
      <bdi class="quote-words">{words}</bdi>
      {quote.changed && <span class="quiet-text">edited since</span>}
    </button>
  );
}

function Failed({ item }: { item: MessageItem }) {
  const { again, discard } = useTalk();
  const { sending } = item;
  if (sending?.state !== 'failed') return null;
  return (
    <div class="failed">
      <p class="with-icon">
        <Icon name="warning" size={18} />
        <span>
          <strong>Not sent.</strong> {failureOfCode(sending.code).sentence}
        </span>
      </p>
      <div class="failed-choice">
        <button type="button" class="small" onClick={() => again(item)}>
          Try again
        </button>
        <button type="button" class="small quiet" onClick={() => discard(item)}>
          Discard
        </button>
      </div>
    </div>
  );
}

function OwnDelivery({ item }: { item: MessageItem }) {
  const { messages, people } = useTalk();
  const record = messages.timeline.message(item.id);
  if (!record) return null;
  return <DeliverySign delivery={messages.timeline.delivery(record, people.others)} />;
}

/** When it vanishes, or after what. */
function Vanishing({ item }: { item: MessageItem }) {
  const { messages } = useTalk();
  const [now, setNow] = useState(Date.now());
  const { expiresAt } = item;
  useEffect(() => {
    if (expiresAt === undefined) return;
    const left = expiresAt - Date.now();
    const timer = setTimeout(() => setNow(Date.now()), left > 120_000 ? 60_000 : 1_000);
    return () => clearTimeout(timer);
  }, [expiresAt, now]);
  const expires = messages.timeline.message(item.id)?.expires;
  if (!expires) return null;
  const words =
    expiresAt === undefined
      ? `Vanishes ${'after' in expires ? `${durationOf(expires.after)} after it was read` : dayWords(expires.at * 1000, now)}`
      : `Vanishes in ${durationOf(Math.max(0, Math.ceil((expiresAt - now) / 1000)))}`;
  return (
    <span class="with-icon">
      <Icon name="clock" size={14} />
      {words}
    </span>
  );
}

function labelOf(item: MessageItem, people: Parameters<typeof calledOf>[0]): string {
  const words = item.body ? plain(excerptOf(item.body)) : '';
  const what = words === '' && item.body?.kind === 'attachments' ? 'a file' : words;
  const { sending } = item;
  const waiting = sending?.state === 'waiting' && { waiting: sending };
  const waits = sending
    ? `. ${deliveryWords({ state: sending.state, ...waiting, read: 0, delivered: 0, unreadable: 0, of: 0 })}`
    : '';
  return `${calledOf(people, item.sender)}, ${timeOf(item.at)}: ${what}${item.versions.length > 0 ? ', edited' : ''}${waits}`;
}
