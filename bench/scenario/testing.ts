/** For tests: scenarios by chance. */
import fc from 'fast-check';
import type { Phase } from './phases.ts';
import { DOMAINS, type Person } from './scenario.ts';
import type { Want } from './wants.ts';

/** One and more at alpha and at other places, each with some sources. */
export const someone: fc.Arbitrary<readonly Person[]> = fc
  .array(
    fc.record({
      at: fc.constantFrom(...DOMAINS),
      publishes: fc.subarray(['camera', 'microphone', 'screen'] as const),
    }),
    { maxLength: 9 },
  )
  .map((others) =>
    [{ at: 'alpha' as const, publishes: ['camera', 'microphone'] as const }, ...others].map((person, index) => ({
      ...person,
      name: `${person.at}-${index}`,
    })),
  );

/** Everything that a person can want. */
export function allWants(person: Person, people: readonly Person[]): Want[] {
  return people
    .filter((each) => each !== person)
    .flatMap(({ name: who, publishes }) => [
      ...(publishes.includes('camera') ? [0, 1, 2].map((layer): Want => ({ who, kind: 'camera', layer })) : []),
      ...(publishes.includes('screen') ? [{ who, kind: 'screen' as const, layer: 0 }] : []),
    ]);
}

/** People, and one phase after the other in which each of them wants something and some of them speak. */
export const wishing: fc.Arbitrary<{ readonly people: readonly Person[]; readonly phases: readonly Phase[] }> =
  someone.chain((people) => {
    const speakers = people.filter(({ publishes }) => publishes.includes('microphone')).map(({ name }) => name);
    const wants = fc
      .tuple(...people.map((person) => fc.subarray(allWants(person, people))))
      .map((each) => new Map(people.map(({ name }, index) => [name, each[index] ?? []])));
    const phase = fc.record({ wants, speaking: fc.subarray(speakers), seconds: fc.integer({ min: 1, max: 30 }) });
    return fc.array(phase, { minLength: 1, maxLength: 3 }).map((parts) => {
      let from = 0;
      const phases = parts.map(({ seconds, ...rest }) => {
        const begun = from;
        from += seconds;
        return { ...rest, from: begun, to: from };
      });
      return { people, phases };
    });
  });
