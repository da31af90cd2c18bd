/** Many people do the same, a few at a time. */

/** @returns what each came to, in the order of the people. @throws the first failure, once nobody is at it any more */
export async function inTurns<P, R>(
  people: readonly P[],
  atOnce: number,
  act: (person: P) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const waiting = people.entries();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const [index, person] of waiting) {
      if (failure) return;
      try {
        results.set(index, await act(person));
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, people.length) }, worker));
  if (failure) throw failure.error;
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** Splits people into groups of at most `most`, as even as can be. */
export function groups<P>(people: readonly P[], most: number): P[][] {
  const count = Math.ceil(people.length / most);
  return Array.from({ length: count }, (_, index) =>
    people.slice(Math.round((people.length * index) / count), Math.round((people.length * (index + 1)) / count)),
  );
}
