import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RemoteRendition } from '#client/conference/participants.ts';
import { onFirstFrame, watchFlow } from '#client/media/browser/frames.ts';

interface PictureProps {
  readonly track: MediaStreamTrack;
  readonly mirrored?: boolean;
  readonly whole?: boolean;
  readonly hidden?: boolean;
  readonly onFirstFrame?: () => void;
  /** Told when frames begin to come, and when they have ceased. */
  readonly onFlow?: (flows: boolean) => void;
}

/** The picture of one track. */
export function Picture({ track, mirrored, whole, hidden, ...told }: PictureProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const tell = useRef(told);
  tell.current = told;
  useLayoutEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => undefined); // `autoplay` starts it once the browser allows it
    const stopFirst = onFirstFrame(video, () => tell.current.onFirstFrame?.());
    const stopFlow = tell.current.onFlow ? watchFlow(video, (flows) => tell.current.onFlow?.(flows)) : undefined;
    return () => {
      stopFirst();
      stopFlow?.();
      video.srcObject = null;
    };
  }, [track]);
  const classes = ['picture', mirrored && 'mirrored', whole && 'whole', hidden && 'beneath'].filter(Boolean).join(' ');
  return <video ref={ref} class={classes} autoplay playsInline muted />;
}

interface RenditionsProps {
  /** The lowest layers first. */
  readonly renditions: readonly RemoteRendition<MediaStreamTrack>[];
  readonly whole: boolean;
  readonly onFirstFrame: () => void;
}

/**
 * One source as its renditions, one above the other: the highest that decodes is seen, and the lowest whenever none does, so
 * that a weak path costs sharpness and no standing picture.
 */
export function Renditions({ renditions, whole, onFirstFrame }: RenditionsProps) {
  const [flowing, setFlowing] = useState<readonly string[]>([]);
  const shown = renditions.findLast(({ consumer }) => flowing.includes(consumer)) ?? renditions[0];
  return (
    <>
      {renditions.map((rendition) => {
        const { consumer, media } = rendition;
        const tell = (flows: boolean) =>
          setFlowing((before) => [...before.filter((each) => each !== consumer), ...(flows ? [consumer] : [])]);
        return (
          <Picture
            key={consumer}
            track={media}
            whole={whole}
            hidden={rendition !== shown}
            onFirstFrame={onFirstFrame}
            {...(renditions.length > 1 && { onFlow: tell })}
          />
        );
      })}
    </>
  );
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
