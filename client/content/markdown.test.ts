import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf } from '#signalling/testing-cost.ts';
import { type Inline, parseInlines } from './inline.ts';
import { plainText } from './link.ts';
import { type Block, parseMarkdown } from './markdown.ts';
import { escaped, mentionOf, mentionsOf, withoutHtml } from './mentions.ts';
import { excerptOf, wordsOf } from './summary.ts';
import { user } from './testing/contents.ts';

const BOB = user('bob');

/** The tree as one writes it down: `strong(a)`, `link(https://…: a)`. */
function inline(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.type) {
        case 'text':
          return node.text;
        case 'break':
          return '¶';
        case 'code':
          return `code(${node.text})`;
        case 'mention':
          return `mention(${node.target}: ${node.shown})`;
        case 'link':
          return `link${node.honest ? '' : '!'}(${node.href}: ${inline(node.children)})`;
        default:
          return `${node.type}(${inline(node.children)})`;
      }
    })
    .join('');
}

function blocks(nodes: readonly Block[]): string {
  return nodes.map(block).join(' ');
}

function block(node: Block): string {
  switch (node.type) {
    case 'paragraph':
      return `p(${inline(node.children)})`;
    case 'heading':
      return `h${node.level}(${inline(node.children)})`;
    case 'code-block':
      return `code[${node.language}](${node.text.replaceAll('\n', '¶')})`;
    case 'quote':
      return `quote(${blocks(node.children)})`;
    case 'list':
      return `list${node.start ?? ''}(${node.items.map(blocks).join(' | ')})`;
  }
}

