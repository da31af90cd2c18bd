/** Reads a scenario: one of ours by its name, any other by the path of its file. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SiteError } from '#site/mistakes.ts';
import { nearest } from '#site/nearest.ts';
import { mistake, type Place, readYaml, settle } from '#site/yaml.ts';
import { mistakesIn } from './meaning.ts';
import type { Person, Scenario } from './scenario.ts';
import { type ScenarioFile, ScenarioSchema } from './schema.ts';

const FOLDER = join(import.meta.dirname, 'files');
const ENDING = '.yaml';

/** A scenario that cannot be played as it was asked for. The message is one line per mistake. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

/** What is to hold instead of what the file says. */
export type Instead = Partial<Pick<Scenario, 'seconds' | 'entrance'>>;

/** Names of the scenarios that come with the benchmark. */
export async function scenarioNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
}

/**
 * @param wanted a name, or a path: what holds a slash or ends in .yaml or .yml
 * @throws ScenarioError where there is no such scenario, or with every mistake of the file and its line
 */
export async function loadScenario(wanted: string, instead: Instead = {}): Promise<Scenario> {
  const isPath = /[/\\]|\.ya?ml$/.test(wanted);
  const path = isPath ? wanted : join(FOLDER, `${wanted}${ENDING}`);
  if (!isPath) await checkName(wanted);
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${error.code})`;
    throw new ScenarioError(`${path}: ${why}.`, { cause: error });
  });
  try {
    return parseScenario(basename(path).replace(/\.ya?ml$/, ''), content, path, instead);
  } catch (error) {
    throw error instanceof SiteError ? new ScenarioError(error.message, { cause: error }) : error;
  }
}

async function checkName(name: string): Promise<void> {
  const names = await scenarioNames();
  if (names.includes(name)) return;
  const meant = nearest(name, names);
  const advice = meant === undefined ? `There are ${names.join(', ')}` : `Did you mean ${meant}`;
  throw new ScenarioError(
    `There is no scenario ${name}. ${advice}${meant === undefined ? '.' : '?'} A file of your own needs a path: ./${name}.yaml.`,
  );
}

/** @throws SiteError with every mistake and its line */
export function parseScenario(name: string, text: string, path: string, instead: Instead = {}): Scenario {
  const reading = readYaml(ScenarioSchema, text);
  const file = { ...settle(path, reading), ...instead };
  const { seconds, settleSeconds, entrance } = file;
  const people = peopleOf(file);
  const turns = turnsOf(file, people);
  const scenario: Scenario = { name, file, seconds, settleSeconds, entrance, people, turns };
  const placeOf = (wanted: string): Place =>
    reading.leaves.find((leaf) => leaf.path === wanted)?.place ?? { line: 1, column: 1 };
  const mistakes = mistakesIn(file, scenario).map(({ at, message }) => mistake(placeOf(at), message));
  settle(path, reading, mistakes);
  return scenario;
}

/** Numbered at each organisation, in the order of the file. */
function peopleOf({ people: groups }: ScenarioFile): Person[] {
  const numbers = new Map<string, number>();
  return groups.flatMap(({ at, count, publish, watch }) =>
    Array.from({ length: count }, (): Person => {
      const number = (numbers.get(at) ?? 0) + 1;
      numbers.set(at, number);
      return { name: `${at}-${number}`, at, publishes: publish, ...(watch && { watch }) };
    }),
  );
}

function turnsOf({ speech, seconds }: ScenarioFile, people: readonly Person[]) {
  const everybody = people.filter(({ publishes }) => publishes.includes('microphone')).map(({ name }) => name);
  return speech.flatMap(({ who, from, to = seconds }) =>
    (who === 'everybody' ? everybody : [who]).map((name) => ({ who: name, from, to })),
  );
}
