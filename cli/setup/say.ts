/** How the set-up talks: one line a step on standard error, and one line that moves where a step is long. */
import process from 'node:process';

export function say(line: string): void {
  process.stderr.write(`hawser: ${line}\n`);
}

export interface Progress {
  update(done: number, total: number): void;
  /** Takes the line away; `update` begins anew. */
  end(): void;
}

interface Output {
  isTTY: boolean;
  write(text: string): unknown;
}

/** On a terminal one line that is written over; elsewhere (a log, a CI job) a new line for each tenth. */
export function progress(what: string, stream: Output = process.stderr): Progress {
  let tenth = 0;
  return {
    update(done, total) {
      const percent = Math.floor((100 * done) / total);
      if (stream.isTTY) {
        const bar = '#'.repeat(Math.floor(percent / 5)).padEnd(20, '.');
        stream.write(`\r\x1b[Khawser: ${what} [${bar}] ${percent} %`);
      } else if (Math.floor(percent / 10) > tenth) {
        tenth = Math.floor(percent / 10);
        stream.write(`hawser: ${what} ${percent} %\n`);
      }
    },
    end() {
      tenth = 0;
      if (stream.isTTY) stream.write('\r\x1b[K');
    },
  };
}
