/** docs/guides/install.md as a sequence of blocks: what is to be typed, and what it has to print. */

/**
 * What follows `sh` at the begin of a block:
 * `variables` is set before every other one; `run` (nothing follows) is typed; `check` is typed and has an answer; `call` is a check while
 * a call goes on; `upgrade` is typed with a newer package; `trial` stands for the `internet` block before it, where there is none; `elsewhere` is typed in the repository.
 */
const KINDS = ['variables', 'run', 'check', 'call', 'upgrade', 'trial', 'internet', 'elsewhere'] as const;
export type Kind = (typeof KINDS)[number];

export interface Block {
  readonly kind: Kind;
  /** Of the heading that it stands under. */
  readonly step: number;
  /** Of its first line of content. */
  readonly line: number;
  readonly text: string;
  /** What is to be seen, of a check and a call only; `…` stands for anything within a line. */
  readonly answer?: string;
}

/** @throws Error naming the line where the page is not well formed */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let step = 0;
  const lines = page.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    step = Number(/^## (\d+)\. /.exec(line)?.[1] ?? step);
    const [, language, kind = 'run'] = /^```(\S*) ?(\S*)$/.exec(line)?.map((each) => each || undefined) ?? [];
    if (!line.startsWith('```')) continue;
    const end = lines.indexOf('```', index + 1);
    if (end === -1) throw new Error(`line ${index + 1}: a block that does not end`);
    const text = lines.slice(index + 1, end).join('\n');
    const last = blocks.at(-1);
    if (language === 'text' && last && needsAnswer(last.kind) && last.answer === undefined) {
      blocks[blocks.length - 1] = { ...last, answer: text };
    } else if (language === 'sh' && isKind(kind)) {
      if (last && needsAnswer(last.kind) && last.answer === undefined) throw new Error(`line ${last.line}: no answer`);
      blocks.push({ kind, step, line: index + 2, text });
    } else throw new Error(`line ${index + 1}: neither commands nor the answer of a check`);
    index = end;
  }
  return blocks;
}

export function needsAnswer(kind: Kind): boolean {
  return kind === 'check' || kind === 'call';
}

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}

/** The block of variables with other values. @throws Error where one is not there, so that nothing is set that the page does not set */
export function withValues(variables: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((text, [name, value]) => {
    const pattern = new RegExp(`^${name}=\\S+`, 'm');
    if (!pattern.test(text)) throw new Error(`the page sets no ${name}`);
    return text.replace(pattern, `${name}=${value}`);
  }, variables);
}

/** The first line of an answer that was not printed, in the order of the answer; undefined where all were. */
export function missingLine(answer: string, printed: string): string | undefined {
  const lines = printed.split('\n').map(spaced);
  let from = 0;
  for (const wanted of answer.split('\n').filter((line) => line.trim() !== '')) {
    const parts = spaced(wanted).split('…').map(RegExp.escape);
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    const found = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (found === -1) return wanted;
    from = found + 1;
  }
  return undefined;
}

/** Columns are as wide as what stands in them. */
function spaced(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ').replaceAll(/ ?… ?/g, '…');
}

/** The words of each call of hawser in a block, without quotes and where its output goes; variables stay as they are written. */
export function callsOf(text: string): string[][] {
  const withoutDocuments = text.replaceAll(/<<'?(\w+)'?\n[\s\S]*?\n\1$/gm, '');
  const joined = withoutDocuments.replaceAll(/\\\n\s*/g, '');
  return joined.split(/\n|&&|\|(?!\|)|;/).flatMap((command) => {
    const [called = ''] = command.split(' > ');
    const words = [...called.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    );
    return words[0] === 'hawser' || words[0] === './hawser' ? [words.slice(1)] : [];
  });
}
