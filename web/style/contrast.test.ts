/** WCAG 2.2, success criteria 1.4.3 and 1.4.11: what is read and what shows the focus stand out from their ground, in both themes. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const css = await readFile(new URL('tokens.css', import.meta.url), 'utf8');
const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)');

function coloursOf(...parts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    parts.flatMap((part) =>
      [...part.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dim = 0, bright = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dim + 0.05);
}

const GROUNDS = ['ground', 'surface', 'surface-2'];
const PAIRS = [
  ...['text', 'text-quiet', 'accent-strong', 'danger', 'live', 'foreign'].flatMap((text) =>
    GROUNDS.map((ground) => [text, ground, 4.5] as const),
  ),
  ...(
    [
      ['on-accent', 'accent'],
      ['text', 'accent-soft'],
      ['text', 'warning-soft'],
      ['foreign', 'foreign-soft'],
      ['code', 'code-ground'],
      ['stage-text', 'stage'],
      ['stage-quiet', 'stage-surface'],
      ['stage-foreign', 'stage-surface'],
    ] as const
  ).map(([text, ground]) => [text, ground, 4.5] as const),
  ...GROUNDS.map((ground) => ['focus', ground, 3] as const),
];

it.each([
  ['light', coloursOf(light)],
  ['dark', coloursOf(light, dark)],
])('every text can be read in the %s theme', (_theme, colours) => {
  const poor = PAIRS.map(([text, ground, least]) => {
    const ratio = contrast(colours.get(text) ?? expect.fail(text), colours.get(ground) ?? expect.fail(ground));
    return ratio < least ? `${text} on ${ground}: ${ratio.toFixed(2)}` : '';
  });
  expect(poor.filter((each) => each !== '')).toEqual([]);
});
