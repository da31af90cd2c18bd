/**
 * What stands within a paragraph. One pass from left to right: marks that may open wait in frames, one that closes takes the last
 * frame of its kind, and what was left open is text again. The number of frames is bounded, so that neither the pass nor the tree
 * grows beyond the text.
 */
import { CodeSpans } from './code-spans.ts';
import { type Inline, linkTo } from './link.ts';
import { LinkTargets } from './link-targets.ts';

export type { Inline } from './link.ts';

/** Emphasis inside emphasis; where more are open, the oldest becomes text. */
export const MAX_INLINES = 16;

interface Frame {
  /** The mark that opened it; the bottom one has none. */
  readonly mark: '' | '*' | '_' | '~' | '[' | '![';
  /** How many of it are still to be closed. */
  count: number;
  children: Inline[];
}

const ESCAPABLE = /[!-/:-@[-`{-~]/;
/** Text that holds no mark of any kind, taken at once. */
const PLAIN = /[^\\`*_~[\]!<&\nh]+/y;
const ENTITY = /&(?:(lt|gt|amp|quot|apos|nbsp)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));/y;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: '\u00a0' };

export function parseInlines(text: string): readonly Inline[] {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  readonly #spans: CodeSpans;
  readonly #targets: LinkTargets;
  readonly #frames: Frame[] = [{ mark: '', count: 0, children: [] }];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#spans = new CodeSpans(text);
    this.#targets = new LinkTargets(text);
  }

  parse(): readonly Inline[] {
    while (this.#at < this.#text.length) this.#step();
    this.#closeTo(1);
    return this.#frames[0]?.children ?? [];
  }

  #step(): void {
    const character = this.#text[this.#at] ?? '';
    switch (character) {
      case '\\':
        return this.#escape();
      case '`':
        return this.#code();
      case '*':
      case '_':
      case '~':
        return this.#marks(character);
      case '!':
        return this.#text[this.#at + 1] === '[' ? this.#open('![', 2) : this.#literal('!');
      case '[':
        return this.#open('[', 1);
      case ']':
        return this.#closeLink();
      case '<':
        return this.#angle();
      case '&':
        return this.#entity();
      case 'h':
        return this.#bare();
      case '\n':
        this.#push({ type: 'break' });
        this.#at += 1;
        return;
      default: {
        PLAIN.lastIndex = this.#at;
        return this.#literal(PLAIN.exec(this.#text)?.[0] ?? character);
      }
    }
  }

  get #top(): Frame {
    const top = this.#frames.at(-1);
    if (top === undefined) throw new Error('the bottom frame is never closed');
    return top;
  }

  #push(node: Inline): void {
    append(this.#top.children, node);
  }

  #literal(text: string): void {
    this.#push({ type: 'text', text });
    this.#at += text.length;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (!ESCAPABLE.test(next)) return this.#literal('\\');
    this.#push({ type: 'text', text: next });
    this.#at += 2;
  }

  #code(): void {
    const { length, end } = this.#spans.at(this.#at);
    if (end === undefined) return this.#literal('`'.repeat(length));
    const inside = this.#text.slice(this.#at + length, end).replaceAll('\n', ' ');
    // One blank at each end belongs to the writing: it lets code begin with a backtick.
    const padded = inside.length > 2 && inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
    this.#push({ type: 'code', text: padded ? inside.slice(1, -1) : inside });
    this.#at = end + length;
  }

  #entity(): void {
    ENTITY.lastIndex = this.#at;
    const match = ENTITY.exec(this.#text);
    if (match === null) return this.#literal('&');
    const [whole, name, decimal, hexadecimal] = match;
    const code = Number(decimal ?? `0x${hexadecimal ?? '0'}`);
    const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    this.#push({
      type: 'text',
      text: name !== undefined ? (NAMED[name] ?? whole) : valid ? String.fromCodePoint(code) : whole,
    });
    this.#at += whole.length;
  }

  /** `<https://…>`: a link that shows its address. Anything else in angles is text. */
  #angle(): void {
    const target = this.#targets.inAngles(this.#at + 1);
    const link = target === undefined ? undefined : linkTo(target, [{ type: 'text', text: target }]);
    if (target === undefined || link === undefined) {
      this.#targets.pay(target?.length ?? 0);
      return this.#literal('<');
    }
    this.#push(link);
    this.#at += target.length + 2;
  }

  /** An address of the web in the middle of the text, at the beginning of a word. */
  #bare(): void {
    const inLink = this.#frames.some(({ mark }) => mark === '[');
    const address = inLink ? undefined : this.#targets.bare(this.#at);
    const link = address === undefined ? undefined : linkTo(address, [{ type: 'text', text: address }]);
    if (address === undefined || link === undefined) {
      this.#targets.pay(address?.length ?? 0);
      return this.#literal('h');
    }
    this.#push(link);
    this.#at += address.length;
  }

  /** A run of one mark: what of it can close something does, the rest opens, or is text (CommonMark 0.30, section 6.2). */
  #marks(mark: '*' | '_' | '~'): void {
    let count = 1;
    while (this.#text[this.#at + count] === mark) count += 1;
    const { opens, closes } = this.#sides(mark, count);
    this.#at += count;
    if (closes) count = this.#close(mark, count);
    // A run of a hundred is no emphasis; three are emphasis in strong emphasis.
    if (opens && count > 0 && count <= (mark === '~' ? 2 : 3)) this.#frame(mark, count);
    else if (count > 0) this.#push({ type: 'text', text: mark.repeat(count) });
  }

  #sides(mark: string, count: number): { opens: boolean; closes: boolean } {
    const before = kindOf(lastCharacter(this.#text, this.#at));
    const after = kindOf(firstCharacter(this.#text, this.#at + count));
    const left = after === 'letter' || (after === 'mark' && before !== 'letter');
    const right = before === 'letter' || (before === 'mark' && after !== 'letter');
    // snake_case_names stay as they are.
    if (mark !== '_') return { opens: left, closes: right };
    return { opens: left && (!right || before === 'mark'), closes: right && (!left || after === 'mark') };
  }

  /** Closes as much of the run as has something to close, and returns how many marks are left of it. */
  #close(mark: '*' | '_' | '~', run: number): number {
    let left = run;
    while (left > 0) {
      // Marks do not reach out of the text of a link.
      const index = this.#frames.findLastIndex(
        (frame) => frame.mark === mark || frame.mark === '[' || frame.mark === '![',
      );
      const frame = this.#frames[index];
      if (frame === undefined || frame.mark !== mark) break;
      const used = Math.min(2, left, frame.count);
      if (mark === '~' && (used !== left || used !== frame.count)) break;
      this.#closeTo(index + 1);
      const type = mark === '~' ? 'strike' : used === 2 ? 'strong' : 'emphasis';
      const node: Inline = { type, children: frame.children };
      frame.children = [];
      frame.count -= used;
      left -= used;
      if (frame.count === 0) {
        this.#frames.pop();
        this.#push(node);
      } else frame.children.push(node);
    }
    return left;
  }

  #open(mark: '[' | '![', length: number): void {
    this.#frame(mark, 1);
    this.#at += length;
  }

  #frame(mark: Frame['mark'], count: number): void {
    this.#frames.push({ mark, count, children: [] });
    const [bottom, oldest] = this.#frames;
    if (this.#frames.length <= MAX_INLINES + 1 || bottom === undefined || oldest === undefined) return;
    asText(oldest, bottom.children);
    this.#frames.splice(1, 1);
  }

  /** Turns all frames from this one on into text of the one below them. */
  #closeTo(index: number): void {
    const into = this.#frames[index - 1];
    if (into === undefined) return;
    for (const frame of this.#frames.splice(index)) asText(frame, into.children);
  }

  /** `](address)` makes a link of what is in the brackets; without an address, or with one that is not allowed, all is text. */
  #closeLink(): void {
    const index = this.#frames.findLastIndex(({ mark }) => mark === '[' || mark === '![');
    const frame = this.#frames[index];
    if (frame === undefined) return this.#literal(']');
    const target = this.#targets.after(this.#at + 1);
    this.#closeTo(index + 1);
    this.#frames.pop();
    const link = target === undefined ? undefined : linkTo(target.address, frame.children);
    if (target === undefined || link === undefined) {
      this.#targets.pay(target === undefined ? 0 : target.address.length);
      asText(frame, this.#top.children);
      return this.#literal(']');
    }
    // A link in the text of a link: the inner one is it, and the brackets around it are text.
    if (frame.mark === '[') this.#forgetBrackets();
    this.#push(link);
    this.#at = target.end;
  }

  #forgetBrackets(): void {
    const first = this.#frames.findIndex(({ mark }) => mark === '[');
    if (first > 0) this.#closeTo(first);
  }
}

