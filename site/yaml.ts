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
  if (text.length > MAX_LENGTH) return unread(`The file is larger than ${MAX_LENGTH} bytes.`);
  // What an editor saved in UTF-16 is full of these.
  if (text.includes('\0') || text.includes('\ufffd')) {
    return unread('The file is not text in UTF-8.', 'Save it once more, in UTF-8.');
  }
  const lines = new LineCounter();
  const walker = new Walker(lines);
  let value: unknown;
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core', stringKeys: true });
    const errors = [...document.errors, ...document.warnings];
    // A tab lets the parser lose its place: what it says besides comes of that.
    const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
    for (const error of tabs.length > 0 ? tabs : errors) {
      const remedy = REMEDIES[error.code] ?? OF_SYNTAX;
      walker.mistakes.push(mistake(walker.placeAt(error.pos[0]), sentence(error.message), { remedy }));
    }
    if (document.errors.length === 0 && document.contents === null && Type.IsObject(schema)) {
      return unread(
        'The file is empty.',
        'Remove it, and call hawser config init, or copy docs/reference/hawser.yaml.',
      );
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

function unread(message: string, remedy = 'Take out what is no option.'): Reading<never> {
  return { value: undefined, leaves: [], mistakes: [mistake(START, message, { remedy })] };
}

/** @throws SiteError where there are mistakes, those of the reading and those found later */
export function settle<T>(path: string, reading: Reading<T>, more: readonly Mistake[] = []): T {
  const mistakes = [...reading.mistakes, ...more];
  if (mistakes.length > 0 || reading.value === undefined) throw new SiteError(path, mistakes);
  return reading.value;
}

export function mistake(place: Place, message: string, more: Pick<Mistake, 'path' | 'remedy'> = {}): Mistake {
  return { line: place.line, column: place.column, message, ...more };
}

const START: Place = { line: 1, column: 1 };

const OF_SYNTAX = 'Correct the YAML here or in the line above; docs/reference/hawser.yaml shows how it is written.';
/** By the parser's code. */
const REMEDIES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces in place of tabs.',
  BAD_INDENT: 'Begin options of one section in the same column.',
  DUPLICATE_KEY: 'Keep one of the two, and take the other out.',
  MULTIPLE_DOCS: 'Take out the lines that are --- or ... alone.',
};

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
    if (isAlias(node)) {
      const remedy = 'Write the value itself in its place.';
      return this.#wrong(place, `${named(path)} is an alias (*); write the value itself.`, { path, remedy });
    }
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
        { path, remedy: 'Write each in a line of its own below, indented by two spaces more.' },
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
    const message = `${path} is missing: ${text(property, 'description') || 'it is needed.'}`;
    return this.#wrong(place, message, {
      path,
      remedy: `Add it in a line of its own${example(property, path) ?? '.'}`,
    });
  }

  #unknown(key: string, known: readonly string[], path: string, place: Place): void {
    const meant = nearest(key, known);
    const advice = meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${meant}?`;
    const where = path === '' ? '' : ` in ${path}`;
    const remedy = meant === undefined ? 'Take it out, or write one of those.' : `Write ${meant}, or take it out.`;
    this.#wrong(place, `There is no option ${quoted(key)}${where}. ${advice}`, { path, remedy });
  }

  #array(schema: TArray, node: Node | null | undefined, path: string, place: Place): unknown {
    const empty = node === null || node === undefined || (isScalar(node) && node.value === null);
    const wrong = () => this.#wrong(place, `${named(path)} must be ${expected(schema)}.`, wanted(schema, path));
    if (!empty && !isSeq(node)) return wrong();
    const before = this.mistakes.length;
    const items = isSeq<Node | null>(node) ? node.items : [];
    const value = items.map((item, index) => {
      const below = path === '' ? `${index + 1}` : `${path}.${index + 1}`;
      return this.walk(schema.items, item, below, place);
    });
    if (this.mistakes.length > before) return undefined;
    if (!Check(schema, value)) return wrong();
    return this.#keep(schema, value, path, place);
  }

  #leaf(schema: TSchema, node: Node | null | undefined, path: string, place: Place): unknown {
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (value === null || node === null || node === undefined) {
      return this.#wrong(place, `${named(path)} has no value. It must be ${expected(schema)}.`, wanted(schema, path));
    }
    if (!Check(schema, value)) {
      const shown = isScalar(node) ? shownValue(value) : ', not a list or a section';
      return this.#wrong(place, `${named(path)} must be ${expected(schema)}${shown}.`, wanted(schema, path));
    }
    return this.#keep(schema, value, path, place);
  }

  #keep(schema: TSchema, value: unknown, path: string, place: Place): unknown {
    this.leaves.push({ path, schema, value, place });
    return value;
  }

  #wrong(place: Place, message: string, more: Pick<Mistake, 'path' | 'remedy'>): undefined {
    this.mistakes.push(mistake(place, message, more));
  }
}

/** What to write in place of a wrong value. */
function wanted(schema: TSchema, path: string): Pick<Mistake, 'path' | 'remedy'> {
  return { path, remedy: `Correct it${example(schema, path) ?? '; the sentence says what it must be.'}` };
}

/** `, for instance: port: 40000`; undefined where the schema has none. */
function example(schema: TSchema, path: string): string | undefined {
  const value: unknown = Reflect.get(schema, 'example') ?? Reflect.get(schema, 'default');
  if (value === undefined) return undefined;
  return `, for instance: ${path.split('.').at(-1)}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
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
