import { useEffect, useRef } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { announce } from '../lib/announce.ts';
import { Icon } from '../parts/icon.tsx';

/** The connection broke and is made again: what is seen stands still meanwhile. */
export function Rejoining({ call, isOn }: { call: BrowserCall; isOn: boolean }) {
  const was = useRef(false);
  useEffect(() => {
    if (was.current && !isOn) announce('You are back in the call');
    was.current = isOn;
  }, [isOn]);
  if (!isOn) return null;
  return (
    <div class="message" role="alert">
      <Icon name="warning" size={20} />
      <p>Connection lost. Joining again…</p>
      <button type="button" onClick={() => void call.leave()}>
        Leave
      </button>
    </div>
  );
}
