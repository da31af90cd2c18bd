import type { ComponentChildren } from 'preact';
import type { Text } from '#client/content/content.ts';
import type { Inline } from '#client/content/link.ts';
import { type Block, parseMarkdown } from '#client/content/markdown.ts';
import { useTabStop, useTalk } from './context.ts';
import { mentionedOf } from './people.ts';

/** Parsed once: a conversation is drawn again with every message, and texts never change. */
const parsed = new WeakMap<Text, readonly Block[]>();

/** What somebody wrote. It is drawn from the tree; nothing of it ever is HTML. */
export function Said({ text }: { text: Text }) {
  if (text.format === 'plain') {
    return (
      <p class="said-plain" dir="auto">
        {text.text}
      </p>
    );
  }
  const blocks = parsed.get(text) ?? parseMarkdown(text.text);
  parsed.set(text, blocks);
  return <Blocks blocks={blocks} />;
}

function Blocks({ blocks }: { blocks: readonly Block[] }) {
  return (
    <>
      {blocks.map((block, index) => (
        <OneBlock key={index} block={block} />
      ))}
    </>
  );
}

function OneBlock({ block }: { block: Block }) {
  switch (block.type) {
    case 'paragraph':
      return (
        <p dir="auto">
          <Inlines nodes={block.children} />
        </p>
      );
    // Not a heading of the page: a screen reader's list of headings is the page's own.
    case 'heading':
      return (
        <p dir="auto" class={`said-heading said-heading-${Math.min(block.level, 3)}`}>
          <Inlines nodes={block.children} />
        </p>
      );
    case 'code-block':
      return (
        <pre dir="ltr">
          <code>{block.text}</code>
        </pre>
      );
    case 'quote':
      return (
        <blockquote dir="auto">
          <Blocks blocks={block.children} />
        </blockquote>
      );
    case 'list': {
      const items = block.items.map((item, index) => (
        <li key={index} dir="auto">
          <Blocks blocks={item} />
        </li>
      ));
      return block.start === undefined ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
    }
  }
}

function Inlines({ nodes }: { nodes: readonly Inline[] }) {
  return (
    <>
      {nodes.map((node, index) => (
        <OneInline key={index} node={node} />
      ))}
    </>
  );
}

function OneInline({ node }: { node: Inline }): ComponentChildren {
  switch (node.type) {
    case 'text':
      return node.text;
    case 'break':
      return <br />;
    case 'code':
      return <code dir="ltr">{node.text}</code>;
    case 'emphasis':
      return (
        <em>
          <Inlines nodes={node.children} />
        </em>
      );
    case 'strong':
      return (
        <strong>
          <Inlines nodes={node.children} />
        </strong>
      );
    case 'strike':
      return (
        <del>
          <Inlines nodes={node.children} />
        </del>
      );
    case 'link':
      return <Link node={node} />;
    case 'mention':
      return <Mention node={node} />;
  }
}

/** Opens apart from the page and tells it nothing, nor where one came from. One that lies about its target asks before. */
function Link({ node }: { node: Extract<Inline, { type: 'link' }> }) {
  const { ask } = useTalk();
  const tabIndex = useTabStop();
  const { href, honest } = node;
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      tabIndex={tabIndex}
      onClick={(event) => {
        if (honest) return;
        event.preventDefault();
        ask(href);
      }}
      // A middle click would open it without a question.
      onAuxClick={(event) => {
        if (!honest) event.preventDefault();
      }}
    >
      <bdi>
        <Inlines nodes={node.children} />
      </bdi>
    </a>
  );
}

/** The name that is known here, not the one that the writer chose; whoever is not here is shown as written. */
function Mention({ node }: { node: Extract<Inline, { type: 'mention' }> }) {
  const { people } = useTalk();
  const { target, shown } = node;
  const known = mentionedOf(people, target);
  const isMe = target === people.self || target === people.conversation;
  return (
    <bdi class={known === undefined ? 'mention-unknown' : isMe ? 'mention mention-me' : 'mention'}>
      {known ?? shown}
      {target === people.self && <span class="sr-only"> (you)</span>}
    </bdi>
  );
}
