/** A scenario in words, for the head of a report. Pure. */
import { DOMAINS } from './scenario.ts';
import type { ScenarioFile } from './schema.ts';

type Group = ScenarioFile['people'][number];

export function describe({ people, speech, seconds }: Pick<ScenarioFile, 'people' | 'speech' | 'seconds'>): string[] {
  const places = DOMAINS.flatMap((domain) => {
    const groups = people.filter(({ at }) => at === domain);
    return groups.length === 0 ? [] : [`${domain}: ${groups.map(groupInWords).join('; ')}.`];
  });
  const turns = speech.map(({ who, from, to = seconds }) => {
    return from === 0 && to >= seconds ? who : `${who} from ${from} to ${Math.min(to, seconds)} s`;
  });
  return [...places, turns.length === 0 ? 'Nobody speaks.' : `Speaking: ${turns.join(', ')}.`];
}

function groupInWords({ count, publish, watch }: Group): string {
  const many = count > 1;
  const who = many ? `${count} people` : '1 person';
  const has = publish.length === 0 ? '' : ` with ${list(publish)}`;
  if (watch) return `${who}${has} who ${many ? 'look' : 'looks'} at ${pictures(watch)}`;
  return publish.length === 0 ? `${who} who only ${many ? 'listen' : 'listens'}` : `${who}${has}`;
}

function pictures({ layout, small }: NonNullable<Group['watch']>): string {
  const others = small === undefined ? 'all others' : small === 1 ? '1 other' : `${small} others`;
  const also = small === 0 ? '' : ` and ${others} small`;
  switch (layout) {
    case 'speaker':
      return `the speaker large${also}`;
    case 'spread':
      return `one large${also}, each at another one large`;
    case 'gallery':
      return 'everybody else in the middle size';
    case 'small':
      return `${others} small`;
    case 'screen':
      return `each screen${also}`;
  }
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
