import { useEffect } from 'preact/hooks';
import { failureOf } from '#client/failure.ts';
import type { Device } from '#signalling/devices.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { fullWhen } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';

/** A device was added: that is how somebody who has the password would begin to read along. */
export function DeviceBanner({ chat, onLook }: { chat: Chat; onLook: () => void }) {
  const { devices } = chat.messenger;
  const { added } = useStore(devices.store);
  const sentence = added.length > 0 ? sentenceOf(added) : '';
  useEffect(() => {
    if (sentence !== '') announce(sentence);
  }, [sentence]);
  if (sentence === '') return null;
  const wasMe = () => devices.acknowledge().catch((error: unknown) => announce(failureOf(error).sentence));
  return (
    <section class="device-banner" aria-label="New device">
      <Icon name="warning" size={22} />
      <p>{sentence}</p>
      <div class="device-banner-choice">
        <button type="button" onClick={() => void wasMe()}>
          That was me
        </button>
        <button type="button" class="primary" onClick={onLook}>
          Look at devices
        </button>
      </div>
    </section>
  );
}

function sentenceOf(added: readonly Device[]): string {
  const [first] = added;
  const end = 'If that was not you, remove it now and change your password.';
  if (added.length > 1) {
    return `${added.length} new devices were added: ${added.map(({ name }) => plain(name)).join(', ')}. ${end.replace('it', 'them')}`;
  }
  return `A new device was added: ${plain(first?.name ?? '')}, ${fullWhen(first?.createdAt ?? 0, Date.now())}, from ${first?.lastAddress || 'an unknown address'}. ${end}`;
}
