/**
 * Markdown as people write it in messages, parsed into a small tree that can be drawn and nothing else: GitHub's Markdown as MIMI
 * narrows it (draft-ietf-mimi-content-09, section 7.1.1). There is no HTML in it, ever: what looks like it is text. Whatever the
 * text, time is in proportion to its length, and nothing is nested deeper than `MAX_BLOCKS` and `MAX_INLINES` say.
 *
 * Not drawn but shown as written: tables, task lists, rules, references, images (they are links; fetching one would tell its server
 * who reads). Every line end is one, as everywhere in conversations.
 */
import { type Inline, parseInlines } from './inline.ts';

export type Block =
  | { readonly type: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly type: 'code-block'; readonly language: string; readonly text: string }
  | { readonly type: 'quote'; readonly children: readonly Block[] }
  /** `start` where it is numbered. */
  | { readonly type: 'list'; readonly start?: number; readonly items: readonly (readonly Block[])[] };

/** Quotes and lists inside each other; deeper ones are text. More than four do not fit a telephone. */
export const MAX_BLOCKS = 8;

// Each of these can fail in one way only at each place, so that no line is tried more than once from its beginning.
const FENCE = /^ {0,3}(`{3,}|~{3,})(?![`~])([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t](.*)$/s;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3}(?:[-*+]|(\d{1,9})[.)]))( {1,4}|\t|$)/;
const BLANK = /^\s*$/;

export function parseMarkdown(text: string): readonly Block[] {
  return parseBlocks(text.split(/\r\n|[\r\n]/), MAX_BLOCKS);
}

function parseBlocks(lines: readonly string[], depthLeft: number): readonly Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (BLANK.test(line)) at += 1;
    else {
      const [block, next] = blockAt(lines, at, line, depthLeft);
      blocks.push(block);
      at = next;
    }
  }
  return blocks;
}

/** The block that begins at this line, and the line after it. */
function blockAt(lines: readonly string[], at: number, line: string, depthLeft: number): [Block, number] {
  const fence = FENCE.exec(line);
  if (fence !== null) return codeBlock(lines, at, fence[1] ?? '', (fence[2] ?? '').trim().slice(0, 100));
  const heading = HEADING.exec(line);
  if (heading !== null) {
    const [, marks = '', title = ''] = heading;
    const children = parseInlines(withoutClosing(title));
    return [{ type: 'heading', level: marks.length, children }, at + 1];
  }
  if (depthLeft > 0 && QUOTE.test(line)) {
    let end = at;
    while (end < lines.length && QUOTE.test(lines[end] ?? '')) end += 1;
    const inside = lines.slice(at, end).map((each) => each.replace(QUOTE, ''));
    return [{ type: 'quote', children: parseBlocks(inside, depthLeft - 1) }, end];
  }
  if (depthLeft > 0 && ITEM.test(line)) return list(lines, at, depthLeft);
  let end = at + 1;
  while (end < lines.length && !endsParagraph(lines[end] ?? '', depthLeft)) end += 1;
  const paragraph = lines.slice(at, end).map((each) => each.trim());
  return [{ type: 'paragraph', children: parseInlines(paragraph.join('\n')) }, end];
}

function endsParagraph(line: string, depthLeft: number): boolean {
  if (BLANK.test(line) || FENCE.test(line) || HEADING.test(line)) return true;
  return depthLeft > 0 && (QUOTE.test(line) || ITEM.test(line));
}

/** `## Title ##`: the marks at the end belong to the writing. */
function withoutClosing(title: string): string {
  let end = title.trimEnd().length;
  const all = end;
  while (title[end - 1] === '#') end -= 1;
  return (end < all && (end === 0 || title[end - 1] === ' ') ? title.slice(0, end) : title).trim();
}

/** To the fence that closes it, or to the end. */
function codeBlock(lines: readonly string[], at: number, mark: string, language: string): [Block, number] {
  let end = at + 1;
  while (end < lines.length && !closes(lines[end] ?? '', mark)) end += 1;
  return [{ type: 'code-block', language, text: lines.slice(at + 1, end).join('\n') }, end + 1];
}

function closes(line: string, mark: string): boolean {
  const found = line.trim();
  return found.length >= mark.length && found === mark.charAt(0).repeat(found.length);
}

/** Items of one kind, one after the other; what is indented as far as an item's text belongs to it. */
function list(lines: readonly string[], from: number, depthLeft: number): [Block, number] {
  const first = ITEM.exec(lines[from] ?? '');
  const numbered = first?.[2] !== undefined;
  const items: (readonly Block[])[] = [];
  let at = from;
  for (;;) {
    const mark = ITEM.exec(lines[at] ?? '');
    if (mark === null || (mark[2] !== undefined) !== numbered) break;
    const indent = mark[0].length;
    const inside = [(lines[at] ?? '').slice(indent)];
    at += 1;
    for (;;) {
      // Blank lines belong to the item if something of it follows them.
      let next = at;
      while (next < lines.length && BLANK.test(lines[next] ?? '')) next += 1;
      const line = lines[next];
      if (line === undefined || indentOf(line) < Math.min(indent, 2)) {
        at = next > at && line !== undefined && ITEM.test(line) ? next : at;
        break;
      }
      for (; at < next; at++) inside.push('');
      inside.push(line.slice(Math.min(indentOf(line), indent)));
      at += 1;
    }
    items.push(parseBlocks(inside, depthLeft - 1));
  }
  const start = Number(first?.[2]);
  return [{ type: 'list', ...(numbered && { start }), items }, at];
}

function indentOf(line: string): number {
  let indent = 0;
  while (line[indent] === ' ' || line[indent] === '\t') indent += 1;
  return indent;
}
