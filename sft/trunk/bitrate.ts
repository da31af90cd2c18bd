/** What a stream of the media profile carries, and what it may carry at the most. */
import {
  CAMERA_ENCODINGS,
  MICROPHONE_MAX_BITRATE,
  SCREEN_MAX_BITRATE,
  type SourceKind,
} from '#signalling/media-profile.ts';

/** What a layer is counted as until it was measured, bit/s: the most that its publisher is told to send. */
export function nominalBitrate(kind: SourceKind, layer: number): number {
  switch (kind) {
    case 'microphone':
      return MICROPHONE_MAX_BITRATE;
    case 'screen':
      return SCREEN_MAX_BITRATE;
    case 'camera':
      return (CAMERA_ENCODINGS[layer] ?? CAMERA_ENCODINGS[2]).maxBitrate;
  }
}

/**
 * What no honest stream stays above for seconds, bit/s: twice the nominal rate, which leaves room for key frames and
 * repair; a voice may have four times as much, for encoders that do not know the profile's rate.
 */
export function ceilingOf(kind: SourceKind, layer: number): number {
  return nominalBitrate(kind, layer) * (kind === 'microphone' ? 4 : 2);
}
