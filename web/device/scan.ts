/** Reads a code with the camera. Who starts it ends it by the signal; afterwards the camera is off, however it ended. */
import { decodeQR } from 'qr/decode.js';
import { DeviceError } from '#client/failure.ts';
import { openRearCamera } from '#client/media/browser/devices.ts';

/** ms between two pictures. One of 1280 by 720 takes 4 to 20 ms to read on a desktop's core, so that a slow telephone keeps its breath. */
const PAUSE = 100;

/** Pixels. The usual code has 53 squares a side: where it fills half of 720 lines, each is nearly 7 wide, and 2.5 are read. */
const LONGEST_SIDE = 1280;

/**
 * The text of the first code that the camera sees; undefined where the signal came first.
 * @param video shows what the camera sees
 * @throws DeviceError as `openDevice`; DEVICE_FAILED also where the camera goes while it is on
 */
export async function scanCode(video: HTMLVideoElement, signal: AbortSignal): Promise<string | undefined> {
  const track = await openRearCamera();
  const stream = new MediaStream([track]);
  // At once, and not after the pause.
  signal.addEventListener('abort', () => track.stop());
  try {
    if (signal.aborted) return undefined;
    video.classList.toggle('mirrored', track.getSettings().facingMode !== 'environment');
    video.srcObject = stream;
    await video.play();
    const read = readerOf(video);
    while (!signal.aborted) {
      if (track.readyState === 'ended') throw new DeviceError('DEVICE_FAILED');
      const text = read();
      if (text !== undefined) return text;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return undefined;
  } catch (error) {
    // A picture that is taken away while it starts says so too.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    track.stop();
    // Another scan may have begun on it already.
    if (video.srcObject === stream) video.srcObject = null;
  }
}

function readerOf(video: HTMLVideoElement): () => string | undefined {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new DeviceError('BROWSER_UNSUPPORTED');
  return () => {
    const { videoWidth, videoHeight } = video;
    if (videoWidth === 0 || videoHeight === 0) return undefined;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(videoWidth, videoHeight));
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      return undefined; // no code in this picture
    }
  };
}
