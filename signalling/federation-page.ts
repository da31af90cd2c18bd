/** Renders the reference page of all calls between homeservers: `node signalling/federation-page.ts > docs/reference/federation-calls.md`. */
import { fileURLToPath } from 'node:url';
import type { TSchema } from 'typebox';
import { FEDERATION_PATHS, FEDERATION_VERSIONS, type FederationCall, versionOf } from './federation.ts';
import { FEDERATION_CALLS } from './federation-calls.ts';

/** A JSON Schema as far as the contracts use it. */
interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

export function federationPage(): string {
  const { min, max } = FEDERATION_VERSIONS;
  const lines = [
    '# Calls between homeservers',
    '',
    'Generated from `signalling/federation-calls.ts`. [federation-protocol.md](federation-protocol.md) says how they belong together.',
    `This version of Hawser speaks the versions ${min} to ${max}. Bodies are JSON; members that are not listed are refused. What is`,
    'not 2xx has a problem with a code of [errors.md](errors.md) as its body.',
  ];
  for (const [call, { from, question, answer, says }] of Object.entries(FEDERATION_CALLS)) {
    const name = call as FederationCall;
    lines.push('', `## ${name}`, '', says, '');
    const method = question ? 'POST' : answer ? 'GET' : 'GET, HEAD';
    lines.push(`\`${method} ${FEDERATION_PATHS[name]}\`, version ${versionOf(name)}, from ${from}.`);
    for (const [title, schema] of [
      ['Question', question],
      ['Answer', answer],
    ] as const) {
      if (schema) lines.push('', ...tableOf(title, schema as Shape & TSchema));
    }
  }
  return `${lines.join('\n')}\n`;
}

function tableOf(title: string, shape: Shape): string[] {
  const rows = shape.anyOf
    ? shape.anyOf.flatMap((each) => ['', ...fields(each, variantOf(each))])
    : ['', ...fields(shape)];
  return rows.length === 1 ? [`${title}: nothing, \`{}\`.`] : [`${title}:`, ...rows];
}

function variantOf(shape: Shape): string | undefined {
  const type = shape.properties?.type?.const;
  return typeof type === 'string' ? type : undefined;
}

function fields(shape: Shape, variant?: string): string[] {
  const rows = rowsOf(shape, '');
  if (rows.length === 0) return [];
  return [...(variant ? [`\`${variant}\``, ''] : []), '| member | is |', '| --- | --- |', ...rows];
}

function rowsOf(shape: Shape, prefix: string): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, each]) => {
    const optional = shape.required?.includes(name) ? '' : ', may be left out';
    const row = `| \`${prefix}${name}\` | ${inWords(each)}${optional} |`;
    const inner = each.type === 'array' ? each.items : each;
    const below = inner?.properties ? rowsOf(inner, `${prefix}${name}${each.type === 'array' ? '[]' : ''}.`) : [];
    return [row, ...below];
  });
}

function inWords(shape: Shape): string {
  if (shape.const !== undefined) return `\`${JSON.stringify(shape.const)}\``;
  if (shape.enum) return shape.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (shape.anyOf) return shape.anyOf.map(inWords).join(' or ');
  if (shape.description) return shape.description;
  switch (shape.type) {
    case 'array':
      return `list of ${shape.items?.properties ? 'objects' : inWords(shape.items ?? {})}${shape.maxItems ? `, ${shape.maxItems} at most` : ''}`;
    case 'integer':
      return `whole number, ${shape.minimum ?? '…'} to ${shape.maximum === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : (shape.maximum ?? '…')}`;
    case 'string':
      return `text${shape.maxLength ? `, ${shape.maxLength} characters at most` : ''}`;
    default:
      return shape.type ?? 'anything';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(federationPage());
