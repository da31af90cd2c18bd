/** What a screen reader should say now: one sentence at a time, in a live region that the page always holds. */
import { Store } from '#client/store.ts';

export const announcement = new Store('');

export function announce(sentence: string): void {
  // The same sentence twice would not be a change, and so not be said; a trailing no-break space is not heard.
  announcement.set(announcement.state === sentence ? `${sentence}\u00a0` : sentence);
}
