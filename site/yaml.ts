/**
 * Reads a YAML file by a schema: types out, or every mistake with its place. The schema's `expects` completes the
 * sentence "must be …". Aliases are refused: they save an administrator little and let a file grow without bound.
 */
import type { Static, TArray, TObject, TSchema } from 'typebox';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Mistake, SiteError } from './mistakes.ts';
import { nearest } from './nearest.ts';

const MAX_LENGTH = 1024 * 1024;

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One value of the file, or the default that stands for it, that is right in itself. */
export interface Leaf {
  /** `homeserver.client.listen`, `1.domain` */
  readonly path: string;
  readonly schema: TSchema;
  readonly value: unknown;
  readonly place: Place;
}

export interface Reading<T> {
  /** Undefined where there are mistakes. */
  readonly value: T | undefined;
  readonly leaves: readonly Leaf[];
  readonly mistakes: readonly Mistake[];
}

/** Never throws, whatever the text is. */
export function readYaml<S extends TSchema>(schema: S, text: string): Reading<Static<S>> {
  if (text.length > MAX_LENGTH) {
    return { value: undefined, leaves: [], mistakes: [mistake(START, `The file is larger than ${MAX_LENGTH} bytes.`)] };
  }
  const lines = new LineCounter();
  const walker = new Walker(lines);
  let value: unknown;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core', stringKeys: true });
    for (const error of [...document.errors, ...document.warnings]) {
      walker.mistakes.push(mistake(walker.placeAt(error.pos[0]), sentence(error.message)));
    }
    if (document.errors.length === 0) value = walker.walk(schema, document.contents as Node | null, '', START);
  } catch (error) {
    // The parser recurses; a few thousand opening brackets exhaust the stack.
    walker.mistakes.push(mistake(START, error instanceof RangeError ? 'The file is nested too deep.' : String(error)));
  }
  const { leaves, mistakes } = walker;
  if (mistakes.length > 0) return { value: undefined, leaves, mistakes };
  if (!Check(schema, value)) {
    return { value: undefined, leaves, mistakes: [mistake(START, 'The file does not follow its description.')] };
  }
  return { value, leaves, mistakes };
}

/** @throws SiteError where there are mistakes, those of the reading and those found later */
export function settle<T>(path: string, reading: Reading<T>, more: readonly Mistake[] = []): T {
  const mistakes = [...reading.mistakes, ...more];
  if (mistakes.length > 0 || reading.value === undefined) throw new SiteError(path, mistakes);
  return reading.value;
}

export function mistake(place: Place, message: string): Mistake {
  return { line: place.line, column: place.column, message };
}

const START: Place = { line: 1, column: 1 };

class Walker {
  readonly leaves: Leaf[] = [];
  readonly mistakes: Mistake[] = [];
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The value of a node, or of its default where there is none; undefined after a mistake. */
  walk(schema: TSchema, node: Node | null | undefined, path: string, parent: Place): unknown {
    const place = node?.range ? this.placeAt(node.range[0]) : parent;
    if (isAlias(node)) return this.#wrong(place, `${named(path)} is an alias (*); write the value itself.`);
    if (Type.IsObject(schema)) return this.#object(schema, node, path, place);
    if (Type.IsArray(schema)) return this.#array(schema, node, path, place);
    return this.#leaf(schema, node, path, place);
  }

