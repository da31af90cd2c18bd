/** A person who films and speaks when told to, encrypted as people are: for benchmarks in which a browser looks. */
import { Account } from '#client/account.ts';
import { dialWebSocket } from '#client/dial.ts';
import type { NodePublication } from '#client/media/node/engine.ts';
import { Messenger } from '#client/messenger.ts';
import { NodeCall } from '#client/node-call.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { Camera, type MediaFrame } from '../media/camera.ts';
import type { Clips } from '../media/clips.ts';
import { Pacer } from '../media/pacer.ts';
import { type Credentials, onLoopback } from './person.ts';
import { Talker } from './talker.ts';

export class Speaker {
  readonly participant: ParticipantId;
  readonly talker: Talker;
  readonly messenger: Messenger;
  readonly #camera: NodePublication;
  readonly #pacer: Pacer<MediaFrame>;
  readonly #close: () => void;
  readonly #call: NodeCall;

  private constructor(
    participant: ParticipantId,
    messenger: Messenger,
    call: NodeCall,
    talker: Talker,
    camera: NodePublication,
    pacer: Pacer<MediaFrame>,
    close: () => void,
  ) {
    this.participant = participant;
    this.messenger = messenger;
    this.#call = call;
    this.talker = talker;
    this.#camera = camera;
    this.#pacer = pacer;
    this.#close = close;
  }

  /**
   * Comes into the call of a conversation with a device of its own.
   * @param comfort of the silence
   * @throws HawserError why the person is not let in; Error where the SFT does not take a source
   */
  static async join(
    { home, handle, password }: Pick<Credentials, 'home' | 'handle' | 'password'>,
    conversation: ConversationId,
    clips: Clips,
    comfort: Buffer,
  ): Promise<Speaker> {
    await using undo = new AsyncDisposableStack();
    const account = undo.use(new Account(home));
    await account.signIn(handle, password);
    const messenger = undo.use(await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Benchmark' }));
    await messenger.home.store.when(({ conversations }) =>
      conversations.some((each) => each.conversation === conversation),
    );
    const dial = (url: string, ...rest: Rest<typeof dialWebSocket>) => dialWebSocket(onLoopback(url), ...rest);
    const call = new NodeCall({ messenger, conversation, conference: { dial, assumedPixels: 'none' } });
    undo.defer(() => call.close());
    const participant = await call.join();
    const camera = new Camera(clips.camera, Math.random);
    const filmed = await call.conference.publish('camera', {
      onKeyFrameRequest: (layer) => camera.requestKeyFrame(layer),
      onLayers: (layers) => camera.setLayers(layers),
    });
    if (!filmed) throw new Error('The SFT did not take the camera of a speaker.');
    const talker = await Talker.start(call, comfort);
    const frameMs = 1_000 / (clips.camera[0]?.framesPerSecond ?? 30);
    const pacer = new Pacer(frameMs, performance.now(), () => camera.nextFrames());
    const held = undo.move();
    return new Speaker(participant, messenger, call, talker, filmed, pacer, () => void held.disposeAsync());
  }

  /** Sends what is due. @param now ms of `performance.now` */
  send(now: number): void {
    for (const frame of this.#pacer.due(now)) void this.#camera.sendFrame(frame);
    this.talker.send(now);
  }

  /** Makes new keys for everybody in the call. */
  renewKeys(): Promise<void> {
    return this.#call.renewKeys();
  }

  close(): void {
    this.#close();
  }
}

type Rest<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never;
