/** The one part of a check that reads: the two files, those that they name, and what the machine allows. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isFileKind } from '#site/fields.ts';
import { absolute, readSite } from '#site/load.ts';
import { type Mistake, SiteError } from '#site/mistakes.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import { readYaml, text } from '#site/yaml.ts';
import { parsePeers } from '#trust/peers.ts';
import { PeersSchema } from '#trust/peers-schema.ts';
import type { Facts } from './facts.ts';
import { type FileFacts, lookAt, lookAtNearest } from './file.ts';
import type { Machine } from './machine.ts';
import { Options } from './options.ts';

export interface Gathered {
  readonly facts: Facts;
  /** Where its form is right. */
  readonly site: Site | undefined;
  /** What the readers of the two files refuse. */
  readonly ofSite: readonly Mistake[];
  readonly ofPeers: readonly Mistake[];
}

/** @throws SiteError where the file cannot be read at all */
export async function gather(path: string, parts: readonly Part[], machine: Machine, now: number): Promise<Gathered> {
  const { reading, folder, more } = await readSite(path, parts);
  const options = new Options(reading.leaves);
  const list = resolve(folder, options.text('peers')?.value ?? 'peers.yaml');
  const peers = await gatherPeers(list);
  const named = [
    ...reading.leaves
      .filter(({ schema, value }) => isFileKind(text(schema, 'kind')) && typeof value === 'string')
      .map(({ value }) => resolve(folder, String(value))),
    ...['turn.certificate', 'turn.key'].flatMap((path) => options.text(path)?.value ?? []),
    ...peers.options.all
      .filter(({ path, value }) => /\.(?:authority|revocationList)$/.test(path) && !String(value).includes('-----'))
      .map(({ value }) => resolve(dirname(list), String(value))),
  ];
  const files = await filesAt([path, list, ...named]);
  const data = options.text('data');
  return {
    facts: {
      ...{ now, parts, machine, files },
      site: { path, folder, options },
      peers: { path: list, folder: dirname(list), options: peers.options },
      data: data && (await lookAtNearest(resolve(folder, data.value))),
    },
    ofSite: [...reading.mistakes, ...more],
    site: reading.value && absolute(reading.value, folder),
    ofPeers: peers.mistakes,
  };
}

/** A list of thousands must not take all file descriptors. */
const AT_ONCE = 32;

async function filesAt(paths: readonly string[]): Promise<ReadonlyMap<string, FileFacts>> {
  const files = new Map<string, FileFacts>();
  const queue = new Set(paths).values();
  const next = async () => {
    for (const path of queue) {
      const found = await lookAt(path);
      if (found) files.set(path, found);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return files;
}

async function gatherPeers(path: string): Promise<{ options: Options; mistakes: readonly Mistake[] }> {
  const none = { options: new Options([]), mistakes: [] };
  const read = (file: string) => readFile(file, 'utf8');
  const content = await read(path).catch((error: NodeJS.ErrnoException) => error);
  if (typeof content !== 'string') {
    if (content.code === 'ENOENT') return none;
    const message = `The file cannot be read (${content.code}).`;
    return { ...none, mistakes: [{ line: 1, column: 1, message, remedy: 'Let the user of the servers read it.' }] };
  }
  const options = new Options(readYaml(PeersSchema, content).leaves);
  const mistakes = await parsePeers(path, content, read).then(
    () => [],
    (error: unknown) => {
      if (error instanceof SiteError) return error.mistakes;
      throw error;
    },
  );
  return { options, mistakes };
}
