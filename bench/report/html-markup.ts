/** Text that becomes HTML and SVG: whatever is put into a template is escaped, unless it came from a template itself. */

/** Well-formed, as HTML and as XML alike. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Markup | undefined | readonly Part[];

/** Tag of a template, whose own words stand as they are. Quote every attribute. */
export function markup(words: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(words.map((word, index) => (index === 0 ? '' : written(parts[index - 1])) + word).join(''));
}

function written(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(written).join('');
  return part === undefined ? '' : escaped(String(part));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, '\u{fffd}')
    .replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');
}

/** What XML 1.0 has no place for (section 2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
