/** A process full of viewers. */
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { answerCalls } from '../helper.ts';
import { monotonicMs } from '../measure/clock.ts';
import { PICTURES } from '../media/clips.ts';
import type { Want } from '../scenario/scenario.ts';
import { inTurns } from './crowd.ts';
import { type Credentials, Person } from './person.ts';
import { type PictureWant, Viewer, type ViewerReading } from './viewer.ts';

export interface ViewersOrder {
  readonly conversation: ConversationId;
  /** By their numbers in the scenario. */
  readonly publishers: readonly ParticipantId[];
  readonly viewers: readonly { readonly credentials: Credentials; readonly wants: readonly Want[] }[];
}

const AT_ONCE = 4;

const viewers: Viewer[] = [];
const people: Person[] = [];

function wantedOf({ publisher, layer }: Want, publishers: readonly ParticipantId[]): PictureWant {
  const participant = publishers[publisher];
  const picture = PICTURES[layer];
  if (!participant || !picture) throw new Error('a viewer wants what nobody publishes');
  return { participant, layer, width: picture.width, height: picture.height };
}

const methods = {
  join: async ({ conversation, publishers, viewers: joining }: ViewersOrder): Promise<void> => {
    await inTurns(joining, AT_ONCE, async ({ credentials, wants }) => {
      const person = await Person.signIn(credentials);
      people.push(person);
      await person.join(conversation);
      const wanted = wants.map((want) => wantedOf(want, publishers));
      viewers.push(new Viewer(person, wanted, publishers.length, monotonicMs));
    });
  },
  /** How many have everything that they asked for. */
  served: async (): Promise<number> => {
    const served = await Promise.all(viewers.map((viewer) => viewer.isServed()));
    return served.filter(Boolean).length;
  },
  read: (): Promise<ViewerReading[]> => Promise.all(viewers.map((viewer) => viewer.read())),
} as const;

export type ViewersMethods = typeof methods;

answerCalls(methods, () => {
  for (const viewer of viewers) viewer.close();
  for (const person of people) person.close();
});
