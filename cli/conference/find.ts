/** Which conference or participant a word means: as much of an id as no other one begins with. Pure. */
import { Problem } from '../errors.ts';
import type { Listed, Person } from './merge.ts';

/** @throws Problem where there is none, or more than one */
export function conferenceIn(all: readonly Listed[], word: string): Listed {
  refuseNothing(word, "the beginning of a conference's id", 'hawser conference list names all');
  const found = all.filter(({ conference }) => conference.startsWith(word));
  return only(found, {
    none: `No conference here begins with '${word}'. hawser conference list names all.`,
    several: `${found.length} conferences begin with '${word}': ${found.map(({ conference }) => conference).join(', ')}. Give more of the id.`,
  });
}

/** @param word the beginning of a pseudonym, or the handle of somebody of this domain: `@alice` */
export function personIn({ people, conference }: Listed, word: string): Person {
  refuseNothing(
    word,
    "the beginning of a participant's pseudonym, or a handle",
    `hawser conference show ${conference} names all`,
  );
  const handle = word.startsWith('@') ? word.slice(1) : undefined;
  const found =
    handle === undefined
      ? people.filter(({ participant }) => participant.startsWith(word))
      : people.filter((each) => each.handle === handle);
  const names = found.map(({ participant, domain }) => `${participant} of ${domain}`).join(', ');
  return only(found, {
    none:
      handle === undefined
        ? `Nobody in it begins with '${word}'. hawser conference show ${conference} names all.`
        : `Nobody of this domain in it is ${word}. hawser conference show ${conference} names all.`,
    several: `${found.length} in it are meant by '${word}': ${names}. Give more of the id.`,
  });
}

/** Every id begins with nothing: an empty variable of a script must not mean the only conference that there is. */
function refuseNothing(word: string, wanted: string, how: string): void {
  if (word === '') throw new Problem(`Give ${wanted}; what was given is empty. ${how}.`);
}

function only<T>(found: readonly T[], { none, several }: { readonly none: string; readonly several: string }): T {
  const [first] = found;
  if (first === undefined) throw new Problem(none);
  if (found.length > 1) throw new Problem(several);
  return first;
}
