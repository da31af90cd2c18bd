/** For tests: people who join a test SFT as real WebRTC clients, send the benchmark's clips, and look at others. */
import { Camera, type MediaPacket } from '#bench/media/camera.ts';
import { loadClips } from '#bench/media/clips.ts';
import { Microphone } from '#bench/media/microphone.ts';
import { Pacer } from '#bench/media/pacer.ts';
import { SpeakingMicrophone } from '#bench/media/speaking-microphone.ts';
import { loadSpeech } from '#bench/media/speech.ts';
import { Conference } from '#client/conference/conference.ts';
import type { ReceiverCounters } from '#client/media/engine.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from '#client/media/node/engine.ts';
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConferenceId, ParticipantId, UserId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { until } from '#signalling/testing.ts';
import { newParticipantId, type TestSft } from './testing.ts';

const FRAME_MS = 1_000 / 30;
const SOUND_MS = 20;

export class TestPerson {
  readonly participant: ParticipantId;
  readonly conference: Conference<NodeSource, NodeStream, NodePublication>;
  /** What others said to everybody, as it came. */
  readonly heard: { readonly participant: ParticipantId; readonly payload: string }[] = [];
  /** Pictures that its camera has sent; those of a time in which this process stood still are left out. */
  filmed = 0;
  readonly #engine: NodeEngine;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  private constructor(participant: ParticipantId, engine: NodeEngine) {
    this.participant = participant;
    this.#engine = engine;
    this.conference = new Conference({
      engine: this.#engine,
      assumedPixels: 'none',
      onSignalled: (from, payload) => this.heard.push({ participant: from, payload }),
    });
  }

  /** Joins a conference of `anchor` on the person's own SFT. */
  static async join(
    sft: TestSft,
    conference: ConferenceId,
    anchor = sft,
    engine = new NodeEngine(),
  ): Promise<TestPerson> {
    const participant = newParticipantId();
    const call = {
      conference,
      anchor: anchor.domain,
      startedBy: 'mimi://alpha.example/u/a' as UserId,
      startedAt: 0,
      members: [],
    };
    const ticket = await sft.ticket({ conference, participant, anchor: anchor.domain });
    return TestPerson.enter({ ticket, sft: sft.signallingUrl, participant, call }, engine);
  }

  /** Joins with what a homeserver gave. */
  static async enter(admission: CallTicket, engine = new NodeEngine()): Promise<TestPerson> {
    const person = new TestPerson(admission.participant, engine);
    await person.conference.join(admission);
    return person;
  }

  /**
   * Begins to send a camera with three layers.
   * @param sends asked before each frame which of them are left out
   * @param onAsked told of each request for a key frame, which is the layer's next one
   */
  async film(
    sends: (layer: number) => boolean = () => true,
    onAsked: (layer: number) => void = () => undefined,
  ): Promise<NodePublication> {
    const { camera: clips } = await loadClips();
    const camera = new Camera(clips, Math.random);
    const next = () => {
      this.filmed += 1;
      return camera.next().filter(({ layer }) => sends(layer));
    };
    return this.#send('camera', FRAME_MS, next, sourceOf(camera, onAsked));
  }

  /** Begins to send a screen: one encoding, the pictures of the camera's middle layer. */
  async share(): Promise<NodePublication> {
    const { camera: clips } = await loadClips();
    const screen = new Camera(clips.slice(1, 2), Math.random);
    return this.#send('screen', FRAME_MS, () => screen.next(), sourceOf(screen));
  }

  async speak(): Promise<NodePublication> {
    const { microphone } = await loadClips();
    const voice = new Microphone(microphone, Math.random);
    return this.#send('microphone', SOUND_MS, () => voice.next(true));
  }

  /** Begins to send a microphone that is silent. @returns makes it speak for a time, ms */
  async talk(): Promise<(ms: number) => void> {
    const { clips, comfort } = await loadSpeech();
    const microphone = new SpeakingMicrophone(comfort, Math.random);
    await this.#send('microphone', SOUND_MS, () => microphone.next());
    const [clip] = clips;
    return (ms) => clip && microphone.speak(clip, ms / SOUND_MS);
  }

  /** Who speaks, as the own SFT says. */
  get speaker(): ParticipantId | undefined {
    const { state } = this.conference;
    return state.phase === 'joined' ? state.speaker : undefined;
  }

  /** The participants other than this one, as its SFT lists them. */
  get others() {
    const { state } = this.conference;
    return state.phase === 'joined' ? state.participants : [];
  }

  source(of: TestPerson, kind: SourceKind) {
    const participant = this.others.find((each) => each.participant === of.participant);
    return participant?.sources.find((each) => each.kind === kind);
  }

  /** Asks for somebody's camera at a height in pixels: 180, 360 and 720 are the layers; or for the screen. */
  async watch(of: TestPerson, pixels: number | 'none', kind: 'camera' | 'screen' = 'camera'): Promise<void> {
    await until(() => this.source(of, kind) !== undefined, `the ${kind} in the roster`);
    const wanted = this.source(of, kind);
    if (wanted) this.conference.setWish(wanted.source, pixels);
  }

  /** Counters of what arrives of somebody. */
  async received(of: TestPerson, kind: SourceKind) {
    const all = await this.conference.counters();
    return all.find((each) => each.participant === of.participant && each.kind === kind)?.counters;
  }

  /** Resolves when pictures of that height arrive. */
  async sees(of: TestPerson, height: number, kind: 'camera' | 'screen' = 'camera'): Promise<void> {
    let came: ReceiverCounters | undefined;
    const comes = async () => {
      came = await this.received(of, kind);
      return came?.height === height;
    };
    const what = () => `a picture of ${height} lines (${this.conference.state.phase}, ${JSON.stringify(came)})`;
    await until(comes, what, 15_000);
  }

  async hears(of: TestPerson): Promise<void> {
    await until(async () => ((await this.received(of, 'microphone'))?.packets ?? 0) > 10, 'a voice', 10_000);
  }

  leave(): Promise<void> {
    this.#stop();
    return this.conference.leave();
  }

  /** Goes without a word. */
  [Symbol.dispose](): void {
    this.#stop();
    this.conference.close();
  }

  async #send(
    kind: SourceKind,
    everyMs: number,
    next: () => readonly MediaPacket[],
    source: NodeSource = {},
  ): Promise<NodePublication> {
    const publication = await this.conference.publish(kind, source);
    if (!publication) throw new Error(`the ${kind} was not taken`);
    const pacer = new Pacer(everyMs, performance.now(), next);
    this.#timers.push(
      setInterval(() => {
        for (const packet of pacer.due(performance.now())) publication.sendRtp(packet);
      }, 5),
    );
    return publication;
  }

  #stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }
}

/** What comes back to a camera from those who watch it. */
function sourceOf(camera: Camera, onAsked: (layer: number) => void = () => undefined): NodeSource {
  return {
    onKeyFrameRequest: (layer) => {
      onAsked(layer);
      camera.requestKeyFrame(layer);
    },
    onLayers: (layers) => camera.setLayers(layers),
  };
}
