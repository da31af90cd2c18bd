import type { PictureCodec } from '#client/media/browser/picture-codec.ts';
import type { DeviceId, UserId } from '#signalling/ids.ts';

/** What a person chose on this machine. Nothing of it is secret, and the page works as well where storing is refused. */
export interface Settings {
  /** Whether a refresh cookie may be there, which a page cannot see; saves a refusal on the first visit. */
  readonly signedIn: boolean;
  readonly camera: boolean;
  readonly microphone: boolean;
  readonly cameraId?: string;
  readonly microphoneId?: string;
  readonly speakerId?: string;
  readonly cameraCodec: PictureCodec;
  /** The device that this browser was last: where its own storage is lost, it says which one is to be removed. */
  readonly device?: DeviceId | undefined;
  /** Who wants to be told here of what is new while the page is closed. */
  readonly wakeUps?: UserId | undefined;
}

const KEY = 'hawser.settings';
const DEFAULTS: Settings = { signedIn: false, camera: true, microphone: true, cameraCodec: 'vp8' };

export function readSettings(): Settings {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof stored === 'object' && stored !== null ? { ...DEFAULTS, ...stored } : DEFAULTS;
  } catch {
    return DEFAULTS;
  }
}

export function changeSettings(change: Partial<Settings>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...readSettings(), ...change }));
  } catch {
    // Storage is blocked: the choice holds for this visit only.
  }
}
