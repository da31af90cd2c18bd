/** Values for the schemas of requests: some that fit, with real ids in them, and some that do not. */
import fc, { type Arbitrary } from 'fast-check';
import type { TSchema } from 'typebox';
import { AssetId, ConversationId, DeviceId, DomainName, GroupId, Handle, UserId } from '#signalling/ids.ts';

/** The parts of JSON Schema of which our contracts are made. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** `{{conversation}}` stands for the conversation of whoever asks: it is put in when the request is written. */
const REAL: ReadonlyMap<string | undefined, readonly string[]> = new Map(
  [
    [ConversationId, ['conversation', 'conversation', 'ungrouped']],
    [UserId, ['user', 'self']],
    // Whoever removes his own device can be asked for nothing else.
    [DeviceId, ['peerDevice', 'peerDevice', 'peerDevice', 'peerDevice', 'device']],
    [GroupId, ['group', 'newGroup']],
    [AssetId, ['asset', 'upload']],
    [DomainName, ['domain']],
    [Handle, ['handle']],
  ].map(([schema, names]) => [(schema as Schema).pattern, names as string[]]),
);

/** Members that hold the bytes of a client, by their names. */
const BYTES: ReadonlySet<string> = new Set(['groupInfo', 'tree', 'commit', 'welcome', 'message', 'request', 'sha256']);
const NAMED: Readonly<Record<string, string>> = { keyPackages: 'keyPackage', lastResort: 'keyPackage' };

/** @param name of the member that it is for */
export function fitting(schema: TSchema, name = ''): Arbitrary<unknown> {
  return valueFor(schema as Schema, name);
}

function valueFor(schema: Schema, name: string): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => valueFor(each, name)));
  switch (schema.type) {
    case 'string':
      return textFor(schema, name);
    case 'integer':
    case 'number':
      return numberFor(schema);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueFor(schema.items ?? {}, name), { minLength: schema.minItems ?? 0, maxLength: 4 });
    case 'object':
      return objectFor(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectFor({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, each]) => [name, valueFor(each, name)] as const);
  return fc.record(Object.fromEntries(members), { requiredKeys: [...required] });
}

function numberFor({ minimum = -(2 ** 31), maximum = Number.MAX_SAFE_INTEGER }: Schema): Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }),
    fc.constantFrom(minimum, maximum, Math.min(maximum, 2 ** 31), Math.min(maximum, 2 ** 32)),
  );
}

function textFor({ pattern, minLength = 0, maxLength = 200 }: Schema, name: string): Arbitrary<string> {
  const real = REAL.get(pattern) ?? (BYTES.has(name) ? [name] : NAMED[name] && [NAMED[name]]);
  const most = Math.min(maxLength, 300);
  const random = fc.string({ unit: 'binary', minLength: Math.min(minLength, most), maxLength: most });
  const fits = pattern === undefined ? random : fc.stringMatching(withoutLookahead(pattern), { maxLength: most });
  const some = fc.oneof({ weight: 4, arbitrary: fits }, { weight: 1, arbitrary: fc.constantFrom(...STRANGE) });
  return real ? fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...real.map(placeholder)) }, some) : some;
}

/** fast-check makes no text for a look-ahead; what does not fit without it is refused, which is an input too. */
function withoutLookahead(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll(/\(\?[=!][^()]*\)/g, ''));
}

function placeholder(name: string): string {
  return `{{${name}}}`;
}

/** Texts that were trouble for somebody. */
const STRANGE: readonly string[] = [
  '',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e\u2066',
  '__proto__',
  '../../../../etc/passwd',
  "' or 1=1 --",
  '%00%2e%2e%2f',
  '99999999999999999999',
  '-1',
  '1e400',
  'x'.repeat(5_000),
  'é'.repeat(200),
  '=?utf-8?b?AAAA?=',
  'a@b.example\r\nBcc: c@d.example',
];

/** Values that fit almost nowhere. */
export const STRANGE_VALUES: readonly unknown[] = [
  ...STRANGE,
  null,
  true,
  -1,
  -0,
  0.5,
  1e308,
  2 ** 53,
  2 ** 31,
  [],
  {},
  [[[[]]]],
  { __proto__: null, length: 1e9 },
  nested(11),
  nested(13),
  nested(2_000),
  Array.from({ length: 2_000 }, () => 0),
];

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

/** With one member, wherever it is, replaced, taken away or added. @param which from 0 up to and without 1 */
export function wrecked(value: unknown, which: number, strange: unknown, how: 'replace' | 'drop' | 'add'): unknown {
  const places = placesIn(value);
  const place = places[Math.floor(which * places.length)];
  if (!place) return strange;
  const { holder, key } = place;
  if (how === 'drop') delete holder[key];
  else holder[how === 'add' ? 'extra' : key] = strange;
  return value;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}