describe('within a paragraph', () => {
  it.each([
    ['plain', 'plain'],
    ['*a* _b_', 'emphasis(a) emphasis(b)'],
    ['**a** __b__', 'strong(a) strong(b)'],
    ['***a***', 'emphasis(strong(a))'],
    ['**a *b* c**', 'strong(a emphasis(b) c)'],
    ['*a **b***', 'emphasis(a strong(b))'],
    ['~~gone~~ ~this too~', 'strike(gone) strike(this too)'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['snake_case_name', 'snake_case_name'],
    ['un*frigging*believable', 'unemphasis(frigging)believable'],
    ['**open', '**open'],
    ['*a **b', '*a **b'],
    ['*a **b* c', '*a *emphasis(b) c'],
    ['a ~~~ b', 'a ~~~ b'],
    ['`a *b*`', 'code(a *b*)'],
    ['`` a ` b ``', 'code(a ` b)'],
    ['`open', '`open'],
    ['\\*a\\* \\`b\\`', '*a* `b`'],
    ['\\a', '\\a'],
    ['&lt;b&gt; &amp;amp; &#65;&#x42; &nope; &', '<b> &amp; AB &nope; &'],
    ['<b onclick="x">a</b>', '<b onclick="x">a</b>'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['a\nb', 'a¶b'],
    ['Müller*s* 😀*s*', 'Mülleremphasis(s) 😀emphasis(s)'],
  ])('%s', (text, expected) => expect(inline(parseInlines(text))).toBe(expected));
});

describe('links', () => {
  it.each([
    ['[a](https://a.example)', 'link(https://a.example/: a)'],
    ['[a](<https://a.example/x>)', 'link(https://a.example/x: a)'],
    ['[a](https://a.example "title")', 'link(https://a.example/: a)'],
    ['[a](https://a.example/x_(y))', 'link(https://a.example/x_(y): a)'],
    ['[**a** `b`](http://a.example)', 'link(http://a.example/: strong(a) code(b))'],
    ['[a](mailto:bob@a.example)', 'link(mailto:bob@a.example: a)'],
    ['![picture](https://a.example/p.png)', 'link(https://a.example/p.png: picture)'],
    ['<https://a.example/x>', 'link(https://a.example/x: https://a.example/x)'],
    ['see https://a.example/x.', 'see link(https://a.example/x: https://a.example/x).'],
    ['(https://a.example/x_(y))', '(link(https://a.example/x_(y): https://a.example/x_(y)))'],
    ['**https://a.example**', 'strong(link(https://a.example/: https://a.example))'],
    ['xhttps://a.example', 'xhttps://a.example'],
    ['[a](javascript:alert(1))', '[a](javascript:alert(1))'],
    ['[a](data:text/html,x)', '[a](data:text/html,x)'],
    ['[a](JaVaScRiPt:alert)', '[a](JaVaScRiPt:alert)'],
    ['[a](file:///etc/passwd)', '[a](file:///etc/passwd)'],
    ['[a](//a.example)', '[a](//a.example)'],
    ['[a](/x)', '[a](/x)'],
    ['[a](https:a.example)', '[a](https:a.example)'],
    ['[a](https://bank.example@evil.example)', '[a](https://bank.example@evil.example)'],
    ['[a] (https://a.example)', '[a] (link(https://a.example/: https://a.example))'],
    ['[a](https://a.example', '[a](link(https://a.example/: https://a.example)'],
    [
      '[a [b](https://b.example) c](https://a.example)',
      '[a link(https://b.example/: b) c](link(https://a.example/: https://a.example))',
    ],
    ['*[a*](https://a.example)', '*link(https://a.example/: a*)'],
    ['<javascript:alert(1)>', '<javascript:alert(1)>'],
  ])('%s', (text, expected) => expect(inline(parseInlines(text))).toBe(expected));

  it.each([
    ['[example.com/foobar](https://example.com/foobar)', true],
    ['[https://example.com/foobar](https://example.com/foobar)', true],
    ['[https://example.com:443/foobar](https://example.com/foobar)', true],
    ['[click here](https://example.com/foobar)', true],
    ['[https://example.com/foobar](https://spearphishers.example/foobar)', false],
    ['[https://example.com/foobar](http://example.com/foobar)', false],
    ['[example.com](https://evil.example)', false],
    ['[go to https://example.com now](https://evil.example)', false],
    ['[**example**.com](https://evil.example)', false],
    ['[bob@a.example](mailto:bob@a.example)', true],
    ['[bob@a.example](mailto:eve@a.example)', false],
  ])('tells whether what is shown is where it leads: %s', (text, honest) => {
    expect(parseInlines(text)).toMatchObject([{ type: 'link', honest }]);
  });

  it('knows people and everyone, and no other address of a homeserver', () => {
    expect(inline(parseInlines(`[Bob](${BOB})`))).toBe(`mention(${BOB}: Bob)`);
    expect(inline(parseInlines(`<${BOB}>`))).toBe(`mention(${BOB}: ${BOB})`);
    const room = 'mimi://alpha.example/r/AAECAwQFBgcICQoLDA0ODw';
    expect(mentionsOf({ format: 'markdown', text: `[all](${room}) [Bob](${BOB}) \`[Eve](${user('eve')})\`` })).toEqual(
      new Set([room, BOB]),
    );
    expect(mentionsOf({ format: 'markdown', text: `> - **[Bob](${BOB})**` })).toEqual(new Set([BOB]));
    expect(mentionsOf({ format: 'plain', text: `[Bob](${BOB})` }).size).toBe(0);
    expect(inline(parseInlines('[x](mimi://alpha.example/a/AAECAwQFBgcICQoLDA0ODw)'))).toContain('[x](mimi:');
  });

  it('writes mentions of people with any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (name) => {
        const [node, ...rest] = parseInlines(mentionOf(BOB, name));
        expect([node, rest]).toEqual([{ type: 'mention', target: BOB, shown: name.replace(/\s+/g, ' ') }, []]);
        expect(plainText(parseInlines(escaped(name)))).toBe(name.replace(/\s+/g, ' '));
      }),
    );
  });

  it('sends no HTML', () => {
    expect(withoutHtml('<b>a</b> <!-- x --> 1 < 2 <https://a.example> <mimi://a.example/u/b>')).toBe(
      '&lt;b>a&lt;/b> &lt;!-- x --> 1 < 2 <https://a.example> <mimi://a.example/u/b>',
    );
  });
});

describe('blocks', () => {
  it.each([
    ['a\n\nb', 'p(a) p(b)'],
    ['a\nb', 'p(a¶b)'],
    ['a\r\nb\r\n', 'p(a¶b)'],
    ['', ''],
    ['# a\n## b ##\n####### c', 'h1(a) h2(b) p(####### c)'],
    ['#a', 'p(#a)'],
    ['```js\na\n\n<b>\n```\nc', 'code[js](a¶¶<b>) p(c)'],
    ['~~~\n```\n~~~', 'code[](```)'],
    ['```\nopen', 'code[](open)'],
    ['> a\n> b\n>\n> > c\nd', 'quote(p(a¶b) quote(p(c))) p(d)'],
    ['- a\n- b\n* c', 'list(p(a) | p(b) | p(c))'],
    ['3. a\n4) b', 'list3(p(a) | p(b))'],
    ['- a\n  - b\n    - c\n- d', 'list(p(a) list(p(b) list(p(c))) | p(d))'],
    ['- a\n\n  b\n\n- c\n\nd', 'list(p(a) p(b) | p(c)) p(d)'],
    ['- a\n1. b', 'list(p(a)) list1(p(b))'],
    ['- ```\n  x\n  ```', 'list(code[](x))'],
    ['-a', 'p(-a)'],
    ['a\n- b', 'p(a) list(p(b))'],
    ['| a | b |\n| - | - |', 'p(| a | b |¶| - | - |)'],
  ])('%j', (text, expected) => expect(blocks(parseMarkdown(text))).toBe(expected));
});

