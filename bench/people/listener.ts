/** A person who hears everybody: when which packet of whom arrived. */
import type { NodeStream } from '#client/media/node/engine.ts';
import type { SourceId } from '#signalling/ids.ts';
import type { Person } from './person.ts';

export class Listener {
  /** ms of `performance.now`, by source and RTP timestamp, which nothing on the way changes. */
  readonly #heard = new Map<SourceId, Map<number, number>>();
  readonly #known = new Set<NodeStream>();
  readonly #person: Person;
  readonly #stop: () => void;

  constructor(person: Person) {
    this.#person = person;
    this.#stop = person.conference.store.subscribe(() => this.#follow());
    this.#follow();
  }

  /** Microphones that can be heard. */
  get sources(): readonly SourceId[] {
    return [...this.#heard.keys()];
  }

  /** When the packet arrived, ms; undefined where it did not. */
  heardAt(source: SourceId, timestamp: number): number | undefined {
    return this.#heard.get(source)?.get(timestamp);
  }

  forget(): void {
    for (const packets of this.#heard.values()) packets.clear();
  }

  close(): void {
    this.#stop();
  }

  #follow(): void {
    const { state } = this.#person.conference;
    if (state.phase !== 'joined') return;
    for (const { kind, source, renditions } of state.participants.flatMap(({ sources }) => sources)) {
      if (kind !== 'microphone') continue;
      for (const { media } of renditions) {
        if (this.#known.has(media)) continue;
        this.#known.add(media);
        const packets = this.#heard.get(source) ?? new Map<number, number>();
        this.#heard.set(source, packets);
        media.onRtp = ({ timestamp }) => packets.set(timestamp, performance.now());
      }
    }
  }
}
