/** What single values cannot show: a scenario that is well written and cannot be played. Pure. */
import { changesOf } from './phases.ts';
import { ANCHOR, domainsOf, type Person, type Scenario } from './scenario.ts';
import { MOST_PEOPLE, type ScenarioFile } from './schema.ts';
import { mostSmall } from './wants.ts';

/**
 * Between two changes of who speaks, s. What is wanted anew has three seconds to come (`GRACE_SECONDS`), and then it must
 * be there for long enough to be judged.
 */
export const SHORTEST_PHASE = 5;

/** One mistake, and the path of the value that is to be changed. */
export interface Fault {
  readonly at: string;
  readonly message: string;
}

export function mistakesIn(file: ScenarioFile, scenario: Scenario): Fault[] {
  return [...placesOf(scenario), ...lookingOf(file, scenario), ...speakingOf(file, scenario)];
}

function placesOf({ people }: Scenario): Fault[] {
  const faults: Fault[] = [];
  const say = (message: string) => faults.push({ at: 'people.1.at', message });
  const domains = domainsOf(people);
  if (!domains.includes(ANCHOR)) {
    say(`nobody is at ${ANCHOR}, which is the anchor: the call is started there. Put somebody at ${ANCHOR}.`);
  } else if (domains.length === 1) {
    say(
      `everybody is at ${ANCHOR}, so that nothing crosses a border. Put somebody at another organisation, such as beta.`,
    );
  }
  if (people.every(({ publishes }) => publishes.length === 0)) {
    say('nobody publishes anything. Give somebody publish: [camera, microphone].');
  }
  if (people.length > MOST_PEOPLE) say(`${people.length} people are in the call; there may be ${MOST_PEOPLE}.`);
  return faults;
}

function lookingOf(file: ScenarioFile, { people }: Scenario): Fault[] {
  const faults: Fault[] = [];
  let first = 0;
  for (const [index, { count, watch }] of file.people.entries()) {
    const person = people[first];
    first += count;
    if (!person || !watch) continue;
    const at = `people.${index + 1}.watch`;
    const say = (key: string, message: string) =>
      faults.push({ at: `${at}.${key}`, message: `${at}.${key}: ${message}` });
    const most = mostSmall(person, people);
    if (most === undefined && watch.small !== undefined) {
      say('small', `the layout ${watch.layout} has no small pictures; leave it out.`);
    } else if (most !== undefined && (watch.small ?? 0) > most) {
      say(
        'small',
        `${watch.small} small pictures are asked for, and there are ${most}: write ${most} or less, or leave it out for all.`,
      );
    }
    const wanted = watch.layout === 'screen' ? 'screen' : 'camera';
    if (!people.some((each) => each !== person && each.publishes.includes(wanted))) {
      say('layout', `nobody else publishes a ${wanted} to look at. Give somebody publish: [${wanted}].`);
    }
  }
  return faults;
}

function speakingOf(file: ScenarioFile, { people, turns, seconds }: Scenario): Fault[] {
  const faults: Fault[] = [];
  for (const [index, { who, from, to = seconds }] of file.speech.entries()) {
    const at = `speech.${index + 1}`;
    const say = (key: string, message: string) =>
      faults.push({ at: `${at}.${key}`, message: `${at}.${key}: ${message}` });
    const person = people.find(({ name }) => name === who);
    if (who !== 'everybody' && !person) {
      say('who', `there is no ${who}; ${crowdAt(who.replace(/-.*/, ''), people)}.`);
    } else if (person && !person.publishes.includes('microphone')) {
      say('who', `${who} has no microphone. Add microphone to what that group publishes.`);
    }
    if (from >= seconds) say('from', `the turn begins at ${from} s, when the measurement of ${seconds} s is over.`);
    else if (to <= from) say('from', `the turn must end after it begins; it is from ${from} to ${to} s.`);
  }
  return [...faults, ...shortOf(file, changesOf(turns, seconds), seconds)];
}

function crowdAt(domain: string, people: readonly Person[]): string {
  const count = people.filter(({ at }) => at === domain).length;
  if (count === 0) return `nobody is at ${domain}`;
  return count === 1 ? `1 person is at ${domain}` : `${count} people are at ${domain}`;
}

/** The first phase that is too short to be judged. A window in which nothing changes may be as short as it likes. */
function shortOf({ speech }: ScenarioFile, changes: readonly number[], seconds: number): Fault[] {
  if (changes.length < 2) return [];
  for (const [index, from] of changes.entries()) {
    const to = changes[index + 1] ?? seconds;
    if (to - from >= SHORTEST_PHASE) continue;
    const change = from === 0 ? to : from;
    const turn = speech.findIndex((each) => each.from === change || each.to === change);
    const length = Number((to - from).toFixed(3));
    return [
      {
        at: `speech.${turn + 1}.who`,
        message:
          `who speaks is the same for ${length} s only, from ${from} to ${to} s; it must stay so for ${SHORTEST_PHASE} s, so ` +
          'that what comes then can be judged.',
      },
    ];
  }
  return [];
}
