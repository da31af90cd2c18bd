/**
 * For tests: people whose every packet says which conference and whom it is of, and who look at every packet that reaches
 * them and at every message of their SFT. They come by plain RTP, so that there can be many; and they lie in each statement
 * of their wishes: they wish for every source of every conference that was ever published.
 */

import { Conference } from '#client/conference/conference.ts';
import { type Dial, dialWebSocket } from '#client/dial.ts';
import { NodeEngine, type NodePublication } from '#client/media/node/engine.ts';
import { PlainPath } from '#client/media/node/plain-path.ts';
import { packetise } from '#client/media/node/vp8.ts';
import type { ConferenceId, ParticipantId, SourceId, UserId } from '#signalling/ids.ts';
import type { Socket } from '#signalling/rpc.ts';
import { newParticipantId, type TestSft } from './testing.ts';

const MAGIC = { camera: '<cam>', microphone: '<mic>' } as const;
const ID_LENGTH = 22;
const FRAME_LENGTH = 8;
/** At the end of each payload: kind, layer, number of the frame, conference, participant. */
const MARK_LENGTH = MAGIC.camera.length + 1 + FRAME_LENGTH + 2 * ID_LENGTH;
const LAYERS = [0, 1, 2];
/** The header of a key frame of 320 by 180 (RFC 6386, section 9.1), and the begin of a frame that needs others. */
const KEY_FRAME = Buffer.from([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
const DELTA_FRAME = Buffer.from([0x11, 0, 0]);

export type MarkedKind = 'camera' | 'microphone';

/** Everything that must not have happened, and everything that was published. */
export interface Ledger {
  readonly faults: string[];
  /** Conference by source, of all that was ever published. */
  readonly sources: Map<SourceId, ConferenceId>;
  packets: number;
}

export class MarkedPerson {
  readonly participant: ParticipantId = newParticipantId();
  readonly id: ConferenceId;
  readonly sft: TestSft;
  readonly publications = new Map<MarkedKind, NodePublication>();
  /** What was received since it was last cleared, as `participant kind`. */
  readonly got = new Set<string>();
  onPacket: ((packet: { sender: string; kind: MarkedKind; layer: number; frame: number }) => void) | undefined;
  readonly #ledger: Ledger;
  readonly #conference: Conference<object, unknown, NodePublication>;
  /** Layers of the camera of which a key frame was asked for. */
  readonly #asked = new Set<number>();
  #frame = 0;
  #at = 0;

  private constructor(sft: TestSft, conference: ConferenceId, ledger: Ledger) {
    this.sft = sft;
    this.id = conference;
    this.#ledger = ledger;
    const engine = new NodeEngine({
      openPath: (offer, events) =>
        PlainPath.open(offer, {
          ...events,
          onRtp: (header, payload) => {
            this.#inspect(payload);
            events.onRtp(header, payload);
          },
        }),
    });
    this.#conference = new Conference<object, unknown, NodePublication>({
      engine,
      assumedPixels: 'none',
      dial: this.#dial,
    });
  }

  static async join(sft: TestSft, conference: ConferenceId, anchor: TestSft, ledger: Ledger): Promise<MarkedPerson> {
    const person = new MarkedPerson(sft, conference, ledger);
    const { participant } = person;
    const call = {
      conference,
      anchor: anchor.domain,
      startedBy: 'mimi://alpha.example/u/a' as UserId,
      startedAt: 0,
      members: [],
    };
    const ticket = await sft.ticket({ conference, participant, anchor: anchor.domain });
    await person.#conference.join({ ticket, sft: sft.signallingUrl, participant, call });
    return person;
  }

  get others() {
    const { state } = this.#conference;
    return state.phase === 'joined' ? state.participants : [];
  }

  get isIn(): boolean {
    return this.#conference.state.phase === 'joined';
  }

  async publish(kind: MarkedKind): Promise<void> {
    for (const layer of LAYERS) this.#asked.add(layer);
    const onKeyFrameRequest = (layer: number) => void this.#asked.add(layer);
    const publication = await this.#conference.publish(kind, { onKeyFrameRequest });
    if (!publication) throw new Error(`the ${kind} was not taken`);
    this.#ledger.sources.set(await publication.source, this.id);
    this.publications.set(kind, publication);
  }

  async unpublish(kind: MarkedKind): Promise<void> {
    this.publications.delete(kind);
    await this.#conference.unpublish(kind);
  }

  /** Looks at everybody's camera at a height, or at nobody's. */
  watch(pixels: number | 'none'): void {
    for (const { sources } of this.others) {
      for (const { source, kind } of sources) if (kind === 'camera') this.#conference.setWish(source, pixels);
    }
  }

  /**
   * Sends one frame of all that is published. A picture is a key frame where one was asked for.
   * @param everyMs how often this is called
   */
  send(everyMs: number): void {
    this.#frame += 1;
    this.#at += everyMs;
    const number = this.#frame.toString(16).padStart(FRAME_LENGTH, '0');
    const marked = (kind: MarkedKind, data: Buffer, layer = 0) =>
      Buffer.concat([data, Buffer.from(`${MAGIC[kind]}${layer}${number}${this.id}${this.participant}`)]);
    const voice = {
      payload: marked('microphone', DELTA_FRAME),
      timestamp: this.#at * 48,
      marker: false,
      audioLevel: 30,
    };
    this.publications.get('microphone')?.sendRtp(voice);
    const camera = this.publications.get('camera');
    if (!camera) return;
    for (const layer of LAYERS) {
      const frame = this.#asked.delete(layer) ? KEY_FRAME : DELTA_FRAME;
      for (const payload of packetise(marked('camera', frame, layer), this.#frame)) {
        camera.sendRtp({ layer, payload, timestamp: this.#at * 90, marker: true });
      }
    }
  }

  leave(): Promise<void> {
    return this.#conference.leave();
  }

  /** Goes without a word. */
  [Symbol.dispose](): void {
    this.#conference.close();
  }

  #inspect(payload: Buffer): void {
    if (payload.length === 0) return; // padding that only probes the path
    this.#ledger.packets += 1;
    const mark = payload.subarray(-MARK_LENGTH).toString('latin1');
    const kind = mark.startsWith(MAGIC.camera) ? 'camera' : 'microphone';
    if (!mark.startsWith(MAGIC[kind])) return this.#fault('a packet without mark');
    const sender = mark.slice(-ID_LENGTH);
    const conference = mark.slice(-2 * ID_LENGTH, -ID_LENGTH);
    if (conference !== this.id) return this.#fault(`a packet of ${sender} in ${conference}`);
    if (sender === this.participant) return this.#fault('a packet of his own');
    this.got.add(`${sender} ${kind}`);
    const [layer = '0', ...number] = mark.slice(MAGIC.camera.length, MAGIC.camera.length + 1 + FRAME_LENGTH);
    this.onPacket?.({ sender, kind, layer: Number(layer), frame: Number.parseInt(number.join(''), 16) });
  }

  /** Adds every source that there is to the wishes on their way out, and looks for foreign ones in what comes in. */
  readonly #dial: Dial = async (url, contract, signal) => {
    const socket = await dialWebSocket(url, contract, signal);
    socket.addEventListener('message', ({ data }) => {
      for (const [source, conference] of this.#ledger.sources) {
        if (conference !== this.id && String(data).includes(source)) this.#fault(`told of ${source} in ${conference}`);
      }
    });
    const liar: Socket = {
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      get readyState() {
        return socket.readyState;
      },
      protocol: socket.protocol,
      close: (...closing) => socket.close(...closing),
      addEventListener: socket.addEventListener.bind(socket),
      send: (data) => socket.send(this.#embellish(data)),
    };
    return liar;
  };

  #embellish(data: string): string {
    const message = JSON.parse(data) as { method?: string; params?: { wishes: { source: SourceId; layer: number }[] } };
    if (message.method !== 'wishes' || !message.params) return data;
    const { wishes } = message.params;
    for (const [source, conference] of this.#ledger.sources) {
      if (conference !== this.id && wishes.length < 256) wishes.push({ source, layer: 2 });
    }
    return JSON.stringify(message);
  }

  #fault(what: string): void {
    this.#ledger.faults.push(`${this.participant} in ${this.id} got ${what}`);
  }
}
