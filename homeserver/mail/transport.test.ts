/** The real way to a real mail server, which runs in this process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Catcher } from '../testing/catcher.ts';
import { email } from '../testing/people.ts';
import { type MailSettings, smtpTransport, type Transport } from './transport.ts';

const envelope = { to: email('alice@mail.example'), subject: 'Rope', text: 'A hawser\n.\n..is a rope — of ships.\n' };
let catcher: Catcher;
let transport: Transport;

const connect = async (settings: Partial<MailSettings> = {}) => {
  transport = await smtpTransport({ url: catcher.url, from: 'hawser@alpha.example', ...settings });
};

beforeEach(async () => {
  catcher = await Catcher.listen();
  await connect();
});
afterEach(async () => {
  transport.close();
  await catcher.close();
});

test('an e-mail arrives as it was written, from whom the site says, and asks for no automatic answer', async () => {
  await transport.send(envelope);
  const mail = await catcher.mailTo('alice@mail.example');
  expect(mail).toMatchObject({ from: 'hawser@alpha.example', to: ['alice@mail.example'], subject: 'Rope' });
  expect(mail.text).toBe(envelope.text);
  expect(mail.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(mail.raw).toMatch(/^Message-ID: <[^>]+@alpha\.example>\r$/m);
  expect(mail.raw).not.toMatch(/nodemailer/i);
});

test.each([
  ['RCPT', '550 no such person', { code: 'EENVELOPE', reply: 550, isForGood: true }],
  ['RCPT', '450 later', { code: 'EENVELOPE', reply: 450, isForGood: false }],
  ['MESSAGE', '554 spam', { code: 'EMESSAGE', reply: 554, isForGood: true }],
  ['CONNECT', '421 too busy', { isForGood: false }],
])('a refusal at %s (%s) is told by its codes', async (at, answer, expected) => {
  catcher.refuse = (command) => (command === at ? answer : undefined);
  await expect(transport.send(envelope)).rejects.toMatchObject(expected);
  const error = await transport.send(envelope).catch((reason: Error) => reason);
  expect(String(error)).not.toMatch(/alice|Rope|spam|person/);
  expect(catcher.mails).toEqual([]);
});

test('without TLS no password and no text goes to another machine', async () => {
  // An address of this machine that is not known to be one: to the client it is any mail server.
  const elsewhere = catcher.url.replace('127.0.0.1', '[::ffff:127.0.0.1]');
  const heard: string[] = [];
  catcher.refuse = (command) => void heard.push(command);
  transport.close();
  await connect({ url: elsewhere, user: 'hawser' });
  await expect(transport.send(envelope)).rejects.toMatchObject({ code: 'ETLS', isForGood: false });
  expect(heard.filter((command) => /^(AUTH|MAIL|RCPT|DATA|MESSAGE)/.test(command))).toEqual([]);
  expect(catcher.mails).toEqual([]);
});

test('nobody at the other end is no reason to wait or to give up', async () => {
  await catcher.close();
  await expect(transport.send(envelope)).rejects.toMatchObject({
    ...{ code: 'ESOCKET', reason: 'ECONNREFUSED', isForGood: false },
  });
  catcher = await Catcher.listen();
});

test('the password comes from its file, without the line’s end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  const passwordFile = join(folder, 'mail.password');
  await writeFile(passwordFile, 'rope and knot\n', { mode: 0o600 });
  const login: string[] = [];
  catcher.refuse = (command) => {
    if (command === 'EHLO') return '250-catcher\r\n250 AUTH PLAIN';
    if (!command.startsWith('AUTH')) return undefined;
    login.push(command);
    return '535 no';
  };
  transport.close();
  await connect({ user: 'hawser', passwordFile });
  await expect(transport.send(envelope)).rejects.toMatchObject({ code: 'EAUTH', reply: 535, isForGood: false });
  const [, , given = ''] = login[0]?.split(' ') ?? [];
  expect(Buffer.from(given, 'base64').toString()).toBe('\0hawser\0rope and knot');
  await rm(folder, { recursive: true });
});
