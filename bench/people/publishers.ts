/** A process full of publishers. */
import type { ConversationId, ParticipantId, UserId } from '#signalling/ids.ts';
import { answerCalls } from '../helper.ts';
import { type Clips, loadClips } from '../media/clips.ts';
import { steadyClock } from '../media/pacer.ts';
import { inTurns } from './crowd.ts';
import { type Credentials, Person } from './person.ts';
import { Publisher } from './publisher.ts';

export interface CallOrder {
  readonly caller: Credentials;
  readonly title: string;
  /** Everybody but the caller. */
  readonly members: readonly UserId[];
}

export interface PublishersReading {
  readonly skipped: number;
}

/** ms between two looks at what is due: a quarter of the time between two packets of the largest layer is enough. */
const TICK_MS = 3;
const AT_ONCE = 4;

const publishers: Publisher[] = [];
const people: Person[] = [];
let clips: Promise<Clips> | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

async function begin(person: Person): Promise<void> {
  clips ??= loadClips();
  publishers.push(await Publisher.start(person, await clips));
  timer ??= startSending();
}

function startSending(): ReturnType<typeof setInterval> {
  let clock = performance.now();
  return setInterval(() => {
    clock = steadyClock(clock, performance.now());
    for (const publisher of publishers) publisher.send(clock);
  }, TICK_MS);
}

const methods = {
  /** Makes a conversation, calls everybody in it, and publishes. */
  call: async ({ caller, title, members }: CallOrder): Promise<{ conversation: ConversationId; me: ParticipantId }> => {
    const person = await Person.signIn(caller);
    people.push(person);
    const { conversation } = await person.home.createConversation(title, members);
    const me = await person.joinBy(await person.home.startCall(conversation));
    await begin(person);
    return { conversation, me };
  },
  /** Joins a call with several people and publishes. @returns their names in the call, in their order */
  join: (order: { readonly conversation: ConversationId; readonly people: readonly Credentials[] }) =>
    inTurns(order.people, AT_ONCE, async (credentials): Promise<ParticipantId> => {
      const person = await Person.signIn(credentials);
      people.push(person);
      const me = await person.join(order.conversation);
      await begin(person);
      return me;
    }),
  read: (): PublishersReading => ({ skipped: publishers.reduce((sum, { skipped }) => sum + skipped, 0) }),
} as const;

export type PublishersMethods = typeof methods;

answerCalls(methods, () => {
  clearInterval(timer);
  for (const publisher of publishers) publisher.close();
  for (const person of people) person.close();
});
