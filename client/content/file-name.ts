/** The name of a file that somebody else chose. */
import { MAX_FILE_NAME_BYTES } from './limits.ts';

// Control characters, and those that turn the direction of writing: `invoice<U+202E>fdp.exe` is read as `invoiceexe.pdf`.
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const SEPARATORS = /[/\\:*?"<>|]/g;
const encoder = new TextEncoder();

/**
 * The name as it can be shown and saved under: no path, nothing that hides its ending, 255 bytes at most with the ending kept.
 * `file` where nothing of it is left. A name that went through this once stays as it is.
 */
export function fileName(suggested: string): string {
  const visible = suggested.toWellFormed().replace(INVISIBLE, '').replace(SEPARATORS, '_');
  const trimmed = shortened(visible.replace(/^[\s.]+/, '').trimEnd());
  return trimmed === '' ? 'file' : trimmed;
}

function shortened(name: string): string {
  if (encoder.encode(name).length <= MAX_FILE_NAME_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const ending = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let left = MAX_FILE_NAME_BYTES - encoder.encode(ending).length;
  let stem = '';
  for (const character of ending === '' ? name : name.slice(0, dot)) {
    left -= encoder.encode(character).length;
    if (left < 0) break;
    stem += character;
  }
  return stem.trimEnd() + ending;
}
