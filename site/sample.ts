/** The annotated sample and the reference table of `hawser.yaml`, both written by its schema. */
import Type, { type TObject, type TSchema } from 'typebox';
import { stringify } from 'yaml';
import { SiteSchema } from './schema.ts';
import { text } from './yaml.ts';

/** A complete `hawser.yaml` for alpha.example. `# ` begins an explanation, `#` alone an option that may be left out. */
export function sampleSite(): string {
  return `${sectionLines(SiteSchema, 0).join('\n')}\n`;
}

function sectionLines(schema: TObject, depth: number, off = false): string[] {
  return [...comment(text(schema, 'description'), depth), ...optionLines(schema, depth, off)];
}

function optionLines(schema: TObject, depth: number, off: boolean): string[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const optional = !schema.required?.includes(key) || 'default' in property;
    const mark = off || (optional && !('inSample' in property)) ? '#' : '';
    if (Type.IsObject(property)) {
      const inside = optionLines(property, depth + 1, off || optional);
      return ['', ...comment(text(property, 'description'), depth), `${pad(depth)}${mark}${key}:`, ...inside];
    }
    const unit = text(property, 'unit');
    const about = [text(property, 'description'), unit && `Unit: ${unit}.`, text(property, 'reason')];
    return [...comment(about.filter(Boolean).join(' '), depth), `${pad(depth)}${mark}${key}: ${exampleOf(property)}`];
  });
}

function exampleOf(property: TSchema): string {
  const value: unknown = 'example' in property ? property.example : 'default' in property ? property.default : '';
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

function pad(depth: number): string {
  return '  '.repeat(depth);
}

/** Lines of at most 100 columns. */
function comment(words: string, depth: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    if (line !== '' && line.length + word.length > 96 - depth * 2) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${pad(depth)}# ${one}`);
}

/** Markdown: one table for each part of the file. */
export function referenceTable(): string {
  const sections = Object.entries(SiteSchema.properties).filter(([, property]) => Type.IsObject(property));
  const single = Object.entries(SiteSchema.properties).filter(([, property]) => !Type.IsObject(property));
  const parts = sections.flatMap(([key, property]) =>
    Type.IsObject(property)
      ? [`## ${key}`, '', text(property, 'description'), '', ...table(rows(property, `${key}.`, true)), '']
      : [],
  );
  return [
    '# Configuration: hawser.yaml',
    '',
    text(SiteSchema, 'description'),
    'A path counts from the folder of the file. An option without a default and not marked optional must be given.',
    'A mistake stops the start with one line each: file, line, column, and what to do. Made from `site/schema.ts`.',
    '',
    ...table(single.map(([key, property]) => row(key, property, true))),
    '',
    ...parts,
  ].join('\n');
}

function table(lines: readonly string[]): string[] {
  return ['| option | what | unit | default | why |', '| --- | --- | --- | --- | --- |', ...lines];
}

function rows(schema: TObject, prefix: string, needed: boolean): string[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const required = needed && schema.required?.includes(key) === true;
    if (Type.IsObject(property)) return rows(property, `${prefix}${key}.`, required);
    const inside = Type.IsArray(property) && Type.IsObject(property.items) ? property.items : undefined;
    const below = inside ? rows(inside, `${prefix}${key}[].`, required) : [];
    return [row(`${prefix}${key}`, property, required), ...below];
  });
}

function row(path: string, property: TSchema, needed: boolean): string {
  const fallback = text(property, 'defaultText') || ('default' in property ? `\`${String(property.default)}\`` : '');
  const cells = [
    `\`${path}\``,
    text(property, 'description'),
    text(property, 'unit'),
    fallback || (needed ? '' : 'optional'),
    text(property, 'reason'),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
