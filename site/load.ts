/** Reads `hawser.yaml`. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isFileKind } from './fields.ts';
import { checkFiles } from './files.ts';
import { checkListening } from './listening.ts';
import { checkNames } from './meaning.ts';
import { type Mistake, SiteError } from './mistakes.ts';
import { BOTH, type Part } from './part.ts';
import { type Site, SiteSchema } from './schema.ts';
import { mistake, type Reading, readYaml, settle, text } from './yaml.ts';

/**
 * Reads and checks a site. Every default is filled in, every path absolute. `parts` are the servers that run on this
 * machine: what only the other one opens or listens on is not looked for here.
 * @throws SiteError with all mistakes at once
 */
export async function loadSite(path: string, parts: readonly Part[] = BOTH): Promise<Site> {
  const { reading, folder, more } = await readSite(path, parts);
  return absolute(settle(path, reading, more), folder);
}

export interface SiteReading {
  readonly reading: Reading<Site>;
  /** From which the paths in the file count. */
  readonly folder: string;
  /** Mistakes beside those of the reading. */
  readonly more: readonly Mistake[];
}

/** The same for whoever looks at what is wrong. @throws SiteError where the file cannot be read at all */
export async function readSite(path: string, parts: readonly Part[] = BOTH): Promise<SiteReading> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'There is no such file.' : `The file cannot be read (${error.code}).`;
    throw new SiteError(path, [mistake({ line: 1, column: 1 }, why)], { cause: error });
  });
  const folder = dirname(resolve(path));
  const reading = readYaml(SiteSchema, content);
  const more = [
    ...checkNames(reading.leaves),
    ...checkListening(reading.leaves, parts),
    ...(await checkFiles(reading.leaves, folder, parts)),
  ];
  return { reading, folder, more };
}

/** A copy whose paths count from the root. */
export function absolute(site: Site, folder: string): Site {
  const copy = structuredClone(site);
  const walk = (schema: object, value: object): void => {
    for (const [key, property] of Object.entries(Reflect.get(schema, 'properties') ?? {})) {
      const below: unknown = Reflect.get(value, key);
      if (typeof property !== 'object' || property === null) continue;
      if (typeof below === 'object' && below !== null) walk(property, below);
      else if (typeof below === 'string' && isPath(text(property, 'kind')))
        Reflect.set(value, key, resolve(folder, below));
    }
  };
  walk(SiteSchema, copy);
  return copy;
}

function isPath(kind: string): boolean {
  return kind === 'path' || isFileKind(kind);
}
