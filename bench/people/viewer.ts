/** A person who looks at some sources, at others when the scenario says so, and hears everybody. */
import type { NodeStream } from '#client/media/node/engine.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { isSpeech } from '../media/microphone.ts';
import { FirstPicture } from './first-picture.ts';
import type { Person } from './person.ts';
import type { Looking, PictureWant } from './seat.ts';

/** Counters of one rendition that arrives, since the join. */
export interface StreamReading {
  readonly consumer: string;
  /** Name in the scenario. */
  readonly who: string;
  readonly kind: SourceKind;
  readonly packets: number;
  readonly lost: number;
  /** Pictures that arrived; 0 for sound. */
  readonly frames: number;
  /** Of the newest key frame. */
  readonly width?: number;
  /** Packets of sound that were not comfort noise. */
  readonly spoken: number;
}

/** How long something that was wanted anew was waited for. */
export interface First {
  readonly kind: SourceKind;
  readonly layer: number;
  /** From the wish, or from the first word, to the first whole picture of the right size, or the first sound. */
  readonly ms: number;
}

export interface ViewerReading {
  /** Name in the scenario. */
  readonly name: string;
  /** ms of `monotonicMs`. */
  readonly at: number;
  /** SRTP and SRTCP, as UDP payload. */
  readonly bytes: number;
  readonly packets: number;
  readonly streams: readonly StreamReading[];
  readonly firsts: readonly First[];
  /** ms from the ticket in hand to the SFT's welcome; undefined where it was never joined. */
  readonly joinMs?: number;
}

export interface ViewerOptions {
  readonly name: string;
  readonly person: Person;
  readonly looks: readonly Looking[];
  /** Who is who in the call. */
  readonly names: ReadonlyMap<ParticipantId, string>;
  /** ms of `monotonicMs`. */
  readonly now: () => number;
}

/** A picture that is wanted. */
interface Picture {
  readonly want: PictureWant;
  /** By the consumer of each rendition that may bring it, while none has. */
  readonly arriving: Map<string, FirstPicture>;
  source?: SourceId;
  wishedAt?: number;
  isThere: boolean;
}

/** One rendition that arrives. */
interface Stream {
  readonly who: string;
  readonly kind: SourceKind;
  /** Packets of sound that were not comfort noise. */
  spoken: number;
}

/** Somebody who speaks. */
interface Voice {
  /** ms of `monotonicMs`; undefined where it went on before anybody listened. */
  readonly since: number | undefined;
  isThere: boolean;
}

export class Viewer {
  readonly person: Person;
  readonly #options: ViewerOptions;
  readonly #pictures = new Map<string, Picture>();
  readonly #voices = new Map<string, Voice>();
  /** Every rendition that ever came, by its consumer. */
  readonly #streams = new Map<string, Stream>();
  readonly #firsts: First[] = [];
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #stop: () => void;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.person = options.person;
    const [first] = options.looks;
    if (first) this.#look(first, undefined);
    this.#stop = this.person.conference.store.subscribe(() => this.#follow());
    this.#follow();
  }

  /** The window opens. @param at ms of `monotonicMs` */
  begin(at: number): void {
    for (const looking of this.#options.looks.slice(1)) {
      const moment = at + looking.from * 1_000;
      const look = () => {
        this.#look(looking, this.#options.now());
        this.#follow();
      };
      this.#timers.push(setTimeout(look, Math.max(0, moment - this.#options.now())));
    }
  }

  /** True once every picture that is wanted is there in its size, and everybody who speaks is heard. */
  get isServed(): boolean {
    return [...this.#pictures.values(), ...this.#voices.values()].every(({ isThere }) => isThere);
  }

  async read(): Promise<ViewerReading> {
    const { conference, engine } = this.person;
    const counters = await engine.receiverCounters();
    const { received } = engine.traffic;
    const { joined } = conference.timings.report.steps;
    return {
      name: this.#options.name,
      at: this.#options.now(),
      bytes: received.bytes,
      packets: received.packets,
      streams: counters.flatMap(({ consumer, packets, packetsLost: lost, framesDecoded: frames = 0, width }) => {
        const stream = this.#streams.get(consumer);
        return stream ? [{ consumer, ...stream, packets, lost, frames, ...(width !== undefined && { width }) }] : [];
      }),
      firsts: this.#firsts,
      ...(joined !== undefined && { joinMs: joined }),
    };
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#stop();
    this.person.close();
  }

  /** From now on this is wanted and nothing else. */
  #look({ pictures, voices }: Looking, now: number | undefined): void {
    const wanted = new Map(pictures.map((want) => [keyOf(want.who, want.kind), want]));
    for (const [key, { source }] of this.#pictures) {
      if (wanted.has(key)) continue;
      this.#pictures.delete(key);
      if (source) this.person.conference.setWish(source, 'none');
    }
    for (const [key, want] of wanted) {
      if (this.#pictures.get(key)?.want.layer === want.layer) continue;
      this.#pictures.set(key, { want, arriving: new Map(), isThere: false });
    }
    for (const who of this.#voices.keys()) if (!voices.includes(who)) this.#voices.delete(who);
    for (const who of voices) if (!this.#voices.has(who)) this.#voices.set(who, { since: now, isThere: false });
  }

  /** States the wishes as the sources appear, and listens to each stream from its first packet on. */
  #follow(): void {
    const { state } = this.person.conference;
    if (state.phase !== 'joined') return;
    for (const { participant, sources } of state.participants) {
      const who = this.#options.names.get(participant);
      if (who === undefined) continue;
      for (const { source, kind, renditions } of sources) {
        this.#wish(keyOf(who, kind), source);
        for (const { media } of renditions) if (!this.#streams.has(media.consumer)) this.#hear(media, who, kind);
      }
    }
  }

  #wish(key: string, source: SourceId): void {
    const picture = this.#pictures.get(key);
    if (!picture || picture.source === source) return;
    picture.source = source;
    picture.wishedAt = this.#options.now();
    this.person.conference.setWish(source, picture.want.height);
  }

  #hear(media: NodeStream, who: string, kind: SourceKind): void {
    const stream: Stream = { who, kind, spoken: 0 };
    this.#streams.set(media.consumer, stream);
    if (kind === 'microphone') {
      media.onRtp = (_header, payload) => {
        if (isSpeech(payload)) this.#hearVoice(stream);
      };
      return;
    }
    const key = keyOf(who, kind);
    media.onRtp = (header, payload) => {
      const picture = this.#pictures.get(key);
      if (!picture || picture.isThere) return;
      const first = picture.arriving.get(media.consumer) ?? new FirstPicture(picture.want.width);
      picture.arriving.set(media.consumer, first);
      first.hear(header, payload, this.#options.now());
      if (first.at === undefined) return;
      picture.isThere = true;
      picture.arriving.clear();
      const { wishedAt = first.at, want } = picture;
      this.#firsts.push({ kind, layer: want.layer, ms: first.at - wishedAt });
    };
  }

  #hearVoice(stream: Stream): void {
    stream.spoken += 1;
    const voice = this.#voices.get(stream.who);
    if (!voice || voice.isThere) return;
    voice.isThere = true;
    if (voice.since === undefined) return;
    this.#firsts.push({ kind: 'microphone', layer: 0, ms: this.#options.now() - voice.since });
  }
}

function keyOf(who: string, kind: SourceKind): string {
  return `${who} ${kind}`;
}
