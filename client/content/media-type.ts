/** The media types of texts in a message, and which of them this version shows. */
import type { Text } from './content.ts';

export const PLAIN = 'text/plain;charset=utf-8';
/** Section 7.1.1: GitHub's Markdown without HTML. */
export const MARKDOWN = 'text/markdown;variant=GFM-MIMI';
export const STATUS = 'application/mimi-message-status';

/** In which format to show a text of this type; undefined where it cannot be shown. */
export function textFormat(contentType: string): Text['format'] | undefined {
  const [type, ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters.map((each) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(each)?.[1]).find((each) => each);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'us-ascii') return undefined;
  switch (type?.trim()) {
    case 'text/plain':
      return 'plain';
    // A text in another variant is shown by the rules of this one: what it does not know stays as it was written.
    case 'text/markdown':
      return 'markdown';
    default:
      return undefined;
  }
}

/** A type and a subtype (RFC 6838, section 4.2), with parameters or without. */
export function isMediaType(text: string): boolean {
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}(;[\x20-\x7e]*)?$/i.test(text);
}
