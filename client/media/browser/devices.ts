/** Cameras, microphones, screens and speakers of the browser; what fails is said with a code that has a sentence. */
import { DeviceError } from '../../failure.ts';

export type DeviceKind = 'camera' | 'microphone';

export interface DeviceChoice {
  readonly id: string;
  /** Empty until the person has allowed a device once. */
  readonly label: string;
}

export interface DeviceList {
  readonly cameras: readonly DeviceChoice[];
  readonly microphones: readonly DeviceChoice[];
  /** Empty where the browser does not let a page choose. */
  readonly speakers: readonly DeviceChoice[];
}

/** 720 lines, from which the three layers of 720, 360 and 180 are made. */
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const MICROPHONE = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: { ideal: 1 },
};

/**
 * Opens a camera or microphone. A device chosen earlier that is gone is replaced by the system's own choice.
 * @throws DeviceError DEVICE_NO_…, DEVICE_…_DENIED, DEVICE_…_BUSY, DEVICE_FAILED, BROWSER_UNSUPPORTED
 */
export async function openDevice(kind: DeviceKind, deviceId?: string): Promise<MediaStreamTrack> {
  return open(kind, constraintsOf(kind, deviceId));
}

/** The camera that looks away from the person, for things he holds it before; any other where there is none. @throws as `openDevice` */
export async function openRearCamera(): Promise<MediaStreamTrack> {
  return open('camera', { ...CAMERA, facingMode: { ideal: 'environment' } });
}

async function open(kind: DeviceKind, wanted: MediaTrackConstraints): Promise<MediaStreamTrack> {
  const { mediaDevices } = navigator;
  if (!mediaDevices?.getUserMedia) throw new DeviceError('BROWSER_UNSUPPORTED');
  try {
    const stream = await mediaDevices.getUserMedia(kind === 'camera' ? { video: wanted } : { audio: wanted });
    const track = stream.getTracks()[0];
    if (track) return track;
  } catch (error) {
    throw new DeviceError(codeOf(kind, error), { cause: error });
  }
  throw new DeviceError('DEVICE_FAILED');
}

/**
 * Opens several at once, so that the browser asks the person one question and not two; where that fails, each by itself,
 * so that a missing camera does not cost the microphone.
 */
export function openDevices(
  kinds: readonly DeviceKind[],
  preferred: Readonly<Partial<Record<DeviceKind, string>>>,
): Partial<Record<DeviceKind, Promise<MediaStreamTrack>>> {
  const alone = (kind: DeviceKind) => openDevice(kind, preferred[kind]);
  if (kinds.length < 2 || !navigator.mediaDevices?.getUserMedia) {
    return Object.fromEntries(kinds.map((kind) => [kind, alone(kind)]));
  }
  const together = navigator.mediaDevices.getUserMedia({
    audio: constraintsOf('microphone', preferred.microphone),
    video: constraintsOf('camera', preferred.camera),
  });
  const pick = (kind: DeviceKind) =>
    together.then(
      (stream) => (kind === 'camera' ? stream.getVideoTracks()[0] : stream.getAudioTracks()[0]) ?? alone(kind),
      () => alone(kind),
    );
  return { microphone: pick('microphone'), camera: pick('camera') };
}

/** Lets the person choose a screen or window. @throws DeviceError DEVICE_SCREEN_DENIED, BROWSER_UNSUPPORTED */
export async function openScreen(): Promise<MediaStreamTrack> {
  const { mediaDevices } = navigator;
  if (!mediaDevices?.getDisplayMedia) throw new DeviceError('BROWSER_UNSUPPORTED');
  try {
    const stream = await mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } } });
    const track = stream.getVideoTracks()[0];
    if (track) return track;
  } catch (error) {
    throw new DeviceError('DEVICE_SCREEN_DENIED', { cause: error });
  }
  throw new DeviceError('DEVICE_FAILED');
}

export async function listDevices(): Promise<DeviceList> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind) =>
    devices
      .filter((each) => each.kind === kind && each.deviceId !== '')
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  return {
    cameras: of('videoinput'),
    microphones: of('audioinput'),
    speakers: 'setSinkId' in HTMLMediaElement.prototype ? of('audiooutput') : [],
  };
}

function constraintsOf(kind: DeviceKind, deviceId: string | undefined): MediaTrackConstraints {
  return { ...(kind === 'camera' ? CAMERA : MICROPHONE), ...(deviceId && { deviceId: { ideal: deviceId } }) };
}

/** The names are those of the Media Capture specification, section "getUserMedia()", and of what browsers add to it. */
function codeOf(kind: DeviceKind, error: unknown) {
  const camera = kind === 'camera';
  switch (error instanceof Error ? error.name : '') {
    case 'NotFoundError':
    case 'OverconstrainedError':
      return camera ? 'DEVICE_NO_CAMERA' : 'DEVICE_NO_MICROPHONE';
    case 'NotAllowedError':
    case 'SecurityError':
      return camera ? 'DEVICE_CAMERA_DENIED' : 'DEVICE_MICROPHONE_DENIED';
    case 'NotReadableError':
    case 'AbortError':
      return camera ? 'DEVICE_CAMERA_BUSY' : 'DEVICE_MICROPHONE_BUSY';
    default:
      return 'DEVICE_FAILED';
  }
}
