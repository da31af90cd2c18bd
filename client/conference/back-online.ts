/** A call whose connection broke is joined again as soon as the network is back, as far as the browser or the homeserver's connection tells. */
import type { Home } from '../home.ts';

interface Broken {
  /** Does not wait for the next attempt. */
  retryNow(): void;
}

/** @returns stops it */
export function whenBackOnline(conference: Broken, home: Home): () => void {
  const retry = () => conference.retryNow();
  let wasConnected = home.store.state.connected;
  const stop = home.store.subscribe(({ connected }) => {
    if (connected && !wasConnected) retry();
    wasConnected = connected;
  });
  globalThis.addEventListener?.('online', retry);
  return () => {
    stop();
    globalThis.removeEventListener?.('online', retry);
  };
}
