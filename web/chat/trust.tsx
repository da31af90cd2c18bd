import { useEffect, useState } from 'preact/hooks';
import { devicesIn, type SeenDevice, type Trust, trustOf, type Verification } from '#client/device/verification.ts';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import type { UserId } from '#signalling/ids.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';

/** The devices that are in a conversation now, with the keys by which they speak. */
export function useDevicesIn(messages: ConversationMessages): readonly SeenDevice[] {
  const changes = useStore(messages.changed);
  const [devices, setDevices] = useState<readonly SeenDevice[]>([]);
  useEffect(() => {
    // Who is in changes with the keys, of which an empty list tells.
    if (changes.length > 0 && devices.length > 0) return;
    let isCurrent = true;
    messages.group
      .loaded()
      .then((group) => (group?.isMember ? devicesIn(group) : []))
      .then((seen) => {
        if (isCurrent) setDevices(seen);
      })
      .catch(() => undefined); // not in the group yet: nothing can be said about devices
    return () => {
      isCurrent = false;
    };
  }, [messages, changes]);
  return devices;
}

export function useTrust(verification: Verification, devices: readonly SeenDevice[], user: UserId): Trust {
  return trustOf(useStore(verification.store), devices, user);
}

/** Nothing for whoever was never compared: that is the usual state, not a warning. */
export function TrustSign({ trust }: { trust: Trust }) {
  if (trust === 'unverified') return null;
  return trust === 'verified' ? (
    <span class="trust">
      <Icon name="shield" size={16} />
      Verified
    </span>
  ) : (
    <span class="trust trust-partly">
      <Icon name="warning" size={16} />
      New device, not verified
    </span>
  );
}
