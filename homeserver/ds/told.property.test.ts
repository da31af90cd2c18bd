/** Whatever people do: what the hub holds on disk is what it decided, and other domains take all of it. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { Operation } from '#signalling/federation.ts';
import { type ConferenceId, domainOf, type ParticipantId, type UserId } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, testWorld, user } from '../testing/world.ts';
import { toldTo } from './conversation.ts';
import { accept } from './follower.ts';
import { Hub } from './hub.ts';
import { Journal } from './journal.ts';
import { load } from './repository.ts';

const [alpha, beta, gamma] = [domain('alpha.example'), domain('beta.example'), domain('gamma.example')];
const people = ['anna@alpha', 'abel@alpha', 'bob@beta', 'berta@beta', 'carol@gamma', 'cleo@gamma'].map((name) =>
  user(`@${name}.example`),
);
const [creator = user('@nobody@alpha.example')] = people;
const person = fc.constantFrom(...people);
const conference = fc.constantFrom(...['c', 'd'].map((letter) => letter.repeat(22) as ConferenceId));
const membership = fc.constantFrom('addMember' as const, 'removeMember' as const);
const roles = fc.constantFrom('admin' as const, 'member' as const);

const acts: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ type: membership, actor: person, user: person }),
  // Most of what the others try is refused.
  fc.record({ type: membership, actor: fc.constant(creator), user: person }),
  fc.record({ type: fc.constant('leave' as const), actor: person }),
  fc.record({ type: fc.constant('changeRole' as const), actor: person, user: person, role: roles }),
  fc.record({ type: fc.constant('changeTitle' as const), actor: person, title: fc.constantFrom('One', 'Two') }),
  fc.record({ type: fc.constantFrom('startCall' as const, 'endCall' as const), actor: person, conference }),
);
/** What a domain says of its own people; its numbers are given when it does. */
const presences = fc.record({ conference, of: fc.uniqueArray(person, { minLength: 1, maxLength: 3 }) });

let stores: Store[];
let play: (steps: readonly Step[]) => Promise<void>;

beforeAll(async () => {
  stores = await Promise.all([alpha, beta, gamma].map(() => openTestStore()));
  play = player(stores);
});
afterAll(async () => {
  for (const each of stores) await each.close();
});

test('is held, and is taken by the others', { timeout: 60_000 }, async () => {
  const step = fc.oneof({ weight: 3, arbitrary: acts }, { weight: 1, arbitrary: presences });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => play(steps)),
    // Each is some two hundred transactions.
    { numRuns: inject('postgres') ? 5 : 25 },
  );
});

interface Said {
  readonly conference: ConferenceId;
  readonly of: readonly UserId[];
}
type Step = Operation | Said;

/** Each time in a conversation and with calls of their own, in the same databases. */
function player([own, ...others]: readonly Store[]): (steps: readonly Step[]) => Promise<void> {
  if (!own) throw new Error('no store');
  const world = testWorld();
  const journal = new Journal(own, alpha, world);
  const followers = others.map((store, index) => {
    const name = index === 0 ? beta : gamma;
    return { name, store, journal: new Journal(store, name, world) };
  });
  const hub = new Hub({
    ...{ db: own.db, domain: alpha, journal, world },
    mayReach: async () => true,
    localPerson: async (who) => ({ user: who, name: 'somebody' }),
    others: {
      identify: async (of, handle) => ({ user: user(`@${handle}@${of}`), name: handle }),
      refusedBy: async () => [],
    },
  });
  let count = 0;
  return async (steps) => {
    count += 1;
    const { conversation } = await hub.create(creator, 'Ropes', people.slice(1, 4));
    for (const [index, step] of steps.entries()) {
      const operation = operationOf(step, index + 1, count);
      const from = domainOf(byOf(step));
      const decided = await hub.update(from, conversation, operation).catch((error: unknown) => {
        if (!(error instanceof HawserError)) throw error;
      });
      if (!decided) continue;
      expect(await load(own.db, conversation)).toEqual(decided);
      for (const follower of followers) {
        const told = toldTo(follower.name, decided);
        const known = await load(follower.store.db, conversation);
        if (!known && told.members.length === 0) continue;
        await accept(follower.journal, follower.name, alpha, told, () => expect.fail('it says something else'));
        expect(await load(follower.store.db, conversation)).toEqual(told);
      }
    }
  };
}

function byOf(step: Step): UserId {
  if ('of' in step) return step.of[0] ?? creator;
  return step.type === 'presence' ? creator : step.actor;
}

/** @param count by which the calls of one time are told from those of another */
function operationOf(step: Step, seq: number, count: number): Operation {
  const operation = 'of' in step ? presenceOf(step, seq) : step;
  if (!('conference' in operation)) return operation;
  return {
    ...operation,
    conference: `${operation.conference.slice(0, 18)}${`${count}`.padStart(4, '0')}` as ConferenceId,
  };
}

function presenceOf({ conference: of, of: who }: Said, seq: number): Operation {
  const [first = creator] = who;
  const there = who.filter((each) => domainOf(each) === domainOf(first));
  const participants = there.map((each) => ({
    participant: Buffer.from(each).toString('hex').slice(-24, -2).padEnd(22, 'x') as ParticipantId,
    user: each,
  }));
  return { type: 'presence', conference: of, seq, participants };
}
