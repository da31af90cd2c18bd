/** A conversation of three, in which everything said gets an id and a place. */
import type { Body, Content } from '#client/content/content.ts';
import { type MessageId, messageIdFrom } from '#client/content/message-id.ts';
import { ROOM, user } from '#client/content/testing/contents.ts';
import type { DeviceId, UserId } from '#signalling/ids.ts';
import type { Reader } from '../message.ts';
import { keyOf, type Said, type TimelineRecord } from '../records.ts';
import { Timeline } from '../timeline.ts';

export const ALICE = user('alice');
export const BOB = user('bob');
export const CAROL = user('carol');
/** Whose device it is. */
export const READER: Reader = { self: ALICE, conversation: ROOM };
/** ms since 1970: the beginning of the conversation; a place later is a second later. */
export const START = 1_800_000_000_000;
export const at = (order: number) => START + order * 1000;

export function idOf(number: number): MessageId {
  const id = messageIdFrom(
    Uint8Array.of(1, ...new Uint8Array(27), ...[24, 16, 8, 0].map((shift) => (number >> shift) & 255)),
  );
  if (id === undefined) throw new Error('32 bytes that begin with 1 are an id');
  return id;
}

export function deviceOf(who: UserId): DeviceId {
  return `${who}/d/laptop` as DeviceId;
}

export function body(words: string): Extract<Body, { kind: 'text' }> {
  return { kind: 'text', text: { format: 'markdown', text: words } };
}

export const message = (words: string, more: Partial<Extract<Content, { kind: 'message' }>> = {}): Content => ({
  kind: 'message',
  body: body(words),
  ...more,
});

export function said(
  order: number,
  sender: UserId,
  content: Content,
  id = idOf(order),
): Said & { readonly order: number } {
  return { id, sender, device: deviceOf(sender), order, at: at(order), content };
}

export class Chat {
  readonly timeline: Timeline;
  now = at(100);

  constructor(records: Iterable<TimelineRecord> = []) {
    this.timeline = new Timeline(READER, records);
  }

  /** The hub delivers it. Returns the codes of what was refused. */
  receive(order: number, sender: UserId, content: Content, id = idOf(order)): readonly string[] {
    const { refused } = this.timeline.apply({
      type: 'received',
      said: said(order, sender, content, id),
      now: this.now,
    });
    return refused.map(({ code }) => code);
  }

  /** Alice writes it on this device. */
  write(number: number, content: Content): readonly string[] {
    const queued = { type: 'queued', id: idOf(number), device: deviceOf(ALICE), content, now: this.now } as const;
    return this.timeline.apply(queued).refused.map(({ code }) => code);
  }

  accept(number: number, order = number): void {
    this.timeline.apply({ type: 'accepted', id: idOf(number), order, at: at(order), now: this.now });
  }

  fail(number: number): void {
    this.timeline.apply({ type: 'failed', id: idOf(number), code: 'FED_UNREACHABLE' });
  }

  read(number: number): void {
    this.timeline.apply({ type: 'read', upTo: idOf(number), now: this.now });
  }

  /** What is shown, one line an item. */
  lines(): readonly string[] {
    return this.timeline.items().map((item) => {
      if (item.kind === 'gap') return `gap: ${item.reason}`;
      if (item.kind === 'notice') return `notice: ${item.change.type}`;
      const who = item.sender.slice(item.sender.lastIndexOf('/') + 1);
      const what = item.body?.kind === 'text' ? item.body.text.text : (item.body?.kind ?? item.state);
      const reactions = item.reactions.map(({ emoji, users }) => ` ${emoji}${users.length}`).join('');
      const quote = item.quote === undefined ? '' : ` [re ${item.quote.state}: ${item.quote.excerpt}]`;
      const edited = item.versions.length > 0 ? ' (edited)' : '';
      return `${who}: ${what}${edited}${quote}${reactions}${item.sending === undefined ? '' : ` (${item.sending.state})`}`;
    });
  }
}

/** All records by key, for comparing. */
export function recordsOf(timeline: Timeline): readonly TimelineRecord[] {
  return [...timeline.records()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
