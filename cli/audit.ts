/** `hawser audit`: the log of refusals and administrative acts of a homeserver, running or not. */
import { open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Walk } from '#homeserver/audit/chain.ts';
import { readHead } from '#homeserver/audit/head-file.ts';
import { allLines, inWords, openAudit } from './audit/log.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { configFlag, jsonFlag } from './flags.ts';

const config = configFlag('The site, which names the homeserver');

const ABOUT = 'Asks the running homeserver; where none runs, reads its database, on the machine that has it.';
const LOOK_MS = 1_000;
const ONLY_OWNER = 0o600;

export const auditTail = command({
  name: 'audit tail',
  summary: 'Show the newest lines of the audit log',
  usage: '',
  about: [ABOUT, 'Lines hold domains, calls and codes, and never names of people or what they wrote.'],
  flags: {
    lines: { type: 'integer', value: 'N', default: 20, min: 1, max: 500, summary: 'How many' },
    follow: { type: 'boolean', summary: 'Go on until Ctrl-C' },
    json: { type: 'boolean', summary: 'One JSON object a line' },
    config,
  },
  async run({ flags, out, err, signal }) {
    await using log = await openAudit(flags.config, err, signal);
    let after = 0;
    let lines = await log.last(flags.lines);
    for (;;) {
      for (const line of lines) out(flags.json ? JSON.stringify(line) : inWords(line));
      after = lines.at(-1)?.seq ?? after;
      if (!flags.follow || signal.aborted) return 0;
      await wait(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return 0;
      lines = await log.behind(after);
    }
  },
});

export const auditExport = command({
  name: 'audit export',
  summary: 'Write the whole audit log in a file',
  usage: 'FILE',
  words: { min: 1, max: 1 },
  about: [
    ABOUT,
    'One JSON object a line, with the hash that holds it and all before it. FILE must not be there yet.',
    'Keep copies elsewhere: whoever has this machine can make the log and its head anew, and no copy of them.',
  ],
  flags: { config },
  async run({ flags, args: [path = ''], out, err, signal }) {
    await using log = await openAudit(flags.config, err, signal);
    const file = await open(path, 'wx', ONLY_OWNER).catch((error: NodeJS.ErrnoException) => {
      throw new Problem(`${path} cannot be made (${error.code}).`);
    });
    let count = 0;
    try {
      for await (const line of allLines(log)) {
        await file.write(`${JSON.stringify(line)}\n`);
        count += 1;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    out(`${path} holds ${count} line${count === 1 ? '' : 's'} of ${log.site.domain}.`);
    return 0;
  },
});

export const auditVerify = command({
  name: 'audit verify',
  summary: 'Say whether the audit log is what was written',
  usage: '',
  about: [
    ABOUT,
    'Exit code 1 where a line was changed, removed or put in, or where the end is missing; the first such line is named.',
    'A homeserver that was restored from a backup says so too, if its folder still had the newer head.',
  ],
  flags: { json: jsonFlag, config },
  async run({ flags, out, err, signal }) {
    await using log = await openAudit(flags.config, err, signal);
    // First the head: whatever is written meanwhile can only make the log longer.
    const expected = await readHead(log.site.data);
    const walk = new Walk(expected);
    let count = 0;
    for await (const line of allLines(log)) {
      walk.take(line);
      count += 1;
    }
    const noHead = {
      seq: count,
      why: `${log.site.data} has no audit.head, so that nobody knows whether it is the last`,
    };
    const broken = walk.broken ?? (expected === undefined && count > 0 ? noHead : undefined);
    const { head } = walk;
    if (flags.json) out(JSON.stringify({ lines: count, head, ...(broken && { broken }) }));
    else if (broken) out(`Line ${broken.seq} is wrong: ${broken.why}.`);
    else out(`All ${count} lines are what was written. The newest is ${head.seq}, with the hash ${head.hash}`);
    return broken ? 1 : 0;
  },
});
