/** `hawser config check`: what is wrong with the files of a site, before a server reads them. */
import { inspectSite } from '#check/check.ts';
import { type Finding, lineOf } from '#check/finding.ts';
import { BOTH } from '#site/part.ts';
import { command } from './command.ts';
import { configFlag, jsonFlag } from './flags.ts';

export const configCheck = command({
  name: 'config check',
  summary: 'Say what is wrong with hawser.yaml, peers.yaml and the files that they name',
  usage: '',
  about: [
    'An error is what a server would not start with. A warning is what will not work or not be safe all the same.',
    'Call it as the user of the servers, on the machine where they run: it looks at what that user may read and listen on.',
    'The exit code is 1 where there is an error, or with --strict a warning, and 0 otherwise.',
  ],
  flags: {
    config: configFlag('The site'),
    part: {
      type: 'string',
      value: 'SERVER',
      choices: BOTH,
      summary: 'Only what homeserver or sft needs; both when left out',
    },
    strict: { type: 'boolean', summary: 'Warnings count as errors' },
    json: jsonFlag,
  },
  async run({ flags, out }) {
    const { findings, unseen } = await inspectSite(flags.config, { parts: flags.part ? [flags.part] : BOTH });
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    const warnings = findings.length - errors;
    const ok = errors === 0 && (!flags.strict || warnings === 0);
    if (flags.json) out(JSON.stringify({ ok, errors, warnings, findings, unseen }));
    else {
      for (const finding of findings) for (const line of linesOf(finding)) out(line);
      for (const sentence of unseen) out(`not looked at: ${sentence}`);
      out(`${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`);
    }
    return ok ? 0 : 1;
  },
});

function linesOf(finding: Finding): readonly string[] {
  return [`${finding.severity}: ${lineOf(finding)}`, `    ${finding.remedy}`];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
