/** A call with whole servers, in which some people of both organisations film and speak, encrypted as people are. */
import { freePlaces } from '#cli/demo/places.ts';
import { startTrial, type Trial } from '#cli/demo/trial.ts';
import { type ConversationId, userIdOf } from '#signalling/ids.ts';
import type { Errand, Guard } from '../guarded.ts';
import { loadClips } from '../media/clips.ts';
import { steadyClock } from '../media/pacer.ts';
import { loadSpeech } from '../media/speech.ts';
import { Speaker } from '../people/speaker.ts';

const TICK_MS = 3;
/** A person may have eight; one is left for whoever looks. */
const DEVICES_OF_ONE = 6;

export interface Filming {
  readonly trial: Trial;
  readonly speakers: readonly Speaker[];
}

export async function filming(count: number, { undo, onDied }: Guard, say: Errand['say']): Promise<Filming> {
  const trial = await startTrial({ places: await freePlaces('alpha', 'beta'), say, onDied });
  undo.defer(() => trial.stop());
  const conversation = trial.conversation as ConversationId;
  const [clips, { comfort }] = await Promise.all([loadClips(), loadSpeech()]);
  const speakers: Speaker[] = [];
  let clock = performance.now();
  const timer = setInterval(() => {
    clock = steadyClock(clock, performance.now());
    for (const speaker of speakers) speaker.send(clock);
  }, TICK_MS);
  undo.defer(() => clearInterval(timer));
  say(`${count} people film`);
  for (let at = 0; at < count; at++) {
    const organisation = at % 2 === 0 ? trial.alpha : trial.beta;
    const number = Math.floor(at / 2 / DEVICES_OF_ONE);
    const [first] = speakers;
    let person = at % 2 === 0 ? trial.alice : trial.bob;
    if (number > 0 && first) {
      const handle = `guest${number}`;
      person = { ...person, handle, password: PASSWORD };
      if (Math.floor(at / 2) % DEVICES_OF_ONE === 0) {
        await organisation.createAccount(handle, `Guest ${number}`, PASSWORD);
        await first.messenger.home.addMember(conversation, userIdOf(organisation.domain, handle));
      }
    }
    const home = `http://127.0.0.1:${organisation.places.home}`;
    const speaker = await Speaker.join({ ...person, home }, conversation, clips, comfort);
    undo.defer(() => speaker.close());
    speakers.push(speaker);
  }
  return { trial, speakers };
}

/** Of accounts that are gone with the benchmark. */
const PASSWORD = 'three anchors and a rope';
