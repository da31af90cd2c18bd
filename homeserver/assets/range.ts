/** The Range header (RFC 9110, section 14): one range of bytes, or the whole. Pure. */
import type { ByteRange } from './store.ts';

const MAX_LENGTH = 64;

/**
 * What a request asks for. Several ranges at once, and units other than bytes, give the whole file, as section 14.2 allows;
 * what names bytes and cannot be understood is refused rather than answered with gigabytes that nobody asked for.
 * @param header as it came, undefined where there is none
 * @param size bytes of the file, 1 or more
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (header === undefined || !/^bytes=/i.test(header)) return 'whole';
  if (header.includes(',')) return 'whole';
  const match = header.length <= MAX_LENGTH ? /^bytes=(\d*)-(\d*)$/i.exec(header) : null;
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return 'unsatisfiable';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { from: size - length, to: size - 1 };
  }
  const from = Number(first);
  const to = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return from >= size || to < from ? 'unsatisfiable' : { from, to };
}
