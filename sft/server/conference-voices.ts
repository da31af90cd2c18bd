/**
 * The voices of one conference as this SFT carries it out: measures its own people's, hears of the others over the links,
 * says which may cross to other organisations, and who is the speaker. The anchor names the speaker for everybody; a
 * federated SFT that has no word of it yet goes by its own observer.
 */
import type { types } from 'mediasoup';
import type { DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import { type Conference, levelsTold, speakerTold } from '../conference/conference.ts';
import { LevelPace } from '../conference/level-pace.ts';
import { AUDIBLE, hear, noteSpoken } from '../conference/levels.ts';
import { type Crossing, crossing, NOTHING_HELD, type VoiceLimits, voicesOf } from '../conference/voices.ts';
import { LevelMeter } from '../media/level-meter.ts';
import type { SideMedia } from '../media/side-media.ts';
import { Speakers } from '../media/speakers.ts';
import { unlessClosed } from '../media/unless-closed.ts';

export interface VoicesContext {
  readonly conference: Conference;
  readonly router: types.Router;
  /** Absent where every voice crosses. */
  readonly limits: VoiceLimits | undefined;
  /** Other voices may cross than before. */
  readonly onCrossing: () => void;
  readonly onSpeaker: (participant: ParticipantId | undefined) => void;
  readonly onFault: (error: unknown, what: string) => void;
}

/** Least time between two rankings because of what sides state, ms: a peer that floods the link costs no more. */
const HEAR_EVERY_MS = 25;

interface Far {
  readonly media: SideMedia;
  readonly pace: LevelPace;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class ConferenceVoices {
  readonly #context: VoicesContext;
  readonly #speakers: Promise<Speakers>;
  /** Of this SFT's own people. */
  readonly #microphones = new Map<SourceId, types.Producer>();
  readonly #sides = new Map<DomainName, Far>();
  /** There from the first side on: nobody else wants to know the levels. */
  #meter: Promise<LevelMeter> | undefined;
  #crossing: Crossing = { voices: new Set(), held: NOTHING_HELD, nextAt: undefined };
  #wake: ReturnType<typeof setTimeout> | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #hearing: ReturnType<typeof setTimeout> | undefined;
  /** As the own observer says. */
  #loudest: ParticipantId | undefined;
  #speaker: ParticipantId | undefined;
  #closed = false;

  constructor(context: VoicesContext) {
    this.#context = context;
    this.#speakers = Speakers.open(context.router, (participant) => this.#hearSpeaker(participant));
    this.#speakers.catch((error: unknown) => context.onFault(error, 'speakers'));
  }

  get speaker(): ParticipantId | undefined {
    return this.#speaker;
  }

  /** The microphones that may cross, likeliest to be heard first; undefined where all may. */
  get crossing(): ReadonlySet<SourceId> | undefined {
    return this.#context.limits && this.#crossing.voices;
  }

  /** A microphone of somebody here, or one that arrives from a side. */
  async add(source: SourceId, participant: ParticipantId, producer: types.Producer): Promise<void> {
    const speakers = await this.#speakers;
    if (producer.closed) return;
    const isOwn = this.#context.conference.local.has(participant);
    if (isOwn) {
      this.#microphones.set(source, producer);
      producer.observer.once('close', () => this.#microphones.delete(source));
    }
    const meter = isOwn ? await this.#meter : undefined;
    await unlessClosed(producer, async () => {
      await Promise.all([speakers.add(producer, participant), meter?.add(source, producer)]);
    });
  }

  attach(peer: DomainName, media: SideMedia): void {
    this.#sides.set(peer, { media, pace: new LevelPace(), timer: undefined });
    if (this.#meter) return;
    this.#meter = this.#measure();
    this.#meter.catch((error: unknown) => this.#closed || this.#context.onFault(error, 'levels'));
  }

  detach(peer: DomainName): void {
    clearTimeout(this.#sides.get(peer)?.timer);
    this.#sides.delete(peer);
  }

  /** A side stated levels. */
  heard(): void {
    const now = performance.now();
    const wait = this.#heardAt + HEAR_EVERY_MS - now;
    if (wait > 0) {
      this.#hearing ??= setTimeout(() => {
        this.#hearing = undefined;
        this.heard();
      }, wait);
      return;
    }
    this.#heardAt = now;
    this.changed();
  }

  /** Ranks anew what is known now, tells who is the speaker, and states to the sides what they do not know yet. */
  changed(): void {
    if (this.#closed) return;
    this.#rank();
    this.#follow();
    for (const peer of this.#sides.keys()) this.#state(peer);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#wake);
    clearTimeout(this.#hearing);
    for (const peer of [...this.#sides.keys()]) this.detach(peer);
    const ignore = () => undefined; // it never opened, which was told
    this.#speakers.then((speakers) => speakers.close()).catch(ignore);
    this.#meter?.then((meter) => meter.close()).catch(ignore);
  }

  async #measure(): Promise<LevelMeter> {
    const { conference, router, onFault } = this.#context;
    const meter = await LevelMeter.open(
      router,
      AUDIBLE,
      (levels) => {
        hear(conference.levels, levels, new Set(this.#microphones.keys()), performance.now());
        this.changed();
      },
      (error) => onFault(error, 'levels'),
    );
    for (const [source, producer] of this.#microphones) await unlessClosed(producer, () => meter.add(source, producer));
    return meter;
  }

  #hearSpeaker(participant: ParticipantId): void {
    const { local, levels } = this.#context.conference;
    const own = [...(local.get(participant)?.sources.values() ?? [])].find(({ kind }) => kind === 'microphone');
    // Into silence this observer hears somebody sooner than the meter, and packets of more than 25 ms of sound only it hears;
    // but of its own accord it names anybody as long as there is nobody to take the place from.
    if (own && this.#isHere(this.#loudest)) noteSpoken(levels, own.source, performance.now());
    this.#loudest = participant;
    this.changed();
  }

  #rank(): void {
    const { conference, limits, onCrossing } = this.#context;
    if (!limits) return;
    const now = performance.now();
    const before = this.#crossing;
    this.#crossing = crossing(voicesOf(conference), limits, before.held, now);
    clearTimeout(this.#wake);
    const { voices, nextAt } = this.#crossing;
    if (nextAt !== undefined) this.#wake = setTimeout(() => this.changed(), nextAt - now);
    if (voices.symmetricDifference(before.voices).size > 0) onCrossing();
  }

  #follow(): void {
    const { conference, onSpeaker } = this.#context;
    const anchor = conference.sides.get(conference.anchor);
    const named = anchor && anchor.seen.levels > 0 ? anchor.speaker : this.#loudest;
    const speaker = this.#isHere(named) ? named : undefined;
    if (speaker === this.#speaker) return;
    this.#speaker = speaker;
    onSpeaker(speaker);
  }

  #isHere(participant: ParticipantId | undefined): boolean {
    if (participant === undefined) return false;
    const { local, sides } = this.#context.conference;
    return local.has(participant) || [...sides.values()].some(({ participants }) => participants.has(participant));
  }

  #state(peer: DomainName): void {
    const { conference } = this.#context;
    const far = this.#sides.get(peer);
    const side = conference.sides.get(peer);
    if (!far || !side) return;
    clearTimeout(far.timer);
    const named = conference.anchor === conference.domain ? this.#speaker : undefined;
    const statement = { levels: levelsTold(conference, side), speaker: speakerTold(conference, side, named) };
    const now = performance.now();
    const wait = far.pace.waitFor(statement, now);
    if (wait === undefined) return;
    if (wait > 0) far.timer = setTimeout(() => this.#state(peer), wait);
    else if (far.media.stateLevels(statement.levels, statement.speaker)) far.pace.stated(statement, now);
  }
}
