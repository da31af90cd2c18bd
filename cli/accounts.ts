/** `hawser accounts`: the accounts of a homeserver, running or not. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Check } from 'typebox/value';
import { Handle } from '#signalling/ids.ts';
import { DisplayName, type EmailAddress, Password, parseEmail } from '#signalling/person.ts';
import { allEntries, type Office, openOffice } from './accounts/office.ts';
import { columns } from './certs/columns.ts';
import { command, type Terminal } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag as json } from './flags.ts';

const config = configFlag('The site, which names the homeserver');
const passwordFile = {
  type: 'string',
  value: 'FILE',
  summary: 'Holds the password in its first line; - is standard input. One is made up and shown when left out',
} as const;

const ABOUT = 'Asks the running homeserver; where none runs, works on its database, on the machine that has it.';
/** 96 bits */
const MADE_UP_BYTES = 12;

export const accountsAdd = command({
  name: 'accounts add',
  summary: 'Make an account',
  usage: 'HANDLE',
  words: { min: 1, max: 1 },
  about: [ABOUT, 'Example: hawser accounts add alice --name "Alice Smith" --email alice@alpha.example'],
  flags: {
    name: { type: 'string', value: 'NAME', required: true, summary: 'Name that other people see' },
    email: { type: 'string', value: 'ADDRESS', summary: 'E-mail address, to sign in with and to reset the password' },
    admin: { type: 'boolean', summary: 'May allow and block other organisations from the page' },
    'password-file': passwordFile,
    config,
    json,
  },
  async run({ flags, args: [given = ''], out, ...terminal }) {
    const handle = handleIn(given);
    if (!Check(DisplayName, flags.name)) throw new UsageError('--name must have 1 to 80 characters, all in one line.');
    const email = emailIn(flags.email);
    const { password, isMadeUp } = await passwordFrom(flags['password-file']);
    const account = {
      ...{ handle, name: flags.name, password },
      ...(email && { email }),
      ...(flags.admin && { administrator: true }),
    };
    await withOffice(flags.config, terminal, (office) => office.add(account));
    if (flags.json) out(JSON.stringify({ handle, ...(isMadeUp && { password }) }));
    else out(`The account ${handle} is made.${isMadeUp ? ` Its password is ${password}` : ''}`);
    return 0;
  },
});

export const accountsList = command({
  name: 'accounts list',
  summary: 'List the accounts',
  usage: '',
  about: [ABOUT],
  flags: { config, json },
  async run({ flags, out, ...terminal }) {
    const entries = await withOffice(flags.config, terminal, allEntries);
    if (flags.json) out(JSON.stringify({ accounts: entries }));
    else if (entries.length === 0) out('There are no accounts yet; hawser accounts add makes one.');
    else {
      const rows = entries.map(({ handle, name, email, kind, administrator, createdAt }) => [
        handle,
        name,
        email ?? '-',
        kind,
        administrator ? 'administrator' : '-',
        new Date(createdAt).toISOString().slice(0, 10),
      ]);
      for (const line of columns([['HANDLE', 'NAME', 'E-MAIL', 'KIND', 'ROLE', 'SINCE'], ...rows])) out(line);
    }
    return 0;
  },
});

export const accountsInvite = command({
  name: 'accounts invite',
  summary: 'Make an invitation with which one person can register',
  usage: '[ADDRESS]',
  words: { min: 0, max: 1 },
  about: [
    ABOUT,
    'With an e-mail address the invitation is sent there too. It is shown this once, and typed on the page under "Make an account".',
    'homeserver.registration.mode must not be closed.',
  ],
  flags: { config, json },
  async run({ flags, args: [address], out, ...terminal }) {
    const email = emailIn(address);
    const made = await withOffice(flags.config, terminal, (office) => office.invite(email));
    if (flags.json) out(JSON.stringify(made));
    else {
      const until = new Date(made.expiresAt).toISOString().slice(0, 10);
      out(`Good for one account until ${until}: ${made.invitation}`);
    }
    return 0;
  },
});

