/**
 * Applies unified diffs, exactly: every line of context must be where the diff says. A library is pinned to one version, so
 * that a diff that does not fit means another version or a half-finished run, and guessing would hide it.
 */

export interface Hunk {
  /** The first line that the hunk touches, counted from 0. */
  readonly start: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface FileDiff {
  /** Relative to the package, without the `a/` and `b/` of the diff. */
  readonly path: string;
  readonly hunks: readonly Hunk[];
}

/**
 * The diffs of one patch file. Text before the first `---` line is for people.
 * @throws {Error} where it is no unified diff, creates or deletes a file, or leads out of the package
 */
export function parseDiff(text: string): FileDiff[] {
  const lines = text.split('\n');
  const files: { path: string; hunks: Hunk[] }[] = [];
  for (let at = 0; at < lines.length; at++) {
    const from = /^--- a\/(\S+)$/.exec(lines[at] ?? '')?.[1];
    if (from !== undefined && lines[at + 1] === `+++ b/${from}`) {
      if (from.split('/').includes('..')) throw new Error(`The patch leads out of its package: ${from}`);
      files.push({ path: from, hunks: [] });
      at++;
      continue;
    }
    const header = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(lines[at] ?? '');
    if (header === null) continue;
    const file = files.at(-1);
    if (file === undefined) throw new Error('The patch has a hunk before it names a file');
    const hunk = readHunk(lines, at, Number(header[2] ?? 1), Number(header[3] ?? 1));
    file.hunks.push({ start: Number(header[1]) - 1, ...hunk });
    at += hunk.lines;
  }
  if (!files.some((file) => file.hunks.length > 0)) throw new Error('The patch changes nothing');
  return files;
}

function readHunk(lines: readonly string[], header: number, oldCount: number, newCount: number) {
  const before: string[] = [];
  const after: string[] = [];
  let at = header;
  while (before.length < oldCount || after.length < newCount) {
    const line = lines[++at];
    if (line === undefined || !/^[ +-]/.test(line))
      throw new Error(`A hunk of the patch ends early, in line ${at + 1}`);
    if (line[0] !== '+') before.push(line.slice(1));
    if (line[0] !== '-') after.push(line.slice(1));
  }
  return { before, after, lines: at - header };
}

/**
 * The text with the hunks applied.
 * @throws {Error} where a hunk does not fit
 */
export function applyHunks(text: string, hunks: readonly Hunk[]): string {
  const lines = text.split('\n');
  let moved = 0;
  for (const { start, before, after } of hunks) {
    const at = start + moved;
    if (before.some((line, index) => lines[at + index] !== line))
      throw new Error(`it does not fit in line ${start + 1}`);
    lines.splice(at, before.length, ...after);
    moved += after.length - before.length;
  }
  return lines.join('\n');
}
