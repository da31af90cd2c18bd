/**
 * One person's call in a browser: the conference, the devices that feed it, and the names of those who are in it. The page
 * draws its state and calls its verbs.
 */
import type { CallTicket } from '#signalling/client-home.ts';
import { type ConversationId, type DeviceId, type ParticipantId, userOfDevice } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Calls } from './calls/calls.ts';
import { namedIn } from './calls/guests.ts';
import { ticketThroughLobby } from './calls/lobby.ts';
import { whenBackOnline } from './conference/back-online.ts';
import { Conference } from './conference/conference.ts';
import { Reactions } from './conference/reactions.ts';
import type { SeenDevice, Verification } from './device/verification.ts';
import { DeviceError } from './failure.ts';
import { type CallRoster, unexpectedIn } from './groups/call-roster.ts';
import type { Home } from './home.ts';
import { type DeviceKind, openDevice, openDevices, openScreen } from './media/browser/devices.ts';
import { BrowserEncryption } from './media/browser/encryption.ts';
import { BrowserEngine } from './media/browser/engine.ts';
import type { PictureCodec } from './media/browser/picture-codec.ts';
import type { Publication } from './media/engine.ts';
import type { Messenger } from './messenger.ts';
import type { Refusal } from './sframe/incoming-frames.ts';
import { Unreadable } from './sframe/unreadable.ts';
import type { FromWorker } from './sframe/worker-protocol.ts';
import { Store } from './store.ts';

export type BrowserConference = Conference<MediaStreamTrack, MediaStreamTrack, Publication<MediaStreamTrack>>;

/** How the media of the call is encrypted. */
export interface Encryption {
  /** That is sent with; undefined while there are no keys, and nothing is sent. */
  readonly epoch?: bigint;
  /** Who has the keys of the newest epoch. */
  readonly roster?: CallRoster;
  /** Devices because of which nothing is sent: of people who were compared, and not with these. */
  readonly withheldFrom?: readonly SeenDevice[];
  /** Frames and signals that came and were not shown, since the begin. */
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
  /** Who sends, and does not have the same keys as this device. */
  readonly unreadable?: ReadonlySet<ParticipantId>;
}

/**
 * `start`: it does not go on yet, and the others are to be called. `move`: this person is in it on another device, which leaves it then.
 * `visit`: as a guest, who says nothing in the conversation.
 */
export type Entrance = 'start' | 'join' | 'move' | 'visit';

export interface CallOptions {
  readonly messenger: Messenger;
  readonly conversation: ConversationId;
  /** Whether the devices begin switched on, and which are preferred. */
  readonly devices: Readonly<Record<DeviceKind, { readonly on: boolean; readonly id?: string }>>;
  readonly cameraCodec: PictureCodec;
  readonly entrance: Entrance;
}

const LOOK_MS = 1_000;

