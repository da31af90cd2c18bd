/**
 * One person's call in a browser: the conference, the devices that feed it, and the names of those who are in it. The page
 * draws its state and calls its verbs.
 */
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Conference } from './conference/conference.ts';
import { DeviceError } from './failure.ts';
import type { Home } from './home.ts';
import { type DeviceKind, openDevice, openDevices, openScreen } from './media/browser/devices.ts';
import { BrowserEncryption } from './media/browser/encryption.ts';
import { BrowserEngine } from './media/browser/engine.ts';
import type { PictureCodec } from './media/browser/picture-codec.ts';
import type { Publication } from './media/engine.ts';
import type { Messenger } from './messenger.ts';
import type { Refusal } from './sframe/incoming-frames.ts';
import type { FromWorker } from './sframe/worker-protocol.ts';
import { Store } from './store.ts';

export type BrowserConference = Conference<MediaStreamTrack, MediaStreamTrack, Publication<MediaStreamTrack>>;

/** How the media of the call is encrypted. */
export interface Encryption {
  /** That is sent with; undefined while there are no keys, and nothing is sent. */
  readonly epoch?: bigint;
  /** Frames that came and were not shown, since the begin. */
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
}

export interface CallOptions {
  readonly messenger: Messenger;
  readonly conversation: ConversationId;
  /** Whether the devices begin switched on, and which are preferred. */
  readonly devices: Readonly<Record<DeviceKind, { readonly on: boolean; readonly id?: string }>>;
  readonly cameraCodec: PictureCodec;
  /** The call does not go on yet: start it and ring the others. */
  readonly start: boolean;
}

