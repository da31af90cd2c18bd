/**
 * Search on the device: which messages have these words. Whole words and beginnings of words, whatever their case and accents. What
 * is stored of it is one entry a message, so that a new message writes one record; the index is made of them when it is opened.
 */
import type { MessageId } from '#client/content/message-id.ts';

export interface SearchEntry {
  readonly id: MessageId;
  /** ms since 1970. */
  readonly at: number;
  readonly terms: readonly string[];
}

/** Different words of one message; of a text of 32 kB in which all words differ, the first two thirds. */
const MAX_TERMS = 4096;
/** UTF-16 units; longer ones are not words but addresses and keys, and are found by their beginning. */
const MAX_TERM = 40;
const MAX_QUERY = 200;
/** Terms are found by up to so many of their first letters; the rest is compared. */
const BUCKET = 3;

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** The words of a text in the form in which they are compared, each once. */
export function termsOf(text: string, limit = MAX_TERMS): readonly string[] {
  const terms = new Set<string>();
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    if (!isWordLike) continue;
    const term = folded(segment).slice(0, MAX_TERM);
    if (term !== '') terms.add(term);
    if (terms.size >= limit) break;
  }
  return [...terms];
}

// Accents, and the vowel points of Hebrew and Arabic: written or not, it is the same word. Marks of other scripts are letters.
const ACCENTS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]/g;

/** Over upper case, because only there `ß` is `SS`, and both forms of the small sigma are one. */
function folded(word: string): string {
  return word.normalize('NFKD').replace(ACCENTS, '').toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFC');
}

export class SearchIndex {
  readonly #entries = new Map<MessageId, SearchEntry>();
  readonly #messages = new Map<string, Set<MessageId>>();
  readonly #buckets = new Map<string, Set<string>>();

  /** @param entries what was stored */
  constructor(entries: Iterable<SearchEntry> = []) {
    for (const entry of entries) this.#insert(entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Puts a message in, or its new text in the place of the old.
   * @returns the entry to be stored; undefined where no word is in the text
   */
  add(id: MessageId, text: string, at: number): SearchEntry | undefined {
    this.remove(id);
    const entry: SearchEntry = { id, at, terms: termsOf(text) };
    if (entry.terms.length === 0) return undefined;
    this.#insert(entry);
    return entry;
  }

  /** @returns whether it was there, so that its stored entry has to go too */
  remove(id: MessageId): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#entries.delete(id);
    for (const term of entry.terms) {
      const messages = this.#messages.get(term);
      messages?.delete(id);
      if (messages?.size === 0) this.#forget(term);
    }
    return true;
  }

  /** The newest messages that have every word of the query, or words that begin with them. */
  find(query: string, limit = 50): readonly MessageId[] {
    const words = termsOf(query.slice(0, MAX_QUERY)).map((word) => this.#beginningWith(word));
    const [rarest, ...others] = words.sort((a, b) => a.size - b.size);
    if (rarest === undefined) return [];
    const found = [...rarest].filter((id) => others.every((each) => each.has(id)));
    const at = (id: MessageId) => this.#entries.get(id)?.at ?? 0;
    return found.sort((a, b) => at(b) - at(a) || (a < b ? -1 : 1)).slice(0, limit);
  }

  #beginningWith(word: string): ReadonlySet<MessageId> {
    const found = new Set<MessageId>();
    for (const term of this.#buckets.get(beginning(word, BUCKET)) ?? []) {
      if (term.startsWith(word)) for (const id of this.#messages.get(term) ?? []) found.add(id);
    }
    return found;
  }

  #insert(entry: SearchEntry): void {
    this.#entries.set(entry.id, entry);
    for (const term of entry.terms) {
      const messages = this.#messages.get(term);
      if (messages !== undefined) messages.add(entry.id);
      else {
        this.#messages.set(term, new Set([entry.id]));
        for (const bucket of bucketsOf(term)) {
          const terms = this.#buckets.get(bucket) ?? new Set();
          this.#buckets.set(bucket, terms.add(term));
        }
      }
    }
  }

  #forget(term: string): void {
    this.#messages.delete(term);
    for (const bucket of bucketsOf(term)) {
      const terms = this.#buckets.get(bucket);
      terms?.delete(term);
      if (terms?.size === 0) this.#buckets.delete(bucket);
    }
  }
}

function beginning(term: string, length: number): string {
  return [...term].slice(0, length).join('');
}

function bucketsOf(term: string): ReadonlySet<string> {
  return new Set(Array.from({ length: BUCKET }, (_, index) => beginning(term, index + 1)));
}