export class BrowserCall {
  readonly conversation: ConversationId;
  readonly #encryption = new BrowserEncryption(
    (refused) => this.#refused(refused),
    () => void this.conference.refresh().catch(() => undefined),
  );
  readonly #engine = new BrowserEngine(this.#encryption);
  readonly conference: BrowserConference = new Conference({
    engine: this.#engine,
    rejoin: (as) => this.#home.callTicket(this.conversation, as),
    onSignalled: (participant, payload) => void this.reactions.take(participant, payload),
  });
  /** What people show each other by a sign. */
  readonly reactions = new Reactions({
    send: (payload) => this.conference.signal(payload),
    onRefused: ({ refusal }) => this.#count({ [refusal]: 1 }),
  });
  readonly encryption = new Store<Encryption>({ refused: {} });
  /** Conversations in which somebody called meanwhile. */
  readonly busyFor = new Store<ReadonlySet<ConversationId>>(new Set());
  readonly #messenger: Messenger;
  readonly #home: Home;
  #entered: CallTicket | undefined;
  readonly #allowed = new Set<DeviceId>();
  readonly #unreadable = new Unreadable();
  #looking: ReturnType<typeof setTimeout> | undefined;
  readonly #preferred: Partial<Record<DeviceKind, string>> = {};
  readonly #tracks = new Map<MediaStreamTrack, SourceKind>();
  /** Whether somebody who moderates the call has to let this person in first. */
  readonly lobby = new Store(false);
  readonly #left = new AbortController();
  readonly #stopListening: (() => void)[];
  readonly #entrance: Entrance;

  constructor(options: CallOptions) {
    this.#messenger = options.messenger;
    this.#home = options.messenger.home;
    this.conversation = options.conversation;
    this.#entrance = options.entrance;
    this.#engine.cameraCodec = options.cameraCodec;
    for (const kind of ['camera', 'microphone'] as const) {
      const { id } = options.devices[kind];
      if (id !== undefined) this.#preferred[kind] = id;
    }
    this.#stopListening = [
      this.#home.store.subscribe(() => this.#followMembers()),
      this.conference.store.subscribe(({ phase, local }) => (phase === 'left' ? this.#release() : this.#darken(local))),
      this.verification.store.subscribe(() => this.#reconsider()),
      whenBackOnline(this.conference, this.#home),
      this.calls.moved.subscribe((moved) => {
        const { state } = this.conference;
        if (state.phase === 'joined' && moved.has(state.conference)) void this.leave();
      }),
    ];
  }

  /** This device. */
  get self(): DeviceId {
    return this.#messenger.device.id;
  }

  /** Whose devices were compared. */
  get verification(): Verification {
    return this.#messenger.verification;
  }

  get calls(): Calls {
    return this.#messenger.calls;
  }

  /** Another call rings, and whoever calls is told that this person is in one. */
  sayBusy(conversation: ConversationId): void {
    this.busyFor.set(this.busyFor.state.union(new Set([conversation])));
    this.#messenger.answerCall(conversation, 'busy').catch(() => undefined);
  }

  /** Joins and opens the devices at the same time. Never throws: the conference's state says how it went. */
  async begin(devices: CallOptions['devices']): Promise<void> {
    const ticket = this.#ticket();
    const joining = this.conference.join(ticket).catch(() => undefined);
    // Both at once: what comes before the keys waits for them.
    ticket.then((granted) => this.#enterGroup(granted)).catch((error: unknown) => this.conference.fail(error));
    ticket.then((granted) => this.#tell(granted)).catch(() => undefined);
    const wanted = (['microphone', 'camera'] as const).filter((kind) => devices[kind].on);
    const opened = openDevices(wanted, this.#preferred);
    for (const kind of wanted) {
      const track = opened[kind];
      if (track) void this.conference.publish(kind, this.#own(kind, track));
    }
    await joining;
    // The other device goes when this one is there.
    if (this.#entrance === 'move' && this.conference.state.phase === 'joined')
      this.#messenger.answerCall(this.conversation, 'moved').catch(() => undefined);
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
    const { conversation } = this;
    const isStart = this.#entrance === 'start';
    const first = () => (isStart ? this.#home.startCall(conversation) : this.#home.callTicket(conversation));
    return ticketThroughLobby(first, {
      ...{ home: this.#home, conversation, self: userOfDevice(this.self), signal: this.#left.signal },
      onWaiting: (isWaiting) => this.lobby.set(isWaiting),
    });
  }

  /** The others of this person stop to ring, and whoever called sees who comes. */
  async #tell(ticket: CallTicket): Promise<void> {
    const { startedBy, members } = ticket.call;
    const isBegun = this.#entrance === 'start' && startedBy === userOfDevice(this.self) && members.length === 0;
    if (isBegun) await this.#messenger.announceCall(this.conversation, ticket);
    else if (this.#entrance === 'join') await this.#messenger.answerCall(this.conversation, 'accepted');
  }

  async #enterGroup(ticket: CallTicket): Promise<void> {
    if (this.conference.state.phase === 'left') return;
    this.#entered = ticket;
    await this.#messenger.enterCall(this.conversation, ticket, {
      addEpoch: (epoch) => {
        this.#encryption.addEpoch(epoch);
        this.reactions.addEpoch(ticket.call.conference, epoch);
      },
      sendWith: (number) => {
        this.#encryption.sendWith(number);
        this.reactions.sendWith(number);
        this.encryption.set({ ...this.encryption.state, epoch: number, withheldFrom: [] });
      },
      mayHear: ({ devices }) => {
        const withheldFrom = unexpectedIn(devices, this.verification.store.state, this.self).filter(
          ({ device }) => !this.#allowed.has(device),
        );
        this.encryption.set({ ...this.encryption.state, withheldFrom });
        return withheldFrom.length === 0;
      },
      hold: () => {
        this.#encryption.hold();
        this.reactions.hold();
      },
      onRoster: (roster) => this.encryption.set({ ...this.encryption.state, roster }),
    });
  }

  /** Sends, though devices are in the call that were not compared, of somebody whose others were. */
  allow(devices: readonly SeenDevice[]): void {
    for (const { device } of devices) this.#allowed.add(device);
    this.#reconsider();
  }

  #reconsider(): void {
    if (this.#entered) void this.#messenger.reconsiderCall(this.conversation, this.#entered).catch(() => undefined);
  }

  #refused({ participant, counts }: FromWorker): void {
    this.#unreadable.note(participant, counts, performance.now());
    this.#count(counts);
    this.#lookAtUnreadable();
  }

  #count(counts: FromWorker['counts']): void {
    const { state } = this.encryption;
    const refused = { ...state.refused };
    for (const [kind, count] of Object.entries(counts) as [Refusal, number][])
      refused[kind] = (refused[kind] ?? 0) + count;
    this.encryption.set({ ...state, refused });
  }

  /** Told of once a second while it lasts; that it is over, nobody tells. */
  #lookAtUnreadable(): void {
    const unreadable = this.#unreadable.at(performance.now());
    const before = this.encryption.state.unreadable;
    if ((before?.size ?? 0) > 0 || unreadable.size > 0) this.encryption.set({ ...this.encryption.state, unreadable });
    clearTimeout(this.#looking);
    if (unreadable.size > 0) this.#looking = setTimeout(() => this.#lookAtUnreadable(), LOOK_MS);
  }

  #followMembers(): void {
    const conversation = this.#home.store.state.conversations.find((each) => each.conversation === this.conversation);
    const { state } = this.conference;
    if (state.phase === 'joined' && conversation?.call?.conference === state.conference) {
      this.conference.setMembers(namedIn(conversation.call));
    } else if (state.phase === 'joined' && state.rejoining) {
      this.conference.retryNow(); // it is over: the homeserver will say so
    }
  }

  /** A track that was opened for this call is closed with it, also when it opens after the call has ended. */
  async #own(kind: DeviceKind | 'screen', opening: Promise<MediaStreamTrack>): Promise<MediaStreamTrack> {
    const track = await opening;
    if (this.conference.state.phase === 'left') {
      track.stop();
      throw new DeviceError('DEVICE_FAILED');
    }
    this.#tracks.set(track, kind);
    // `stop` by us fires no event: this is a device that was unplugged, or sharing that was ended in the browser's own bar.
    track.addEventListener('ended', () => {
      this.#tracks.delete(track);
      const local = this.conference.state.local[kind];
      if (local.phase === 'on' && local.media === track) void this.conference.unpublish(kind).catch(() => undefined);
    });
    return track;
  }

  /** What is not sent any more, because whoever moderates the call wants it so, is not filmed either. */
  #darken(local: BrowserConference['state']['local']): void {
    for (const [track, kind] of this.#tracks) {
      const source = local[kind];
      const isOver = source.phase === 'failed' || (kind === 'screen' && source.phase === 'off');
      if (isOver || (kind === 'camera' && source.phase === 'on' && source.muted && source.media === track))
        this.#stop(track);
    }
  }

  #stop(track: MediaStreamTrack): void {
    track.stop();
    this.#tracks.delete(track);
  }

  #release(): void {
    for (const stop of this.#stopListening) stop();
    this.#left.abort();
    for (const track of this.#tracks.keys()) track.stop();
    this.#tracks.clear();
    if (this.#entered) this.#messenger.leaveCall(this.conversation, this.#entered);
    clearTimeout(this.#looking);
    this.reactions.close();
    this.#encryption.close();
  }
}
