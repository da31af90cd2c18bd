/**
 * The encryption of a call's media in a browser: a worker through which every frame goes, before it is put into packets and after it was
 * taken out of them (WebRTC Encoded Transform). Nothing is sent, and nothing shown, before the worker has keys.
 */
import type { ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { DeviceError } from '../../failure.ts';
import type { Epoch } from '../../sframe/epochs.ts';
import {
  ENCODERS_OF_SENDER,
  type FromWorker,
  type Stuck,
  type ToWorker,
  type TransformOptions,
} from '../../sframe/worker-protocol.ts';

export class BrowserEncryption {
  readonly #worker: Worker;
  /** One that was given out is never given out again. */
  #encoders = 0;

  /**
   * @param onRefused what came and was not shown
   * @param onStuck pictures cannot be sent before there is one that builds on nothing
   * @throws DeviceError BROWSER_UNSUPPORTED: there is no call without encryption
   */
  constructor(onRefused: (refused: FromWorker) => void, onStuck: () => void = () => undefined) {
    if (typeof RTCRtpScriptTransform === 'undefined') throw new DeviceError('BROWSER_UNSUPPORTED');
    this.#worker = new Worker(new URL('../../sframe/worker.ts', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker | Stuck>) => {
      if (data.type === 'stuck') onStuck();
      else onRefused(data);
    };
  }

  /** What is sent with it can be read from now on. */
  addEpoch(epoch: Epoch): void {
    this.#tell({ type: 'epoch', epoch });
  }

  sendWith(number: bigint): void {
    this.#tell({ type: 'sendWith', number });
  }

  /** Nothing is sent until `sendWith` is called again. */
  hold(): void {
    this.#tell({ type: 'hold' });
  }

  /** To be called before the first frame is sent. @param layer the lowest that it makes */
  protectSender(sender: RTCRtpSender, kind: SourceKind, layer: number): void {
    const encoder = this.#encoders;
    this.#encoders += ENCODERS_OF_SENDER;
    this.#attach(sender, { direction: 'out', kind, layer, encoder });
  }

  /** To be called before the first frame comes. */
  protectReceiver(receiver: RTCRtpReceiver, participant: ParticipantId, kind: SourceKind): void {
    this.#attach(receiver, { direction: 'in', participant, kind });
  }

  close(): void {
    this.#worker.terminate();
  }

  #attach(to: RTCRtpSender | RTCRtpReceiver, options: TransformOptions): void {
    to.transform = new RTCRtpScriptTransform(this.#worker, options);
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
