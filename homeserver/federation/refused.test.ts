/** What the people of a domain see that another one has parted with: it hears nothing of it, but of what it asks. */
import { expect, test } from 'vitest';
import type { Organisation as Told } from '#signalling/client-home.ts';
import { type Organisation, organise, PASSWORD } from '../testing/organisation.ts';
import { Person } from '../testing/person.ts';
import { until } from '../testing/world.ts';
import { WORLD } from '../world.ts';

test('who is not let in any more is told so, keeps what is shared, and hears how it ended when he is let in again', {
  timeout: 40_000,
}, async () => {
  await using world = await organise('alpha.example', 'beta.example');
  const [alpha, beta] = world.organisations as [Organisation, Organisation];
  const alice = await alpha.person('alice');
  await beta.person('bob');
  await beta.stop();
  let later = 0;
  await beta.start({ world: { ...WORLD, now: () => Date.now() + later } });
  const bob = await Person.signIn(beta.url, 'bob', PASSWORD);
  const told = (): Told | undefined =>
    bob.events.flatMap((event) => (event.type === 'organisation' ? [event.organisation] : [])).at(-1);
  const { conversation } = await alice.create('Ropes', bob.id);
  await until(async () => (await bob.conversations()).length === 1, 'bob has it');

  await alpha.allow({ organisation: beta, state: 'blocked' });
  await until(async () => (await alice.conversation(conversation)).members.length === 1, 'parted');
  const ask = () => expect(bob.find('@alice@alpha.example')).rejects.toMatchObject({ code: 'FED_REFUSED' });
  await ask();
  expect(await until(() => told()?.unreachableSince, 'bob is told of it')).toBeGreaterThan(0);
  expect(told()?.refuses).toBeUndefined();
  later = 10_000;
  await ask();
  await until(() => told()?.refuses, 'that it goes on');
  // It may be a mistake over there: nothing is taken away for it.
  expect((await bob.conversation(conversation)).members).toHaveLength(2);

  await alpha.allow(beta);
  await until(async () => (await bob.conversations()).length === 0, 'he learns that he is out', 15_000);
  await until(() => bob.find('@alice@alpha.example').catch(() => undefined), 'let in again');
  await until(() => told()?.unreachableSince === undefined, 'that is said too');
  expect(told()).toEqual({ domain: 'alpha.example' });
  bob.close();
});
