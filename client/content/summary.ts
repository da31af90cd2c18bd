/** A body in one line of plain text: for quotes, lists of conversations, notifications and the search. */
import type { Body, Text } from './content.ts';
import { plainText } from './link.ts';
import { type Block, parseMarkdown } from './markdown.ts';

/** All words of the body, without marks. Empty where it has none. */
export function wordsOf(body: Body): string {
  switch (body.kind) {
    case 'text':
      return withoutMarks(body.text);
    case 'attachments': {
      const names = body.attachments.map(({ name, description }) => `${name} ${description}`.trim());
      return [...(body.caption === undefined ? [] : [withoutMarks(body.caption)]), ...names].join('\n');
    }
    case 'session':
    case 'other':
      return body.description;
    case 'ping':
      return '';
  }
}

/** The beginning of the words, on one line. @param limit characters as people count them */
export function excerptOf(body: Body, limit = 140): string {
  // Twelve units for each sign are enough for all but signs made to be long; the rest is not looked at.
  const line = wordsOf(body)
    .slice(0, 12 * limit)
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .trim();
  const signs: string[] = [];
  for (const { segment } of graphemes.segment(line)) {
    if (signs.length === limit) return `${signs.join('').trimEnd()}…`;
    signs.push(segment);
  }
  return line;
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

function withoutMarks({ format, text }: Text): string {
  return format === 'plain' ? text : blocksText(parseMarkdown(text));
}

function blocksText(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      if (block.type === 'code-block') return block.text;
      if (block.type === 'quote') return blocksText(block.children);
      return block.type === 'list' ? block.items.map(blocksText).join('\n') : plainText(block.children);
    })
    .join('\n');
}
