/**
 * Somebody in a call who films a clip, or looks at one, as a page: with the encryption of people, or without, as only machines that measure may.
 * Driven by `window.side`.
 */
import { Conference } from '#client/conference/conference.ts';
import { openDevice } from '#client/media/browser/devices.ts';
import { BrowserEncryption } from '#client/media/browser/encryption.ts';
import { BrowserEngine } from '#client/media/browser/engine.ts';
import type { CallTicket } from '#signalling/client-home.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { linesOfMark, readMark } from '../media/frame-mark.ts';
import { ClipWindow, type Seen } from './clip-window.ts';

/** What the group of a call gives its devices. */
export interface SideKeys {
  /** base64 */
  readonly baseKey: string;
  /** By the index of their leaf. */
  readonly participants: readonly ParticipantId[];
  /** The own one. */
  readonly leaf: number;
}

/** Of the largest picture that comes, since its begin. */
export interface Came {
  readonly received: number;
  readonly decoded: number;
  readonly dropped: number;
  readonly freezes: number;
  /** Sum of the quantisers of what was decoded, from 0, the best, to 127 each. */
  readonly quantisers: number;
  readonly packetsLost: number;
}

export interface Watched extends Seen {
  /** How often the media server gave another layer, or none. */
  readonly layerSwitches: number;
  /** When the first of the pictures was there, and when the last. */
  readonly before: Came;
  readonly after: Came;
}

/** Not in TypeScript's DOM types: Chromium has it in pages too. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
declare const MediaStreamTrackProcessor: new (of: {
  readonly track: MediaStreamTrack;
  readonly maxBufferSize: number;
}) => TrackProcessor;

/** What is used of the statistics of a connection. */
interface Stats {
  readonly type: string;
  readonly kind?: string;
  readonly trackIdentifier?: string;
  readonly framesEncoded?: number;
  readonly frameHeight?: number;
  readonly framesReceived?: number;
  readonly framesDecoded?: number;
  readonly framesDropped?: number;
  readonly freezeCount?: number;
  readonly qpSum?: number;
  readonly packetsLost?: number;
}

/** Pictures that may wait to be looked at: more than a page is ever late for. */
const WAITING = 60;
const CAMERA_HEIGHT = 720;
/** As mediasoup calls what comes only to find out how much the path carries. */
const PROBATOR = 'probator';

/** All connections of this page, for their statistics. */
const connections: RTCPeerConnection[] = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.push(this);
  }
};

class Side {
  readonly #encryption: BrowserEncryption | undefined;
  readonly #conference: Conference<MediaStreamTrack, MediaStreamTrack>;
  readonly #followed = new Set<string>();
  #refused = 0;
  #layer: number | undefined;
  #layerSwitches = 0;
  #window: ClipWindow | undefined;
  #onSeen = () => {};
  readonly #paused = new Map<RTCRtpSender, MediaStreamTrack>();
  /** Of the newest picture. */
  #height = 0;

  constructor(keys: SideKeys | undefined) {
    this.#encryption = keys && this.#encryptionWith(keys);
    const engine = new BrowserEngine(this.#encryption);
    this.#conference = new Conference({ engine, assumedPixels: 'none' });
  }

  join(ticket: CallTicket): Promise<void> {
    this.#conference.store.subscribe(() => this.#follow());
    return this.#conference.join(ticket);
  }

  /** @throws Error where the media server does not take the camera */
  async film(): Promise<void> {
    const publication = await this.#conference.publish('camera', openDevice('camera'));
    if (!publication) throw new Error('The SFT did not take the camera of the page.');
  }

  /** Wishes for the large picture. @returns whether there is somebody who films */
  look(): boolean {
    const [camera] = this.#cameras;
    if (camera) this.#conference.setWish(camera.source, CAMERA_HEIGHT);
    return camera !== undefined;
  }

  /** Of the newest picture, pixels; 0 before there is one. */
  get height(): number {
    return this.#height;
  }

  /** Frames that the encryption did not let through. */
  get refused(): number {
    return this.#refused;
  }

  /** Of everything that is sent and received here, whether it goes through an encryption. */
  get protections(): readonly boolean[] {
    const all = connections.flatMap((each) => each.getTransceivers());
    const used = all.flatMap(({ mid, currentDirection, sender, receiver }) => {
      if (mid === PROBATOR) return [];
      return currentDirection === 'sendonly' ? sender : currentDirection === 'recvonly' ? receiver : [];
    });
    return used.map(({ transform }) => transform instanceof RTCRtpScriptTransform);
  }

  /**
   * Sees so many pictures of the clip, from the next one on.
   * @param round of so many it is made
   * @param limit how long that may take, ms
   */
  async watch(frames: number, round: number, limit: number): Promise<Watched> {
    const switchesBefore = this.#layerSwitches;
    const first = Promise.withResolvers<void>();
    const last = Promise.withResolvers<void>();
    const seen = new ClipWindow(frames, round);
    this.#window = seen;
    this.#onSeen = () => {
      first.resolve();
      if (seen.isOver) last.resolve();
    };
    const timer = setTimeout(() => {
      first.resolve();
      last.resolve();
    }, limit);
    await first.promise;
    const before = await this.came();
    await last.promise;
    clearTimeout(timer);
    this.#window = undefined;
    const layerSwitches = this.#layerSwitches - switchesBefore;
    return { ...seen.seen, layerSwitches, before, after: await this.came() };
  }

