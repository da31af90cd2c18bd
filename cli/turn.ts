/** `hawser turn`: the configuration of the TURN servers of a site, and the secrets that the homeserver shares with them. */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { Site } from '#site/schema.ts';
import type { TurnOptions } from '#site/turn.ts';
import { replaceFile } from '#trust/replace.ts';
import { checkCoturn, type TurnFinding } from '#turn-config/check.ts';
import { coturnDirectives, coturnFile, type TurnHost } from '#turn-config/coturn.ts';
import { secretsSql, writeSecrets } from '#turn-config/database.ts';
import { acceptedSecrets, makeSecret, withNextInUse } from '#turn-config/secrets.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag } from './flags.ts';
import { siteAt } from './peers/list.ts';
import { readSecretsFile, writeSecretsFile } from './turn/secrets-file.ts';
import { troubleWith } from './turn/trial.ts';

const config = configFlag('The site, with its section turn');
const host = { type: 'string', value: 'NAME', summary: 'Which of turn.hosts, where there are several' } as const;

/** A credential is good for two hours at most. */
const LONGEST_CREDENTIAL_MS = 2 * 3_600_000;

export const turnRender = command({
  name: 'turn render',
  summary: 'Write the configuration of coturn, with the reason beside each line',
  usage: '',
  about: [
    'There is no secret in it: those go into the database of coturn with hawser turn secrets.',
    '',
    'Example:  hawser turn render --out /etc/turnserver.conf && systemctl restart coturn',
  ],
  flags: { config, host, out: { type: 'string', value: 'FILE', summary: 'Where it goes, in place of the terminal' } },
  async run({ flags, out }) {
    const { site, turn } = await turnAt(flags.config);
    const chosen = hostOf(turn, flags.host);
    const text = coturnFile(site, chosen, coturnDirectives(site, turn, chosen));
    if (flags.out === undefined) {
      out(text.trimEnd());
      return 0;
    }
    await replaceFile(flags.out, text, 0o644).catch((error: NodeJS.ErrnoException) => {
      throw new Problem(`${flags.out} cannot be written (${error.code}).`, { cause: error });
    });
    out(`${flags.out} is the configuration of ${chosen.name}. Restart coturn with it: systemctl restart coturn`);
    return 0;
  },
});

