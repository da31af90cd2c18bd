import { useLayoutEffect, useRef } from 'preact/hooks';
import { onFirstFrame } from '#client/media/browser/first-frame.ts';

/** The picture of one track. */
export function Picture(props: {
  track: MediaStreamTrack;
  mirrored?: boolean;
  whole?: boolean;
  onFirstFrame?: () => void;
}) {
  const ref = useRef<HTMLVideoElement>(null);
  const { track } = props;
  const first = useRef(props.onFirstFrame);
  first.current = props.onFirstFrame;
  useLayoutEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => undefined); // `autoplay` starts it once the browser allows it
    const stop = onFirstFrame(video, () => first.current?.());
    return () => {
      stop();
      video.srcObject = null;
    };
  }, [track]);
  const classes = ['picture', props.mirrored && 'mirrored', props.whole && 'whole'].filter(Boolean).join(' ');
  return <video ref={ref} class={classes} autoplay playsInline muted />;
}

/** The sound of one track, on the speaker that was chosen. */
export function Sound({ track, speaker }: { track: MediaStreamTrack; speaker: string | undefined }) {
  const ref = useRef<HTMLAudioElement>(null);
  useLayoutEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch(() => undefined);
    return () => {
      audio.srcObject = null;
    };
  }, [track]);
  useLayoutEffect(() => {
    const audio = ref.current;
    // A speaker that was unplugged since: the system's own choice stays in use.
    if (audio && 'setSinkId' in audio) audio.setSinkId(speaker ?? '').catch(() => undefined);
  }, [speaker]);
  // biome-ignore lint/a11y/useMediaCaption: the live voice of a person has no captions
  return <audio ref={ref} autoplay />;
}
