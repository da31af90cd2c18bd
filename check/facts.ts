/** Everything that the judgements look at, gathered once. Nothing in here changes or asks the machine again. */
import { resolve } from 'node:path';
import { concerns, type Part } from '#site/part.ts';
import type { FileFacts } from './file.ts';
import type { Option } from './finding.ts';
import type { Machine } from './machine.ts';
import { Options } from './options.ts';

/** One file that an administrator wrote. */
export interface Written {
  readonly path: string;
  /** From which the paths in it count. */
  readonly folder: string;
  readonly options: Options;
}

export interface Facts {
  /** ms since 1970 */
  readonly now: number;
  /** The servers that run on this machine. */
  readonly parts: readonly Part[];
  readonly site: Written;
  /** Without options where the list is missing, which allows nobody. */
  readonly peers: Written;
  /** By absolute path: the two files above, and those that they name. */
  readonly files: ReadonlyMap<string, FileFacts>;
  /** The folder for data; where it is not there yet, the one in which it would be made. */
  readonly data: FileFacts | undefined;
  readonly machine: Machine;
}

/** Whether an option is used by a server of this machine. */
export function isUsed({ path }: Option, { parts }: Facts): boolean {
  return concerns(path, parts);
}

/** The file that an option names; undefined where it is not there. */
export function fileOf(option: Option<string> | undefined, written: Written, facts: Facts): FileFacts | undefined {
  return option && facts.files.get(resolve(written.folder, option.value));
}

/** The sections of the TURN hosts: `turn.hosts.1`. */
export function turnHostsOf({ site }: Facts): readonly string[] {
  return site.options.all.flatMap(({ path }) => /^(turn\.hosts\.\d+)\.name$/.exec(path)?.[1] ?? []);
}

/** The domains on the list. */
export function entriesOf({ options }: Written): readonly Entry[] {
  const groups = Map.groupBy(options.all, ({ path }) => path.split('.')[0] ?? '');
  return [...groups].flatMap(([index, leaves]) => {
    const domain = options.text(`${index}.domain`);
    const named = domain && { ...domain, name: domain.value };
    return named ? [{ index, domain: named, options: new Options(leaves, named.name) }] : [];
  });
}

/** One domain of the allow list. */
export interface Entry {
  /** Counted from 1, as the paths begin: `1.domain`. */
  readonly index: string;
  readonly domain: Option<string>;
  readonly options: Options;
}

/** The entries of domains that are allowed. */
export function allowedOf(peers: Written): readonly Entry[] {
  return entriesOf(peers).filter(({ index, options }) => options.text(`${index}.state`)?.value === 'allowed');
}
