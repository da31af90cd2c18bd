import type { Delivery } from '#client/messages/receipts.ts';
import { shortWhen } from '../lib/when.ts';
import { Icon, type IconName } from '../parts/icon.tsx';

const SIGNS: Readonly<Record<Delivery['state'], IconName>> = {
  queued: 'clock',
  waiting: 'clock',
  failed: 'warning',
  sent: 'check',
  delivered: 'checks',
  read: 'eye',
};

/** How an own message fares: a sign of its own for each state, and the word. */
export function DeliverySign({ delivery }: { delivery: Delivery }) {
  return (
    <span class={`delivery delivery-${delivery.state}`}>
      <Icon name={SIGNS[delivery.state]} size={15} />
      {deliveryWords(delivery)}
    </span>
  );
}

/** @param now ms since 1970 */
export function deliveryWords(delivery: Delivery, now = Date.now()): string {
  const { state, waiting, read, delivered, of, unreadable } = delivery;
  const words = {
    queued: 'Waiting to be sent',
    waiting: waiting ? `Waiting for ${waiting.domain} since ${shortWhen(waiting.since, now)}` : 'Waiting to be sent',
    failed: 'Not sent',
    sent: 'Sent',
    delivered: 'Delivered',
    read: 'Read',
  };
  if (state === 'queued' || state === 'waiting' || state === 'failed') return words[state];
  if (unreadable > 0) return `${words[state]}, ${unreadable} cannot read it`;
  if (of <= 1 || state === 'read') return words[state];
  if (read > 0) return `Read by ${read} of ${of}`;
  return delivered > 0 && delivered < of ? `Delivered to ${delivered} of ${of}` : words[state];
}
