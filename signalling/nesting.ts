/**
 * True when no array or object of the JSON text lies deeper than `limit`. Reads the text once without building anything,
 * so that a message made of brackets costs its length and nothing more.
 */
export function nestingWithin(json: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i += 1;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      if (depth > limit) return false;
    } else if (c === 0x7d || c === 0x5d) depth -= 1;
  }
  return true;
}
