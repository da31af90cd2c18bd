/** When a video element shows frames, which a browser tells one by one. */

/** Calls back once, when a video element has put its first decoded frame on the screen. Returns how to stop waiting. */
export function onFirstFrame(video: HTMLVideoElement, callback: () => void): () => void {
  if ('requestVideoFrameCallback' in video) {
    const handle = video.requestVideoFrameCallback(() => callback());
    return () => video.cancelVideoFrameCallback(handle);
  }
  const element: HTMLVideoElement = video;
  element.addEventListener('loadeddata', callback, { once: true });
  return () => element.removeEventListener('loadeddata', callback);
}

/** A picture that showed nothing new for this long, ms, has ceased; the smallest camera sends one each 33 to 67 ms. */
const CEASED_MS = 500;

/**
 * Calls back when frames begin to come on a video element, and when they have ceased. Returns how to stop. Where the browser
 * does not tell of single frames, the first one is the last word.
 */
export function watchFlow(video: HTMLVideoElement, callback: (flows: boolean) => void): () => void {
  if (!('requestVideoFrameCallback' in video)) return onFirstFrame(video, () => callback(true));
  let ceased: ReturnType<typeof setTimeout> | undefined;
  const onFrame = () => {
    if (ceased === undefined) callback(true);
    clearTimeout(ceased);
    ceased = setTimeout(() => {
      ceased = undefined;
      // A hidden page is shown no frames although they come.
      if (document.visibilityState === 'visible') callback(false);
    }, CEASED_MS);
    handle = video.requestVideoFrameCallback(onFrame);
  };
  let handle = video.requestVideoFrameCallback(onFrame);
  return () => {
    clearTimeout(ceased);
    video.cancelVideoFrameCallback(handle);
  };
}
