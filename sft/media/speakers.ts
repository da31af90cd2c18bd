/** Who speaks: the active speaker among the microphones of one conference, from the level that RTP carries in clear. */
import type { types } from 'mediasoup';
import type { ParticipantId } from '#signalling/ids.ts';

/** How often the observer looks, ms; the least that it takes. */
const INTERVAL_MS = 100;

export class Speakers {
  readonly #observer: types.ActiveSpeakerObserver;
  readonly #voices = new Map<string, ParticipantId>();

  private constructor(observer: types.ActiveSpeakerObserver, onSpeaker: (participant: ParticipantId) => void) {
    this.#observer = observer;
    observer.on('dominantspeaker', ({ producer }) => {
      const participant = this.#voices.get(producer.id);
      if (participant) onSpeaker(participant);
    });
  }

  static async open(router: types.Router, onSpeaker: (participant: ParticipantId) => void): Promise<Speakers> {
    return new Speakers(await router.createActiveSpeakerObserver({ interval: INTERVAL_MS }), onSpeaker);
  }

  async add(producer: types.Producer, participant: ParticipantId): Promise<void> {
    this.#voices.set(producer.id, participant);
    producer.observer.once('close', () => this.#voices.delete(producer.id));
    await this.#observer.addProducer({ producerId: producer.id });
  }

  close(): void {
    this.#observer.close();
  }
}
