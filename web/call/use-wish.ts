import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import type { BrowserConference } from '#client/call.ts';
import type { SourceId } from '#signalling/ids.ts';

const RATIO = 16 / 9;

/**
 * Keeps the wish for a source in step with the element that shows it: its size in device pixels, nothing while it is out
 * of sight or the page is hidden or the element is gone.
 */
export function useWish(
  conference: BrowserConference,
  source: SourceId | undefined,
  ref: RefObject<HTMLElement | null>,
) {
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || source === undefined) return;
    let inSight = true;
    const state = () => {
      const { width, height } = element.getBoundingClientRect();
      // A picture that fills a tall tile is cut at its sides, so it is taller than its width alone would make it.
      const lines = Math.round(Math.max(height, width / RATIO) * devicePixelRatio);
      conference.setWish(source, inSight && lines > 0 && document.visibilityState === 'visible' ? lines : 'none');
    };
    const size = new ResizeObserver(state);
    const sight = new IntersectionObserver(([entry]) => {
      if (entry) inSight = entry.isIntersecting;
      state();
    });
    size.observe(element);
    sight.observe(element);
    document.addEventListener('visibilitychange', state);
    return () => {
      size.disconnect();
      sight.disconnect();
      document.removeEventListener('visibilitychange', state);
      conference.setWish(source, 'none');
    };
  }, [conference, source, ref]);
}