export const accountsRemove = command({
  name: 'accounts remove',
  summary: 'Delete an account for good',
  usage: 'HANDLE',
  words: { min: 1, max: 1 },
  about: [ABOUT, 'Its sessions end at once. Nobody gets its handle again, or he would be taken for its former owner.'],
  flags: { yes: { type: 'boolean', summary: 'Needed, because this cannot be undone' }, config, json },
  async run({ flags, args: [given = ''], out, ...terminal }) {
    const handle = handleIn(given);
    if (!flags.yes)
      throw new UsageError(`${handle} would be gone for good, and the handle with it. Add --yes to do it.`);
    await withOffice(flags.config, terminal, (office) => office.remove(handle)).catch(notThere(handle));
    if (flags.json) out(JSON.stringify({ handle, removed: true }));
    else out(`The account ${handle} is gone.`);
    return 0;
  },
});

export const accountsSetPassword = command({
  name: 'accounts set-password',
  summary: 'Give an account a new password',
  usage: 'HANDLE',
  words: { min: 1, max: 1 },
  about: [ABOUT, 'All of its sessions end.'],
  flags: { 'password-file': passwordFile, config, json },
  async run({ flags, args: [given = ''], out, ...terminal }) {
    const handle = handleIn(given);
    const { password, isMadeUp } = await passwordFrom(flags['password-file']);
    const set = (office: Office) => office.setPassword(handle, password);
    await withOffice(flags.config, terminal, set).catch(notThere(handle));
    if (flags.json) out(JSON.stringify({ handle, ...(isMadeUp && { password }) }));
    else out(`The password of ${handle} is ${isMadeUp ? password : 'changed'}. All of its sessions have ended.`);
    return 0;
  },
});

export const accountsAdmin = command({
  name: 'accounts admin',
  summary: 'Let an account allow and block other organisations from the page',
  usage: 'HANDLE',
  words: { min: 1, max: 1 },
  about: [ABOUT, 'A page that is open shows it when it is loaded again. With --revoke it is refused at once.'],
  flags: { revoke: { type: 'boolean', summary: 'Take the role away' }, config, json },
  async run({ flags, args: [given = ''], out, ...terminal }) {
    const handle = handleIn(given);
    const administrator = !flags.revoke;
    const set = (office: Office) => office.setAdministrator(handle, administrator);
    await withOffice(flags.config, terminal, set).catch(notThere(handle));
    if (flags.json) out(JSON.stringify({ handle, administrator }));
    else out(`${handle} is ${administrator ? 'an administrator now' : 'no administrator any more'}.`);
    return 0;
  },
});

async function withOffice<T>(
  file: string,
  { err, signal }: Pick<Terminal, 'err' | 'signal'>,
  work: (office: Office) => Promise<T>,
): Promise<T> {
  await using office = await openOffice(file, err, signal);
  return await work(office);
}

function notThere(handle: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Problem) || !error.message.startsWith('There is no such thing')) throw error;
    throw new Problem(`There is no account ${handle}; hawser accounts list names all.`, { cause: error });
  };
}

function handleIn(word: string): string {
  const handle = word.replace(/^@/, '');
  if (Check(Handle, handle)) return handle;
  throw new UsageError(`'${word}' is no handle: 1 to 32 lower-case letters, digits, dots, dashes and underscores.`);
}

function emailIn(text: string | undefined): EmailAddress | undefined {
  if (text === undefined) return undefined;
  const email = parseEmail(text);
  if (email === undefined) throw new UsageError(`'${text}' is no e-mail address such as alice@alpha.example.`);
  return email;
}

/** Never from the command line, which everybody on the machine can read. */
async function passwordFrom(file: string | undefined): Promise<{ password: string; isMadeUp: boolean }> {
  if (file === undefined) return { password: randomBytes(MADE_UP_BYTES).toString('base64url'), isMadeUp: true };
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file} cannot be read (${error.code}).`);
  });
  const password = text.split(/\r?\n/)[0] ?? '';
  if (!Check(Password, password)) throw new Problem('The password must have 10 to 256 characters.');
  return { password, isMadeUp: false };
}
