import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const LIMITS = { loud: 1, warm: 1 };
const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers', voices: LIMITS });
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

function federated() {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  return conference;
}

/** Packets of each microphone that an SFT has sent on its trunks to a peer. */
async function sent(from: TestSft, to: TestSft): Promise<Map<string, number>> {
  const trunks = (await from.state()).links.filter(({ peer }) => peer === to.domain).flatMap((link) => link.trunks);
  const voices = trunks.flatMap(({ streams }) => streams.filter((each) => each.direction === 'out'));
  return new Map(voices.filter(({ kind }) => kind === 'microphone').map(({ source, packets }) => [source, packets]));
}

/** The voices that an SFT lets cross, of one conference. */
async function crossing(sft: TestSft): Promise<readonly string[]> {
  return (await sft.state()).conferences.flatMap(({ voices }) => voices ?? []);
}

const packets = async (listener: TestPerson, of: TestPerson) =>
  (await listener.received(of, 'microphone'))?.packets ?? 0;

it('lets no more voices cross than may, and whoever speaks up is heard and is the speaker everywhere', async () => {
  const conference = federated();
  const people: TestPerson[] = [];
  using leaving = new DisposableStack();
  const join = async (sft: TestSft) => {
    const person = await TestPerson.join(sft, conference, alpha);
    people.push(leaving.use(person));
    return person;
  };
  const speakers = await Promise.all([join(alpha), join(alpha), join(alpha), join(alpha)]);
  const bob = await join(beta);
  const carol = await join(gamma);
  const talks = await Promise.all(speakers.map((person) => person.talk()));
  const far = await carol.talk();
  const sourceOf = (index: number) => bob.source(speakers[index] as TestPerson, 'microphone')?.source ?? '';
  await until(() => speakers.every((person) => bob.source(person, 'microphone')), 'all microphones in the roster');
  await until(
    async () => (await crossing(alpha)).length === 1 && (await sent(alpha, beta)).size === 5,
    'a silent choice',
  );

  // The last in line is not warm: it is heard because it speaks.
  const silent = await crossing(alpha);
  const outsiders = speakers.filter((_person, index) => !silent.includes(sourceOf(index)));
  expect(outsiders.length).toBeGreaterThanOrEqual(3);
  for (const outsider of outsiders) {
    const talk = talks[speakers.indexOf(outsider)];
    const heard = await packets(bob, outsider);
    talk?.(30_000);
    await until(async () => (await packets(bob, outsider)) > heard + 20, 'the voice at beta');
    await until(async () => (await packets(carol, outsider)) > 20, 'the voice at gamma');
    for (const sft of [alpha, beta, gamma]) expect((await crossing(sft)).length).toBeLessThanOrEqual(2);
    await Promise.all(
      people.map((person) => until(() => person.speaker === outsider.participant, 'the speaker', 10_000)),
    );
    await until(async () => (await crossing(alpha)).includes(sourceOf(speakers.indexOf(outsider))), 'a warm voice');
    talk?.(0);
  }

  // Somebody behind the anchor, whom beta knows by his level before a packet comes.
  const before = await packets(bob, carol);
  far(30_000);
  await until(async () => (await packets(bob, carol)) > before + 20, 'the voice of a third organisation');
  await Promise.all(people.map((person) => until(() => person.speaker === carol.participant, 'the speaker', 10_000)));
  const sides = (await alpha.state()).conferences.flatMap((each) => each.sides);
  expect(sides.every(({ demand }) => Object.keys(demand).length >= 4)).toBe(true);
}, 60_000);

it('keeps a raised hand warm, on whatever side it is, and tells everybody of it', async () => {
  const conference = federated();
  using anna = await TestPerson.join(alpha, conference);
  using ben = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  await Promise.all([anna, ben, carol].map((person) => person.talk()));
  for (const person of [anna, ben, carol]) {
    person.conference.raiseHand(true);
    await until(() => bob.others.find((each) => each.participant === person.participant)?.hand === true, 'the hand');
    const source = bob.source(person, 'microphone')?.source ?? '';
    for (const sft of [alpha, beta, gamma]) {
      await until(async () => (await crossing(sft)).includes(source), 'the hand among those that may cross');
    }
    person.conference.raiseHand(false);
    await until(() => bob.others.every(({ hand }) => !hand), 'no hand');
  }
}, 30_000);