  #object(schema: TObject, node: Node | null | undefined, path: string, place: Place): unknown {
    const empty = node === null || node === undefined || (isScalar(node) && node.value === null);
    if (!empty && !isMap(node)) {
      return this.#wrong(
        place,
        `${named(path)} must have options below it: ${Object.keys(schema.properties).join(', ')}.`,
      );
    }
    const given = new Map<string, { node: Node | null; place: Place }>();
    for (const pair of isMap<Node, Node | null>(node) ? node.items : []) {
      const at = pair.key.range ? this.placeAt(pair.key.range[0]) : place;
      const key = isScalar(pair.key) && typeof pair.key.value === 'string' ? pair.key.value : undefined;
      if (key !== undefined && Object.hasOwn(schema.properties, key)) given.set(key, { node: pair.value, place: at });
      else this.#unknown(String(key ?? '?'), Object.keys(schema.properties), path, at);
    }
    const value: Record<string, unknown> = {};
    for (const [key, property] of Object.entries(schema.properties)) {
      const below = path === '' ? key : `${path}.${key}`;
      const found = given.get(key);
      if (found) value[key] = this.walk(property, found.node, below, found.place);
      else if ('default' in property) value[key] = this.#keep(property, property.default, below, place);
      else if (schema.required?.includes(key)) value[key] = this.#missing(property, below, place);
    }
    return value;
  }

  /** A section of nothing but defaults may be left out; of another one each missing option is named. */
  #missing(property: TSchema, path: string, place: Place): unknown {
    if (Type.IsObject(property)) return this.#object(property, undefined, path, place);
    return this.#wrong(place, `${path} is missing: ${text(property, 'description') || 'it is needed.'}`);
  }

  #unknown(key: string, known: readonly string[], path: string, place: Place): void {
    const meant = nearest(key, known);
    const advice = meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${meant}?`;
    const where = path === '' ? '' : ` in ${path}`;
    this.#wrong(place, `There is no option ${quoted(key)}${where}. ${advice}`);
  }

  #array(schema: TArray, node: Node | null | undefined, path: string, place: Place): unknown {
    const empty = node === null || node === undefined || (isScalar(node) && node.value === null);
    if (!empty && !isSeq(node)) return this.#wrong(place, `${named(path)} must be ${expected(schema)}.`);
    const before = this.mistakes.length;
    const items = isSeq<Node | null>(node) ? node.items : [];
    const value = items.map((item, index) => {
      const below = path === '' ? `${index + 1}` : `${path}.${index + 1}`;
      return this.walk(schema.items, item, below, place);
    });
    if (this.mistakes.length > before) return undefined;
    if (!Check(schema, value)) return this.#wrong(place, `${named(path)} must be ${expected(schema)}.`);
    return this.#keep(schema, value, path, place);
  }

  #leaf(schema: TSchema, node: Node | null | undefined, path: string, place: Place): unknown {
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (value === null || node === null || node === undefined) {
      return this.#wrong(place, `${named(path)} has no value. It must be ${expected(schema)}.`);
    }
    if (!Check(schema, value)) {
      const shown = isScalar(node) ? shownValue(value) : ', not a list or a section';
      return this.#wrong(place, `${named(path)} must be ${expected(schema)}${shown}.`);
    }
    return this.#keep(schema, value, path, place);
  }

  #keep(schema: TSchema, value: unknown, path: string, place: Place): unknown {
    this.leaves.push({ path, schema, value, place });
    return value;
  }

  #wrong(place: Place, message: string): undefined {
    this.mistakes.push(mistake(place, message));
  }
}

function named(path: string): string {
  return path === '' ? 'The file' : path;
}

function expected(schema: TSchema): string {
  return text(schema, 'expects') || 'of another kind';
}

/** An annotation of a schema, '' where it has none. */
export function text(schema: TSchema, name: string): string {
  const value: unknown = Reflect.get(schema, name);
  return typeof value === 'string' ? value : '';
}

/** Long values and those of several lines are not shown: one of them may be a key that was pasted in. */
function shownValue(value: unknown): string {
  const shown = JSON.stringify(value) ?? '';
  return shown.length > 60 || shown.includes('-----') || shown.includes('\\n') ? '' : `, not ${shown}`;
}

function quoted(key: string): string {
  const shown = JSON.stringify(key);
  return shown.length > 42 ? `${shown.slice(0, 40)}…"` : shown;
}

function sentence(message: string): string {
  const line = message.split('\n')[0]?.trim() ?? '';
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
