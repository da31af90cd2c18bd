/** For tests: a command in a real terminal, by the pseudo-terminals of Python, which Node has none of. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/**
 * Runs what is on the command line in a terminal of 80 by 24. Each line of standard input is one step, a JSON array: ["size", lines,
 * columns], or ["keys", text]. What the terminal is sent goes to standard output; the exit code is the command's.
 */
const PYTHON = `
import fcntl, json, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
def size(lines, columns):
    fcntl.ioctl(fd if pid else 0, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))
if pid == 0:
    size(24, 80)
    os.execvp(sys.argv[1], sys.argv[1:])
rest = b''
while True:
    ready = select.select([fd, 0] if rest is not None else [fd], [], [])[0]
    if fd in ready:
        try: data = os.read(fd, 65536)
        except OSError: break
        if not data: break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data: rest = None; continue
        *lines, rest = (rest + data).split(b'\\n')
        for line in lines:
            step = json.loads(line)
            if step[0] == 'size': size(step[1], step[2])
            else: os.write(fd, step[1].encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

export class TestTerminal {
  /** All that the command has written. */
  text = '';
  readonly ended: Promise<number | null>;
  readonly #child;

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn('python3', ['-c', PYTHON, process.execPath, ...process.execArgv, MAIN, ...argv], {
      // Whoever runs the tests may want no colours; this terminal has them.
      env: { ...process.env, NO_COLOR: '', TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
  }

  /** The newest whole frame, as lines without escapes. */
  get frame(): string[] {
    const after = this.text.slice(this.text.lastIndexOf('\u001b[H'));
    const end = after.indexOf('\u001b[J');
    return stripVTControlCharacters(end < 0 ? '' : after.slice(0, end)).split(/\r*\n/);
  }

  resize(lines: number, columns: number): void {
    this.#step('size', lines, columns);
  }

  press(keys: string): void {
    this.#step('keys', keys);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  #step(...step: readonly (string | number)[]): void {
    this.#child.stdin.write(`${JSON.stringify(step)}\n`);
  }
}