  /** Sends nothing until it goes on: what is under way then arrives, so that both ends can be counted. */
  async pause(): Promise<void> {
    for (const sender of connections.flatMap((each) => each.getSenders())) {
      if (!sender.track) continue;
      this.#paused.set(sender, sender.track);
      await sender.replaceTrack(null);
    }
  }

  async resume(): Promise<void> {
    const paused = [...this.#paused];
    this.#paused.clear();
    await Promise.all(paused.map(([sender, track]) => sender.replaceTrack(track)));
  }

  /** Pictures that were encoded of the largest that is sent, since its begin. */
  async encoded(): Promise<number> {
    const pictures = (await stats()).filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');
    const largest = pictures.toSorted((a, b) => (a.frameHeight ?? 0) - (b.frameHeight ?? 0)).at(-1);
    return largest?.framesEncoded ?? 0;
  }

  async came(): Promise<Came> {
    // The same also where a smaller one is given in its place for a while.
    const largest = this.#cameras.flatMap((camera) => camera.renditions).at(-1)?.media.id;
    const all = await stats();
    const picture = all.find(({ type, trackIdentifier }) => type === 'inbound-rtp' && trackIdentifier === largest);
    return {
      received: picture?.framesReceived ?? 0,
      decoded: picture?.framesDecoded ?? 0,
      dropped: picture?.framesDropped ?? 0,
      freezes: picture?.freezeCount ?? 0,
      quantisers: picture?.qpSum ?? 0,
      packetsLost: picture?.packetsLost ?? 0,
    };
  }

  async leave(): Promise<void> {
    await this.#conference.leave();
    this.#encryption?.close();
  }

  get #cameras() {
    const { state } = this.#conference;
    const people = state.phase === 'joined' ? state.participants : [];
    return people.flatMap(({ sources }) => sources).filter(({ kind }) => kind === 'camera');
  }

  /** What a page would show: the largest that flows. */
  get #shown() {
    const renditions = this.#cameras.flatMap((camera) => camera.renditions);
    return renditions.findLast(({ layer }) => layer !== undefined);
  }

  #follow(): void {
    for (const { consumer, media } of this.#cameras.flatMap((camera) => camera.renditions)) {
      if (this.#followed.has(consumer)) continue;
      this.#followed.add(consumer);
      void this.#see(consumer, media);
    }
    const layer = this.#shown?.layer;
    if (layer === this.#layer) return;
    this.#layer = layer;
    this.#layerSwitches += 1;
  }

  async #see(consumer: string, track: MediaStreamTrack): Promise<void> {
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: WAITING });
    for await (const frame of readable) {
      try {
        if (this.#shown?.consumer === consumer) await this.#take(frame);
      } finally {
        frame.close();
      }
    }
  }

  async #take(frame: VideoFrame): Promise<void> {
    this.#height = frame.codedHeight;
    const seen = this.#window;
    if (!seen) return;
    seen.take(await markOf(frame), frame.codedHeight);
    this.#onSeen();
  }

  #encryptionWith({ baseKey, participants, leaf }: SideKeys): BrowserEncryption {
    const onRefused = ({ counts }: { readonly counts: object }) => {
      for (const count of Object.values(counts)) this.#refused += Number(count);
    };
    const encryption = new BrowserEncryption(onRefused, () => {
      this.#conference.refresh().catch(() => undefined);
    });
    const number = 1n;
    const leafBits = Math.max(1, Math.ceil(Math.log2(participants.length)));
    const bytes = Uint8Array.from(atob(baseKey), (letter) => letter.charCodeAt(0));
    encryption.addEpoch({ number, baseKey: bytes, leafBits, leaf, participants: new Map(participants.entries()) });
    encryption.sendWith(number);
    return encryption;
  }
}

/** The number that the picture itself shows. */
async function markOf(frame: VideoFrame): Promise<number | undefined> {
  const width = frame.codedWidth;
  const rect = { x: 0, y: 0, width, height: linesOfMark(width) };
  // Brightness comes first in each form that a decoder gives (I420, NV12), line by line.
  const bytes = new Uint8Array(frame.allocationSize({ rect }));
  await frame.copyTo(bytes, { rect });
  return readMark(bytes, width);
}

async function stats(): Promise<Stats[]> {
  const reports = await Promise.all(connections.map((connection) => connection.getStats()));
  return reports.flatMap((report) => [...report.values()] as Stats[]);
}

declare global {
  interface Window {
    side: {
      enter: (ticket: CallTicket, keys?: SideKeys) => Promise<void>;
      /** Who entered. */
      readonly own: Side;
    };
  }
}
let own: Side | undefined;
window.side = {
  async enter(ticket, keys) {
    own = new Side(keys);
    await own.join(ticket);
  },
  get own() {
    if (!own) throw new Error('not in a call');
    return own;
  },
};
