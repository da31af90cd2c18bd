import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name);
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

/** People of three organisations in one conference of alpha. */
async function three() {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  const people = {
    alice: await TestPerson.join(alpha, conference),
    bob: await TestPerson.join(beta, conference, alpha),
    carol: await TestPerson.join(gamma, conference, alpha),
  };
  const leave = () => {
    for (const person of Object.values(people)) person[Symbol.dispose]();
  };
  return { conference, ...people, [Symbol.dispose]: leave };
}

const knows = (person: TestPerson, other: TestPerson) =>
  person.others.some(({ participant }) => participant === other.participant);

it('keeps two organisations apart that may not meet, though both are in the call with a third', async () => {
  const conference = newConferenceId();
  alpha.allowIn(conference, [beta], [gamma]);
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  await Promise.all([bob.speak(), bob.film(), carol.speak(), carol.film()]);
  await Promise.all([alice.watch(bob, 180), alice.watch(carol, 180)]);
  await Promise.all([alice.hears(bob), alice.hears(carol), alice.sees(bob, 180), alice.sees(carol, 180)]);
  for (const person of [bob, carol]) {
    expect(person.others.map(({ participant }) => participant)).toEqual([alice.participant]);
  }
  // Nothing of the one was made ready for the other, let alone sent.
  const { links } = await alpha.state();
  const sent = links.flatMap(({ trunks }) => trunks.flatMap(({ streams }) => streams));
  expect(sent.filter(({ direction }) => direction === 'out')).toEqual([]);
});

it('brings organisations together and apart again while the call runs, within two seconds', async () => {
  using call = await three();
  const { conference, alice, bob, carol } = call;
  await Promise.all([bob.speak(), carol.speak()]);
  await Promise.all([bob.hears(carol), carol.hears(bob)]);

  alpha.allowIn(conference, [beta, gamma], [gamma]);
  await until(() => !knows(bob, carol) && !knows(carol, bob), 'apart', 2_000);
  const packets = async () =>
    (await gamma.state()).links[0]?.trunks[0]?.streams.filter((each) => each.direction === 'in');
  await until(async () => (await packets())?.length === 0, 'no stream of beta at gamma');
  expect(knows(alice, bob) && knows(alice, carol)).toBe(true);

  alpha.allowIn(conference, [beta, gamma], [gamma, beta]);
  await until(() => knows(bob, carol) && knows(carol, bob), 'together', 2_000);
  await Promise.all([bob.hears(carol), carol.hears(bob)]);
});

it('ends the call for an organisation that may no longer be in it, says why, and goes on for the others', async () => {
  using call = await three();
  const { conference, alice, bob, carol } = call;
  await carol.speak();
  await Promise.all([alice.hears(carol), bob.hears(carol)]);
  alpha.allowIn(conference, [gamma]);
  await until(() => bob.conference.state.phase === 'left', 'the end for bob', 2_000);
  expect(bob.conference.state).toMatchObject({ reason: { code: 'SFT_LINK_GRANT_ENDED' } });
  await until(() => !knows(alice, bob) && !knows(carol, bob), 'bob gone');
  await beta.idle();
  const before = (await alice.received(carol, 'microphone'))?.packets ?? 0;
  await until(async () => ((await alice.received(carol, 'microphone'))?.packets ?? 0) > before + 10, 'carol goes on');

  // His grant is still alive, and opens nothing any more.
  using again = await TestPerson.join(beta, conference, alpha);
  await until(() => beta.log.includes('SFT_LINK_GRANT_REFUSED'), 'the refusal');
  expect(again.others).toEqual([]);
  alpha.allowIn(conference, [gamma, beta], [beta, gamma]);
  await until(() => knows(again, carol) && knows(carol, again), 'beta in again', 10_000);
});

it('lets a grant count for as long as it lives where the homeserver has said nothing about the call', async () => {
  using link = await beta.dialLink(alpha);
  const hello = { versions: { min: 1, max: 1 }, domain: beta.domain, software: 'test', workers: [{ index: 0 }] };
  await link.rpc.request('hello', hello);
  const join = async () => {
    const [conference, exp] = [newConferenceId(), Date.now() / 1_000 + 5];
    const grant = await alpha.grant({ conference, domain: beta.domain, exp });
    await link.rpc.request('join', { conference, grant, worker: 0 });
    return { conference, exp };
  };
  const confirmed = await join();
  alpha.allowIn(confirmed.conference, [beta]);
  // Ends later, so that the time of the first one is over then, too.
  const { conference, exp } = await join();
  const ended = () => link.heard.filter(({ method }) => method === 'ended');
  await until(() => ended().length > 0, 'the end of the grant');
  expect(Date.now() / 1_000).toBeGreaterThanOrEqual(exp - 0.01);
  expect(ended().map(({ note }) => note)).toEqual([{ conference, code: 'SFT_LINK_GRANT_ENDED' }]);
  expect(link.rpc.isOpen).toBe(true);
  expect((await alpha.state()).conferences.map((each) => each.conference)).toContain(confirmed.conference);
});