export const turnCheck = command({
  name: 'turn check',
  summary: 'Compare the configuration of a coturn with the one that it should have',
  usage: 'FILE',
  words: { min: 1, max: 1 },
  about: [
    'The exit code is 1 where a line is missing or wrong, or weakens or breaks something. Other lines that nobody asked for are',
    'only named. What they say is not shown where it may be a secret.',
  ],
  flags: { config, host, json: jsonFlag },
  async run({ flags, args: [file = ''], out }) {
    const { site, turn } = await turnAt(flags.config);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new Problem(
        error.code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${error.code}).`,
      );
    });
    const findings = checkCoturn(text, coturnDirectives(site, turn, hostOf(turn, flags.host)));
    const ok = !findings.some(isWrong);
    if (flags.json) out(JSON.stringify({ ok, findings }));
    else {
      for (const { line, found, remedy } of findings)
        out(`${file}${line === undefined ? '' : `:${line}`}: ${found} ${remedy}`);
      out(verdictOn(file, findings));
    }
    return ok ? 0 : 1;
  },
});

function verdictOn(file: string, findings: readonly TurnFinding[]): string {
  if (findings.some(isWrong)) return `Correct ${file}, or make it anew with hawser turn render, and restart coturn.`;
  if (findings.length === 0) return `${file} is what the site asks for.`;
  const more = findings.length === 1 ? '1 line more' : `${findings.length} lines more`;
  return `${file} has what the site asks for, and ${more}.`;
}

function isWrong({ severity }: TurnFinding): boolean {
  return severity === 'wrong';
}

export const turnSecrets = command({
  name: 'turn secrets',
  summary: 'Give the secrets of the site to a coturn, without a restart',
  usage: '',
  about: [
    'With --database it writes them into the database of a coturn on this machine. Without it prints them as SQL, for a pipe:',
    '',
    '          hawser turn secrets | ssh turn.alpha.example sqlite3 /var/lib/turn/turndb',
  ],
  flags: {
    config,
    database: { type: 'string', value: 'FILE', summary: 'The database of coturn, /var/lib/turn/turndb' },
  },
  async run({ flags, out }) {
    const { site, turn } = await turnAt(flags.config);
    const secrets = acceptedSecrets((await secretsAt(turn)).secrets);
    if (flags.database !== undefined) {
      try {
        writeSecrets(flags.database, site.domain, secrets);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Problem(`${flags.database} is no database of coturn that can be written (${why}).`);
      }
      out(`${flags.database} has ${counted(secrets.length)} of ${site.domain}. coturn takes it over at once.`);
      return 0;
    }
    if (process.stdout.isTTY) {
      throw new UsageError(
        'turn secrets does not show secrets on a terminal: give --database FILE, or pipe it to sqlite3.',
      );
    }
    out(secretsSql(site.domain, secrets).trimEnd());
    return 0;
  },
});

export const turnRotate = command({
  name: 'turn rotate',
  summary: 'Change the secret of the TURN servers while calls go on',
  usage: '',
  about: [
    'Three steps, with hawser turn secrets after the first and the last:',
    '',
    '          hawser turn rotate            makes a new secret, which coturn accepts and nobody uses yet',
    '          hawser turn rotate --use      the homeserver signs with it, after each TURN host was seen to accept it',
    '          hawser turn rotate --forget   drops the old one, two hours later, when no credential of it is left',
    '',
    'Where there is no secret yet, the first step makes the one that is used.',
  ],
  flags: {
    config,
    use: { type: 'boolean', summary: 'Sign with the new secret' },
    forget: { type: 'boolean', summary: 'Drop the old secret' },
    force: {
      type: 'boolean',
      summary: 'Do not wait, and do not look: where the old secret is known to others, for instance',
    },
  },
  async run({ flags, out }) {
    if (flags.use && flags.forget)
      throw new UsageError('turn rotate --use and --forget are two steps: coturn needs to be told between.');
    const { turn } = await turnAt(flags.config);
    if (flags.use) {
      await useNext(turn, flags.force);
      out('The homeserver signs with the new secret from now on. In two hours: hawser turn rotate --forget');
      return 0;
    }
    if (flags.forget) await forgetOld(turn, flags.force);
    else await addSecret(turn);
    out(`${turn.secrets} is changed. Tell each TURN host now: hawser turn secrets --help`);
    const { next } = (await secretsAt(turn)).secrets;
    if (next !== undefined) out('After that: hawser turn rotate --use');
    return 0;
  },
});

/** Of a site that has none yet it is the one that is used. */
async function addSecret(turn: TurnOptions): Promise<void> {
  const file = await readSecretsFile(turn.secrets);
  if (file?.secrets.next !== undefined) {
    throw new Problem('There is a new secret already. Go on with hawser turn rotate --use');
  }
  if (file?.secrets.old !== undefined) {
    throw new Problem('There is still an old secret. Drop it first: hawser turn rotate --forget');
  }
  const made = makeSecret();
  const secrets = file ? { ...file.secrets, next: made } : { current: made };
  await writeSecretsFile(turn.secrets, secrets, file);
}

async function useNext(turn: TurnOptions, force: boolean): Promise<void> {
  const file = await secretsAt(turn);
  const { secrets } = file;
  const { next } = secrets;
  if (next === undefined) throw new Problem('There is no new secret. Make one: hawser turn rotate');
  for (const { name } of force ? [] : turn.hosts) {
    const trouble = await troubleWith(turn, name, next);
    if (trouble) throw new Problem(`${name} ${trouble.why}. Nothing was changed. ${trouble.remedy}`);
  }
  await writeSecretsFile(turn.secrets, withNextInUse({ ...secrets, next }), file);
}

async function forgetOld(turn: TurnOptions, force: boolean): Promise<void> {
  const file = await secretsAt(turn);
  const { secrets, changed } = file;
  if (secrets.old === undefined) throw new Problem('There is no old secret.');
  const left = changed + LONGEST_CREDENTIAL_MS - Date.now();
  if (!force && left > 0) {
    throw new Problem(
      `Credentials of the old secret are good for ${Math.ceil(left / 60_000)} more minutes. Wait, or use --force: then clients that join by TURN are refused until they ask again.`,
    );
  }
  await writeSecretsFile(turn.secrets, { current: secrets.current }, file);
}

async function turnAt(path: string): Promise<{ readonly site: Site; readonly turn: TurnOptions }> {
  const site = await siteAt(path);
  if (!site.turn) throw new Problem(`${path} has no section turn. See docs/guides/turn.md.`);
  return { site, turn: site.turn };
}

function hostOf({ hosts }: TurnOptions, name: string | undefined): TurnHost {
  const names = hosts.map((each) => each.name).join(', ');
  const chosen = name === undefined && hosts.length === 1 ? hosts[0] : hosts.find((each) => each.name === name);
  if (chosen) return chosen;
  throw new UsageError(
    name === undefined ? `Which host? Give --host, one of ${names}.` : `${name} is none of turn.hosts: ${names}.`,
  );
}

async function secretsAt(turn: TurnOptions) {
  const file = await readSecretsFile(turn.secrets);
  if (file) return file;
  throw new Problem(`There is no file ${turn.secrets}. Make a secret: hawser turn rotate`);
}

function counted(secrets: number): string {
  return secrets === 1 ? 'the secret' : `${secrets} secrets`;
}
