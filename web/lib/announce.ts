/** What a screen reader should say now: one sentence at a time, in a live region that the page always holds. */
import { Store } from '#client/store.ts';
import { plain } from './plain.ts';

export const announcement = new Store('');

export function announce(words: string): void {
  const sentence = plain(words);
  // The same sentence twice would not be a change, and so not be said; a trailing no-break space is not heard.
  announcement.set(announcement.state === sentence ? `${sentence}\u00a0` : sentence);
}
