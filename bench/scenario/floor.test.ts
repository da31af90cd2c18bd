import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadClips } from '../media/clips.ts';
import { loadScenario } from './file.ts';
import { floorOf, ratesOf } from './floor.ts';
import { type Phase, phasesOf } from './phases.ts';
import { directionsOf, type Person } from './scenario.ts';
import { allWants, wishing } from './testing.ts';

const clips = await loadClips();
const rates = ratesOf(clips);
const floor = (people: readonly Person[], phases: readonly Phase[]) => floorOf(people, phases, rates);

/** Sums of the same rates in another order differ in the last bits. */
function expectNotAbove(lower: Record<string, number>, higher: Record<string, number>): void {
  expect(Object.keys(lower)).toEqual(Object.keys(higher));
  for (const [direction, mbps] of Object.entries(lower)) {
    expect(mbps).toBeLessThanOrEqual((higher[direction] ?? Number.NaN) + 2e-6);
  }
}

const everything = ({ people, phases }: { people: readonly Person[]; phases: readonly Phase[] }): Phase[] => {
  const speaking = people.filter(({ publishes }) => publishes.includes('microphone')).map(({ name }) => name);
  const wants = new Map(people.map((person) => [person.name, allWants(person, people)]));
  return phases.map((phase) => ({ ...phase, speaking, wants }));
};

it('is never above everything', () => {
  fc.assert(
    fc.property(wishing, (all) => expectNotAbove(floor(all.people, all.phases), floor(all.people, everything(all)))),
  );
});

it('never falls when somebody wants or says more', () => {
  fc.assert(
    fc.property(wishing, fc.nat(), fc.nat(), ({ people, phases }, whom, what) => {
      const person = people[whom % people.length];
      if (!person) return;
      const more = allWants(person, people);
      const added = more.length === 0 ? [] : [more[what % more.length]].flatMap((each) => each ?? []);
      const speakers = person.publishes.includes('microphone') ? [person.name] : [];
      const richer = phases.map((phase) => ({
        ...phase,
        speaking: [...phase.speaking, ...speakers],
        wants: new Map(phase.wants).set(person.name, [...(phase.wants.get(person.name) ?? []), ...added]),
      }));
      expectNotAbove(floor(people, phases), floor(people, richer));
    }),
  );
});

it('does not depend on the order of people and wishes, nor on how often something is said', () => {
  fc.assert(
    fc.property(wishing, ({ people, phases }) => {
      const turned = phases.map((phase) => ({
        ...phase,
        speaking: [...phase.speaking.toReversed(), ...phase.speaking],
        wants: new Map([...phase.wants].toReversed().map(([who, each]) => [who, [...each.toReversed(), ...each]])),
      }));
      const one = floor(people, phases);
      const other = floor(people.toReversed(), turned);
      expectNotAbove(one, other);
      expectNotAbove(other, one);
    }),
  );
});

it('is nothing where nobody wants anything and nobody speaks', () => {
  fc.assert(
    fc.property(wishing, ({ people, phases }) => {
      const silent = phases.map((phase) => ({ ...phase, speaking: [], wants: new Map() }));
      expect(floor(people, silent)).toEqual(Object.fromEntries(directionsOf(people).map(({ name }) => [name, 0])));
    }),
  );
});

it('counts one copy of each layer over each border, also of what passes the anchor on its way', () => {
  const person = (name: string, at: Person['at'], publishes: Person['publishes'] = []): Person => ({
    name,
    at,
    publishes,
  });
  const people = [
    person('alpha-1', 'alpha'),
    person('beta-1', 'beta', ['camera', 'microphone']),
    person('gamma-1', 'gamma'),
  ];
  const [low = 0, , high = 0] = rates.camera.map((rate) => rate / 1e6);
  const camera = (layer: number) => [{ who: 'beta-1', kind: 'camera' as const, layer }];
  const seen = (wants: Phase['wants'], speaking: string[] = []) =>
    floor(people, [{ from: 0, to: 10, speaking, wants }]);
  const one = (mbps: number) => expect.closeTo(mbps, 5);
  // Alpha wants it small and gamma large: both cross from beta, and only gamma's goes on.
  expect(
    seen(
      new Map([
        ['alpha-1', camera(0)],
        ['gamma-1', camera(2)],
      ]),
    ),
  ).toEqual({
    'alpha>beta': 0,
    'beta>alpha': one(low + high),
    'alpha>gamma': one(high),
    'gamma>alpha': 0,
  });
  // Both the same: once.
  expect(
    seen(
      new Map([
        ['alpha-1', camera(2)],
        ['gamma-1', camera(2)],
      ]),
    )['beta>alpha'],
  ).toEqual(one(high));
  const voice = rates.microphone / 1e6;
  expect(seen(new Map(), ['beta-1'])).toEqual({
    'alpha>beta': 0,
    'beta>alpha': one(voice),
    'alpha>gamma': one(voice),
    'gamma>alpha': 0,
  });
});

it('costs each packet its headers and its tag beside what the clip has', () => {
  // 44 bytes a packet of sound: 12 of RTP, 8 of the level, 16 of SRTP, at 50 a second.
  expect(rates.microphone - clips.microphone.bitrate).toBeCloseTo(50 * 36 * 8, -1);
  rates.camera.forEach((rate, layer) => {
    const clip = clips.camera[layer];
    const share = rate / (clip?.bitrate ?? 0);
    expect(share).toBeGreaterThan(1.02);
    expect(share).toBeLessThan(1.06);
  });
});

it('is that of the design for its reference: 2.8 Mbit/s before the headers', async () => {
  const scenario = await loadScenario('speaker');
  const bare = { camera: clips.camera.map(({ bitrate }) => bitrate), screen: 0, microphone: clips.microphone.bitrate };
  const phases = phasesOf(scenario);
  expect(floorOf(scenario.people, phases, bare)['alpha>beta']).toBeCloseTo(2.8, 1);
  expect(floor(scenario.people, phases)['alpha>beta']).toBeCloseTo(2.93, 1);
  expect(floorOf(scenario.people, everything({ people: scenario.people, phases }), bare)['alpha>beta']).toBeCloseTo(
    26.2,
    0,
  );
});
