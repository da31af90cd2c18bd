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
