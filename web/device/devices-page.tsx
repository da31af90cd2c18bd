import { useEffect, useState } from 'preact/hooks';
import { type Failure, failureOf } from '#client/failure.ts';
import { MAX_DEVICES } from '#signalling/devices.ts';
import type { Chat } from '../lib/chat.ts';
import { useStore } from '../lib/use-store.ts';
import { Message } from '../parts/message.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { DeviceCard } from './device-card.tsx';
import { WakeUpSwitch } from './wake-up-switch.tsx';

/** All devices of this person. */
export function DevicesPage({ chat, onBack }: { chat: Chat; onBack: () => void }) {
  const { devices } = chat.messenger;
  const state = useStore(devices.store);
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    devices.refresh().catch((error: unknown) => setFailure(failureOf(error)));
  }, [devices]);
  const self = chat.messenger.device.id;
  const added = new Set(state.added.map(({ device }) => device));
  const sorted = [...(state.devices ?? [])].sort(
    (a, b) => Number(b.device === self) - Number(a.device === self) || b.lastUsedAt - a.lastUsedAt,
  );
  return (
    <section class="devices-page" aria-label="Your devices">
      <PageHead title="Your devices" onBack={onBack}>
        {state.devices ? `${sorted.length} of ${MAX_DEVICES}` : 'Loading…'}. Each has its own keys; remove any that you
        do not know.
      </PageHead>
      {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
      <WakeUpSwitch chat={chat} />
      <ul class="device-list">
        {sorted.map((device) => (
          <DeviceCard
            key={device.device}
            device={device}
            isThis={device.device === self}
            isNew={added.has(device.device)}
            onRemove={(each) => devices.remove(each.device)}
          />
        ))}
      </ul>
    </section>
  );
}
