/**
 * Tabs of one browser tell each other which of them has the vault of a person. The lock decides (`client/vault/tab-lock.ts`); here
 * they are only polite: whoever opens Hawser a second time learns at once that it is open, and can ask for it.
 */
import type { UserId } from '#signalling/ids.ts';

type Word = 'who' | 'here' | 'give';

/** This tab has it. @param give lets it go @returns what ends the listening */
export function answerTabs(user: UserId, give: () => void): () => void {
  const channel = channelOf(user);
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    if (data === 'who') channel.postMessage('here' satisfies Word);
    else if (data === 'give') give();
  };
  return () => channel.close();
}

/** Asks who has it; a page that is just being unloaded does not answer any more. @returns what ends the listening */
export function askTabs(user: UserId, onHere: () => void): () => void {
  const channel = channelOf(user);
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    if (data === 'here') onHere();
  };
  channel.postMessage('who' satisfies Word);
  return () => channel.close();
}

/** Asks the tab that has it to let it go. */
export function askForVault(user: UserId): void {
  const channel = channelOf(user);
  channel.postMessage('give' satisfies Word);
  channel.close();
}

function channelOf(user: UserId): BroadcastChannel {
  return new BroadcastChannel(`hawser tabs ${user}`);
}