function append(children: Inline[], node: Inline): void {
  const last = children.at(-1);
  if (node.type === 'text' && last?.type === 'text') {
    children[children.length - 1] = { type: 'text', text: last.text + node.text };
  } else children.push(node);
}

/** What opened and was never closed: its mark and what came after it. */
function asText({ mark, count, children }: Frame, into: Inline[]): void {
  append(into, { type: 'text', text: mark.repeat(count) });
  for (const child of children) append(into, child);
}

function firstCharacter(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function lastCharacter(text: string, before: number): string {
  const unit = text.charCodeAt(before - 1);
  return unit >= 0xdc00 && unit <= 0xdfff
    ? text.slice(Math.max(0, before - 2), before)
    : text.slice(Math.max(0, before - 1), before);
}

type Kind = 'blank' | 'mark' | 'letter';

const ASCII: readonly Kind[] = Array.from({ length: 128 }, (_, code) => {
  if (code <= 32) return 'blank';
  return ESCAPABLE.test(String.fromCharCode(code)) ? 'mark' : 'letter';
});

/** What decides whether a mark stands at the beginning or the end of a word. The ends of the text count as blanks. */
function kindOf(character: string): Kind {
  // Most are ASCII, and looking them up in Unicode is what a text of marks costs most.
  const ascii = character.length === 1 ? ASCII[character.charCodeAt(0)] : undefined;
  if (ascii !== undefined) return ascii;
  if (character === '' || /\s/u.test(character)) return 'blank';
  return /[\p{P}\p{S}]/u.test(character) ? 'mark' : 'letter';
}
