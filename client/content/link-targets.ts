/**
 * The addresses of links, found without ever reading a piece of the text often: to try each of 20,000 openings to its end takes
 * the square of the length. Places that failed are paid from an account that honest texts never touch.
 */
import { MAX_URL_BYTES } from './limits.ts';

export interface LinkTarget {
  readonly address: string;
  /** The place after it. */
  readonly end: number;
}

const BARE = /https?:\/\/[^\s<>"'`*\\[\]]{1,2000}/y;
const INSIDE_WORD = /[\p{L}\p{N}_/.:@-]/u;

function withoutSentence(address: string): string {
  let end = address.length;
  let open = 0;
  for (const character of address) open += character === '(' ? 1 : character === ')' ? -1 : 0;
  for (; end > 0; end--) {
    const last = address[end - 1] ?? '';
    if (last === ')' && open < 0) open += 1;
    else if (!/[.,:;!?_~]/.test(last)) break;
  }
  return address.slice(0, end);
}

export class LinkTargets {
  readonly #text: string;
  /** Characters that may still be read in vain. */
  #account: number;

  constructor(text: string) {
    this.#text = text;
    this.#account = 4 * text.length + MAX_URL_BYTES;
  }

  /** `(address)` or `(<address>)` or `(address "title")` at this place. Parentheses in the address are closed in it. */
  after(place: number): LinkTarget | undefined {
    if (this.#text[place] !== '(') return undefined;
    const start = place + 1;
    if (this.#text[start] === '<') {
      const address = this.inAngles(start + 1);
      const end = start + (address?.length ?? 0) + 2;
      return address !== undefined && this.#text[end] === ')' ? { address, end: end + 1 } : undefined;
    }
    let open = 0;
    let at = start;
    for (; at < this.#limit(start); at++) {
      const character = this.#text[at] ?? '';
      if (character <= ' ') break;
      if (character === '(') open += 1;
      if (character === ')') {
        if (open === 0) return { address: this.#text.slice(start, at), end: at + 1 };
        open -= 1;
      }
    }
    const end = open === 0 ? this.#afterTitle(at) : undefined;
    if (end !== undefined) return { address: this.#text.slice(start, at), end };
    this.pay(at - start);
    return undefined;
  }

  /** The address up to the closing angle. */
  inAngles(start: number): string | undefined {
    let at = start;
    for (; at < this.#limit(start); at++) {
      const character = this.#text[at] ?? '';
      if (character === '>') return this.#text.slice(start, at);
      if (character <= ' ' || character === '<') break;
    }
    this.pay(at - start);
    return undefined;
  }

  /** ` "title")`; the title is passed over: it shows only where a mouse rests, which nobody expects in a conversation. */
  #afterTitle(place: number): number | undefined {
    if (this.#text[place] !== ' ' || this.#text[place + 1] !== '"') return undefined;
    let at = place + 2;
    for (; at < this.#limit(place); at++) {
      const character = this.#text[at] ?? '';
      if (character === '"') return this.#text[at + 1] === ')' ? at + 2 : undefined;
      if (character === '\n') break;
    }
    this.pay(at - place);
    return undefined;
  }

  /** An address in the middle of a text, at the beginning of a word, without the marks of the sentence that follow it. */
  bare(place: number): string | undefined {
    if (this.#account <= 0 || (place > 0 && INSIDE_WORD.test(this.#text[place - 1] ?? ''))) return undefined;
    BARE.lastIndex = place;
    const found = BARE.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    const address = withoutSentence(found);
    this.pay(found.length - address.length);
    return address;
  }

  /** To be called with the length of what was found and turned out to be no address: it is read again. */
  pay(characters: number): void {
    this.#account -= characters;
  }

  #limit(start: number): number {
    return Math.min(this.#text.length, start + Math.min(MAX_URL_BYTES, Math.max(0, this.#account)));
  }
}
