/** The options of one file by their paths: those that are right in themselves, whatever else in the file is wrong. */
import type { Leaf } from '#site/yaml.ts';
import type { Option } from './finding.ts';

export class Options {
  readonly all: readonly Leaf[];
  readonly #byPath: ReadonlyMap<string, Leaf>;

  readonly #name: { readonly name: string } | undefined;

  /** @param name what stands before sentences about them, in place of their paths */
  constructor(leaves: readonly Leaf[], name?: string) {
    this.all = leaves;
    this.#name = name === undefined ? undefined : { name };
    this.#byPath = new Map(leaves.map((leaf) => [leaf.path, leaf]));
  }

  text(path: string): Option<string> | undefined {
    const leaf = this.#byPath.get(path);
    return typeof leaf?.value === 'string' ? { path, place: leaf.place, value: leaf.value, ...this.#name } : undefined;
  }

  number(path: string): Option<number> | undefined {
    const leaf = this.#byPath.get(path);
    return typeof leaf?.value === 'number' ? { path, place: leaf.place, value: leaf.value, ...this.#name } : undefined;
  }

  /** The texts of a list, each with its own place; undefined where there is no such list. */
  texts(path: string): readonly Option<string>[] | undefined {
    if (!Array.isArray(this.#byPath.get(path)?.value)) return undefined;
    return this.all.flatMap((leaf) => {
      const isItem = leaf.path.startsWith(`${path}.`) && typeof leaf.value === 'string';
      return isItem ? [{ path: leaf.path, place: leaf.place, value: String(leaf.value), ...this.#name }] : [];
    });
  }

  /** The list itself, for what is about all of it. */
  list(path: string): Option | undefined {
    return this.#byPath.get(path);
  }
}