export class BrowserCall {
  readonly conversation: ConversationId;
  readonly #encryption = new BrowserEncryption((refused) => this.#refused(refused));
  readonly #engine = new BrowserEngine(this.#encryption);
  readonly conference: BrowserConference = new Conference({ engine: this.#engine });
  readonly encryption = new Store<Encryption>({ refused: {} });
  readonly #messenger: Messenger;
  readonly #home: Home;
  #entered: CallTicket | undefined;
  readonly #preferred: Partial<Record<DeviceKind, string>> = {};
  readonly #tracks = new Set<MediaStreamTrack>();
  readonly #stopListening: (() => void)[];
  readonly #start: boolean;

  constructor(options: CallOptions) {
    this.#messenger = options.messenger;
    this.#home = options.messenger.home;
    this.conversation = options.conversation;
    this.#start = options.start;
    this.#engine.cameraCodec = options.cameraCodec;
    for (const kind of ['camera', 'microphone'] as const) {
      const { id } = options.devices[kind];
      if (id !== undefined) this.#preferred[kind] = id;
    }
    this.#stopListening = [
      this.#home.store.subscribe(() => this.#followMembers()),
      this.conference.store.subscribe(({ phase }) => phase === 'left' && this.#release()),
    ];
  }

  /** Joins and opens the devices at the same time. Never throws: the conference's state says how it went. */
  async begin(devices: CallOptions['devices']): Promise<void> {
    const ticket = this.#ticket();
    const joining = this.conference.join(ticket).catch(() => undefined);
    // Both at once: what comes before the keys waits for them.
    ticket.then((granted) => this.#enterGroup(granted)).catch((error: unknown) => this.conference.fail(error));
    const wanted = (['microphone', 'camera'] as const).filter((kind) => devices[kind].on);
    const opened = openDevices(wanted, this.#preferred);
    for (const kind of wanted) {
      const track = opened[kind];
      if (track) void this.conference.publish(kind, this.#own(kind, track));
    }
    this.#home.decline(this.conversation);
    await joining;
    this.#followMembers();
  }

  /** Switches the camera or microphone on or off. A camera that is off is closed, so that its light goes out. */
  async toggle(kind: DeviceKind): Promise<void> {
    const local = this.conference.state.local[kind];
    if (local.phase === 'starting') return;
    if (local.phase !== 'on') {
      await this.conference.publish(kind, this.#own(kind, openDevice(kind, this.#preferred[kind])));
    } else if (kind === 'microphone') {
      await this.conference.setMuted(kind, !local.muted);
    } else if (local.muted) {
      await this.conference.setMuted(kind, false, await this.#own(kind, openDevice(kind, this.#preferred[kind])));
    } else {
      this.#stop(local.media);
      await this.conference.setMuted(kind, true);
    }
  }

  async toggleScreen(): Promise<void> {
    const local = this.conference.state.local.screen;
    if (local.phase === 'starting') return;
    if (local.phase === 'on') {
      this.#stop(local.media);
      await this.conference.unpublish('screen');
    } else {
      await this.conference.publish('screen', this.#own('screen', openScreen()));
    }
  }

  /** Uses another camera or microphone from now on. @throws DeviceError the old one stays in use */
  async choose(kind: DeviceKind, id: string): Promise<void> {
    this.#preferred[kind] = id;
    const local = this.conference.state.local[kind];
    if (local.phase !== 'on' || (kind === 'camera' && local.muted)) return;
    const track = await this.#own(kind, openDevice(kind, id));
    await this.conference.setMuted(kind, local.muted, track);
    this.#stop(local.media);
  }

  /** Sends the camera in another codec from now on: a source keeps its codec, so that this is a new one. */
  async chooseCodec(codec: PictureCodec): Promise<void> {
    this.#engine.cameraCodec = codec;
    const local = this.conference.state.local.camera;
    if (local.phase !== 'on') return;
    await this.conference.unpublish('camera');
    if (!local.muted) await this.conference.publish('camera', local.media);
  }

  leave(): Promise<void> {
    return this.conference.leave();
  }

  /** Ends the call for everybody. */
  endForAll(): Promise<void> {
    return this.conference.leave(() => this.#home.endCall(this.conversation));
  }

  close(): void {
    this.conference.close();
    this.#release();
  }

  /** Two people may start at once: whoever comes second joins the call of the first. */
  #ticket(): Promise<CallTicket> {
    return this.#start ? this.#home.startCall(this.conversation) : this.#home.callTicket(this.conversation);
  }

  async #enterGroup(ticket: CallTicket): Promise<void> {
    if (this.conference.state.phase === 'left') return;
    this.#entered = ticket;
    await this.#messenger.enterCall(this.conversation, ticket, {
      addEpoch: (epoch) => this.#encryption.addEpoch(epoch),
      sendWith: (number) => {
        this.#encryption.sendWith(number);
        this.encryption.set({ ...this.encryption.state, epoch: number });
      },
    });
  }

  #refused({ counts }: FromWorker): void {
    const { state } = this.encryption;
    const refused = { ...state.refused };
    for (const [kind, count] of Object.entries(counts) as [Refusal, number][])
      refused[kind] = (refused[kind] ?? 0) + count;
    this.encryption.set({ ...state, refused });
  }

  #followMembers(): void {
    const conversation = this.#home.store.state.conversations.find((each) => each.conversation === this.conversation);
    const { state } = this.conference;
    if (state.phase === 'joined' && conversation?.call?.conference === state.conference) {
      this.conference.setMembers(conversation.call.members);
    }
  }

  /** A track that was opened for this call is closed with it, also when it opens after the call has ended. */
  async #own(kind: DeviceKind | 'screen', opening: Promise<MediaStreamTrack>): Promise<MediaStreamTrack> {
    const track = await opening;
    if (this.conference.state.phase === 'left') {
      track.stop();
      throw new DeviceError('DEVICE_FAILED');
    }
    this.#tracks.add(track);
    // `stop` by us fires no event: this is a device that was unplugged, or sharing that was ended in the browser's own bar.
    track.addEventListener('ended', () => {
      this.#tracks.delete(track);
      const local = this.conference.state.local[kind];
      if (local.phase === 'on' && local.media === track) void this.conference.unpublish(kind).catch(() => undefined);
    });
    return track;
  }

  #stop(track: MediaStreamTrack): void {
    track.stop();
    this.#tracks.delete(track);
  }

  #release(): void {
    for (const stop of this.#stopListening) stop();
    for (const track of this.#tracks) track.stop();
    this.#tracks.clear();
    if (this.#entered) this.#messenger.leaveCall(this.conversation, this.#entered);
    this.#encryption.close();
  }
}