it('gives the words of a message in one line', () => {
  const text = `# Hi\n\n- **a**\n- [Bob](${BOB})\n\n> q\n\n\`\`\`\ncode\n\`\`\``;
  expect(excerptOf({ kind: 'text', text: { format: 'markdown', text } })).toBe('Hi a Bob q code');
  expect(wordsOf({ kind: 'text', text: { format: 'plain', text: '*a*' } })).toBe('*a*');
  expect(excerptOf({ kind: 'text', text: { format: 'plain', text: '👩🏽‍⚕️'.repeat(200) } })).toBe(
    `${'👩🏽‍⚕️'.repeat(140)}…`,
  );
});

describe('64 kB of bad will', () => {
  const SIZE = 64 * 1024;
  const fill = (piece: string) => piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE);
  const runs = Array.from({ length: 360 }, (_, length) => `${'`'.repeat(length + 1)} `).join('');
  it.each([
    ['stars', fill('*')],
    ['open stars', fill('*a ')],
    ['alternating', fill('*a _b ')],
    ['three kinds', fill('*_~')],
    ['open and closed', fill('*a**b_c__d~~')],
    ['nested emphasis', `${fill('*a **b ').slice(0, SIZE / 2)}${fill('b** a* ').slice(0, SIZE / 2)}`],
    ['brackets', fill('[')],
    ['closing brackets', fill(']')],
    ['open links', fill('[a](')],
    ['open links in each other', fill('](')],
    ['closed links', `${fill('[](x').slice(0, SIZE / 2)}${')'.repeat(SIZE / 2)}`],
    ['links that are none', fill('[a](javascript:x)')],
    ['links with titles', fill('[a](b "')],
    ['parentheses', `[a](${fill('(')}`],
    ['images', fill('![')],
    ['images in images', fill('![a](https://a.example/![')],
    ['angles', fill('<')],
    ['angles with addresses', fill('<https://a.example/')],
    ['addresses in addresses', fill('(https://%(https://a:b@')],
    ['addresses with dots', `${fill('https://a.example/......')}`],
    ['backticks', fill('`')],
    ['backticks of all lengths', runs],
    ['backticks and letters', fill('`a``b')],
    ['backslashes', fill('\\')],
    ['entities', fill('&#x')],
    ['blanks', fill(' ')],
    ['line ends', fill('\n')],
    ['quotes', fill('>')],
    ['quotes in quotes', fill('> > > > > > > > > > a\n')],
    ['lists', fill('- ')],
    ['lists of nothing', fill('-\n')],
    ['lists with blank lines', fill('- a\n\n\n\n\n\n\n\n')],
    ['lists in lists', Array.from({ length: 300 }, (_, depth) => `${' '.repeat(2 * (depth % 100))}- a`).join('\n')],
    ['numbers', fill('1. ')],
    ['fences', fill('```\n')],
    ['fences of waves', `${'~'.repeat(SIZE - 1)}\``],
    ['a fence and blanks', `\`\`\`${fill(' ')}\`x`],
    ['headings', fill('# ')],
    ['a heading with a line separator', `# ${fill(' ')}\u2028`],
    ['hashes', `# a${fill('#')}b`],
    ['one long word', fill('a')],
    ['letters with accents', fill('e\u0301')],
    ['letters that begin addresses', fill('h')],
  ])('costs as much more as it is longer: %s', (_name, text) => {
    // What is linear costs four times as much for four times the length, what is quadratic sixteen times. The best of
    // many, as the engine compiles it first; nothing counts as less than a millisecond.
    const least = { quarter: Number.POSITIVE_INFINITY, whole: Number.POSITIVE_INFINITY };
    const growth = () => least.whole / Math.max(1, least.quarter);
    for (let attempt = 0; attempt < 40 && !(growth() < 9); attempt++) {
      least.quarter = Math.min(
        least.quarter,
        costOf(() => parseMarkdown(text.slice(0, SIZE / 4))),
      );
      least.whole = Math.min(
        least.whole,
        costOf(() => parseMarkdown(text)),
      );
    }
    expect(growth()).toBeLessThan(9);
  });
});
