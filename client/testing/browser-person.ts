/** For tests: somebody in a conference on the browser's engine, as a page of its own that a test drives by `window.person`. */
import type { CallTicket } from '#signalling/client-home.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { Conference } from '../conference/conference.ts';
import type { Shown } from '../conference/wishes.ts';
import { BrowserEngine } from '../media/browser/engine.ts';
import type { PictureCodec } from '../media/browser/picture-codec.ts';

export class BrowserPerson {
  readonly #engine = new BrowserEngine();
  readonly #conference = new Conference({ engine: this.#engine, assumedPixels: 'none' });

  join(ticket: CallTicket): Promise<void> {
    return this.#conference.join(ticket);
  }

  /** Ten pictures a second: three layers of VP9 cost a small machine much. @returns how the source stands */
  async film(codec: PictureCodec): Promise<string> {
    this.#engine.cameraCodec = codec;
    const video = { width: 1280, height: 720, frameRate: { ideal: 10, max: 10 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    const track = stream.getVideoTracks()[0];
    if (!track) throw new Error('no camera');
    await this.#conference.publish('camera', track);
    return this.#conference.state.local.camera.phase;
  }

  /** The codecs of the cameras of the others. */
  get cameras(): readonly string[] {
    return this.#sources.map(({ codec }) => codec);
  }

  /** How tall the cameras of the others are shown. */
  look(shown: Shown): void {
    for (const { source } of this.#sources) this.#conference.setWish(source, shown);
  }

  /** How tall the camera of somebody is shown. */
  lookAt(participant: ParticipantId, shown: Shown): void {
    for (const { source } of this.#sourcesOf(participant)) this.#conference.setWish(source, shown);
  }

  /** The layers of somebody's camera that the SFT says it delivers, ascending. */
  layersOf(participant: ParticipantId): readonly number[] {
    const renditions = this.#sourcesOf(participant).flatMap((source) => source.renditions);
    return renditions.flatMap(({ layer }) => layer ?? []).sort();
  }

  /** Of the camera that arrives. */
  async seen(): Promise<{ readonly height: number; readonly frames: number; readonly freezes: number }> {
    const counters = (await this.#conference.counters()).find(({ kind }) => kind === 'camera')?.counters;
    const { height = 0, framesDecoded: frames = 0, freezes = 0 } = counters ?? {};
    return { height, frames, freezes };
  }

  get #people() {
    const { state } = this.#conference;
    return state.phase === 'joined' ? state.participants : [];
  }

  get #sources() {
    return this.#people.flatMap(({ sources }) => sources).filter(({ kind }) => kind === 'camera');
  }

  #sourcesOf(participant: ParticipantId) {
    const one = this.#people.find((each) => each.participant === participant);
    return (one?.sources ?? []).filter(({ kind }) => kind === 'camera');
  }
}

declare global {
  interface Window {
    person: BrowserPerson;
  }
}
window.person = new BrowserPerson();
