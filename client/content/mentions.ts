/** Who is mentioned, and how a mention is written. */
import { addressOf, type ConversationId, type UserId } from '#signalling/ids.ts';
import type { Body, Text } from './content.ts';
import type { Inline } from './link.ts';
import { type Block, parseMarkdown } from './markdown.ts';

/** Everybody that a text names: people, and the conversation where it calls everyone. Plain text mentions nobody. */
export function mentionsOf(text: Text): ReadonlySet<UserId | ConversationId> {
  const found = new Set<UserId | ConversationId>();
  if (text.format === 'markdown' && text.text.includes('mimi:')) inBlocks(parseMarkdown(text.text), found);
  return found;
}

/** The text of a body, which a caption is too. */
export function textOfBody(body: Body): Text | undefined {
  if (body.kind === 'text') return body.text;
  return body.kind === 'attachments' ? body.caption : undefined;
}

/** The mention in Markdown: `[@alice@alpha.example](mimi://alpha.example/u/alice)`. */
export function mentionOf(user: UserId, shown: string = addressOf(user)): string {
  return `[${escaped(shown)}](${user})`;
}

/** A name in Markdown that shows exactly this name, on one line. */
export function escaped(text: string): string {
  return text.replace(/[\\`*_~[\]!<>&#+.()|:-]/g, '\\$&').replace(/\s+/g, ' ');
}

/** Markdown as it is sent: what looks like HTML is text for every reader (section 7.1.1). */
export function withoutHtml(markdown: string): string {
  return markdown.replace(/<(?=[a-z/!?])(?!(https?|mailto|mimi):)/gi, '&lt;');
}

function inBlocks(blocks: readonly Block[], found: Set<UserId | ConversationId>): void {
  for (const block of blocks) {
    if (block.type === 'quote') inBlocks(block.children, found);
    else if (block.type === 'list') for (const item of block.items) inBlocks(item, found);
    else if (block.type !== 'code-block') inInlines(block.children, found);
  }
}

function inInlines(nodes: readonly Inline[], found: Set<UserId | ConversationId>): void {
  for (const node of nodes) {
    if (node.type === 'mention') found.add(node.target);
    else if ('children' in node) inInlines(node.children, found);
  }
}
