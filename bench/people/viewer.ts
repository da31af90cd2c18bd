/** A person who looks at some publishers and hears all. */
import type { Quality } from '#client/conference/quality.ts';
import type { NodeStream } from '#client/media/node/engine.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import { FirstPicture } from './first-picture.ts';
import type { Person } from './person.ts';

/** What is wanted of one publisher's camera. */
export interface PictureWant {
  readonly participant: ParticipantId;
  readonly layer: number;
  /** Pixels of a key frame of that layer. */
  readonly width: number;
  readonly height: number;
}

/** Counters since the join. */
export interface StreamReading {
  readonly kind: 'camera' | 'microphone';
  /** Of a camera: which layer was asked for. */
  readonly layer: number;
  readonly packets: number;
  readonly lost: number;
  /** Of a camera: pictures that arrived. */
  readonly frames: number;
  /** Of a camera: whether its newest key frame has the size that was asked for. */
  readonly isRightSize: boolean;
  /** Of a camera: ms from the wish to the first whole picture of the right size. */
  readonly firstPictureMs?: number;
}

export interface ViewerReading {
  /** ms of `monotonicMs`. */
  readonly at: number;
  /** SRTP and SRTCP, as UDP payload. */
  readonly bytes: number;
  readonly packets: number;
  readonly pictures: readonly StreamReading[];
  readonly voices: readonly StreamReading[];
  /** ms from the ticket in hand to the SFT's welcome; undefined where it was never joined. */
  readonly joinMs?: number;
}

interface Picture {
  readonly want: PictureWant;
  /** By rendition. */
  readonly firsts: Map<NodeStream, FirstPicture>;
  wishedAt?: number;
  source?: SourceId;
}

export class Viewer {
  readonly person: Person;
  readonly #pictures: readonly Picture[];
  readonly #voices: number;
  readonly #now: () => number;
  readonly #stop: () => void;

  /** @param voices how many microphones are to be heard. @param now ms of `monotonicMs` */
  constructor(person: Person, wants: readonly PictureWant[], voices: number, now: () => number) {
    this.person = person;
    this.#voices = voices;
    this.#now = now;
    this.#pictures = wants.map((want) => ({ want, firsts: new Map() }));
    this.#stop = person.conference.store.subscribe(() => this.#follow());
    this.#follow();
  }

  /** True once every picture that was asked for is there in its size, and every voice. */
  async isServed(): Promise<boolean> {
    if (this.#pictures.some((picture) => firstAt(picture) === undefined)) return false;
    const voices = (await this.person.conference.counters()).filter(({ kind }) => kind === 'microphone');
    return voices.filter(({ counters }) => counters.packets > 0).length >= this.#voices;
  }

  async read(): Promise<ViewerReading> {
    const figures = await this.person.conference.counters();
    const bySource = new Map(figures.map((each) => [each.source, each]));
    const { received } = this.person.engine.traffic;
    const { joined } = this.person.conference.timings.report.steps;
    return {
      at: this.#now(),
      bytes: received.bytes,
      packets: received.packets,
      pictures: this.#pictures.map((picture) =>
        this.#readPicture(picture, picture.source && bySource.get(picture.source)),
      ),
      voices: figures.filter(({ kind }) => kind === 'microphone').map(readVoice),
      ...(joined !== undefined && { joinMs: joined }),
    };
  }

  close(): void {
    this.#stop();
    this.person.close();
  }

  /** States the wishes as the sources appear, and listens to each picture from its first packet on. */
  #follow(): void {
    const { state } = this.person.conference;
    if (state.phase !== 'joined') return;
    const byParticipant = new Map(state.participants.map((each) => [each.participant, each]));
    for (const picture of this.#pictures) {
      const sources = byParticipant.get(picture.want.participant)?.sources ?? [];
      const camera = sources.find(({ kind }) => kind === 'camera');
      if (!camera) continue;
      if (picture.source !== camera.source) {
        picture.source = camera.source;
        picture.wishedAt = this.#now();
        this.person.conference.setWish(camera.source, picture.want.height);
      }
      for (const { media } of camera.renditions) {
        if (picture.firsts.has(media)) continue;
        const first = new FirstPicture(picture.want.width);
        picture.firsts.set(media, first);
        media.onRtp = (header, payload) => first.hear(header, payload, this.#now());
      }
    }
  }

  #readPicture(picture: Picture, figures: Quality | undefined): StreamReading {
    const { want, wishedAt } = picture;
    const at = firstAt(picture);
    const counters = figures?.counters;
    return {
      kind: 'camera',
      layer: want.layer,
      packets: counters?.packets ?? 0,
      lost: counters?.packetsLost ?? 0,
      frames: counters?.framesDecoded ?? 0,
      isRightSize: counters?.width === want.width,
      ...(at !== undefined && wishedAt !== undefined && { firstPictureMs: at - wishedAt }),
    };
  }
}

/** When the first whole picture of the right size was there, of whatever rendition. */
function firstAt({ firsts }: Picture): number | undefined {
  const moments = [...firsts.values()].flatMap(({ at }) => at ?? []);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

function readVoice({ counters }: Quality): StreamReading {
  const { packets, packetsLost: lost } = counters;
  return { kind: 'microphone', layer: 0, packets, lost, frames: 0, isRightSize: true };
}
