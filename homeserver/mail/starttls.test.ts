/** TLS with the mail server: before anything is said that nobody else shall hear, and with nobody but the one that the site names. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DAY } from '#trust/issuing.ts';
import { makeTestDomain, type TestCertificateOptions, type TestDomain } from '#trust/testing.ts';
import { Catcher, type CatcherTls, type Refusal } from '../testing/catcher.ts';
import { email } from '../testing/people.ts';
import { type MailSettings, smtpTransport, type Transport } from './transport.ts';

const envelope = { to: email('alice@mail.example'), subject: 'Rope', text: 'A hawser is a rope.\n' };
/** An address of this machine that is not known to be one: to the client it is any mail server. */
const HOST = '::ffff:7f00:1';
/** What nobody may hear in clear, the answer to the first of them included. */
const PRIVATE = /(AUTH|MAIL|RCPT|DATA|MESSAGE)/;

let folder: string;
let authority: TestDomain;
let stranger: TestDomain;
let passwordFile: string;
let catcher: Catcher;
let transport: Transport | undefined;
let heard: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-starttls-'));
  authority = await makeTestDomain(folder, 'mail.example');
  stranger = await makeTestDomain(folder, 'other.example');
  passwordFile = join(folder, 'mail.password');
  await writeFile(passwordFile, 'rope and knot\n', { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  heard = [];
});
afterEach(async () => {
  transport?.close();
  await catcher.close();
});

async function certified(options: TestCertificateOptions = {}, isImplicit = false): Promise<CatcherTls> {
  const made = await authority.issue({ names: [HOST], ...options });
  return { cert: await readFile(made.certificate, 'utf8'), key: await readFile(made.key, 'utf8'), isImplicit };
}

/** A mail server, and the way to it that a site names which asks for TLS and signs in. */
async function connect(
  tls: CatcherTls | undefined,
  settings: Partial<MailSettings> = {},
  answer: Refusal = () => undefined,
): Promise<Transport> {
  catcher = await Catcher.listen(0, tls);
  catcher.refuse = (command, isSecure) => {
    heard.push(`${isSecure ? 'secret' : 'clear'} ${command}`);
    const usual = command.startsWith('AUTH') ? '235 welcome' : undefined;
    return answer(command, isSecure) ?? (isSecure && command === 'EHLO' ? '250-catcher\r\n250 AUTH PLAIN' : usual);
  };
  const url = catcher.url.replace('127.0.0.1', `[${HOST}]`).replace('smtp:', tls?.isImplicit ? 'smtps:' : 'smtp:');
  transport = await smtpTransport({
    ...{ url, from: 'hawser@alpha.example', user: 'hawser', passwordFile, authority: authority.authority },
    ...settings,
  });
  return transport;
}

const inClear = () => heard.filter((command) => command.startsWith('clear'));
const failure = async (sending: Promise<void>) =>
  sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error,
  );

test('with STARTTLS the password and the text go over TLS, and nothing but the wish for it in clear', async () => {
  await (await connect(await certified())).send(envelope);
  expect(inClear()).toEqual(['clear CONNECT', 'clear EHLO', 'clear STAR']);
  const given =
    heard
      .find((command) => command.startsWith('secret AUTH'))
      ?.split(' ')
      .at(-1) ?? '';
  expect(Buffer.from(given, 'base64').toString()).toBe('\0hawser\0rope and knot');
  expect(catcher.mails).toMatchObject([{ to: ['alice@mail.example'], subject: 'Rope', text: envelope.text }]);
});

test('with smtps:// all of it goes over TLS', async () => {
  await (await connect(await certified({}, true))).send(envelope);
  expect([inClear(), catcher.mails.length]).toEqual([[], 1]);
});

test('to this machine it goes without TLS, also where that is offered', async () => {
  const here = await connect(await certified());
  here.close();
  transport = await smtpTransport({ url: catcher.url, from: 'hawser@alpha.example' });
  await transport.send(envelope);
  expect(heard.filter((command) => /STAR|secret/.test(command))).toEqual([]);
  expect(catcher.mails).toHaveLength(1);
});

const yesterday = () => new Date(Date.now() - DAY);

test.each<[string, () => TestCertificateOptions, () => Partial<MailSettings>, string]>([
  ['of another name', () => ({ names: ['mail.example'] }), () => ({}), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['whose time is over', () => ({ notBefore: new Date(0), notAfter: yesterday() }), () => ({}), 'CERT_HAS_EXPIRED'],
  ['signed by itself', () => ({ selfSigned: true }), () => ({}), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [
    'of an authority that nobody named',
    () => ({}),
    () => ({ authority: stranger.authority }),
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
])('a certificate %s is refused, and why is told', async (_what, options, settings, reason) => {
  for (const isImplicit of [false, true]) {
    const sending = (await connect(await certified(options(), isImplicit), settings())).send(envelope);
    const error = await failure(sending);
    expect(error).toMatchObject({ name: 'MailError', code: 'ESOCKET', reason, isForGood: false });
    expect(String(error)).not.toMatch(/alice|Rope|knot/);
    expect(heard.filter((command) => PRIVATE.test(command))).toEqual([]);
    expect(catcher.mails).toEqual([]);
    if (!isImplicit) await catcher.close();
    transport?.close();
  }
});

test.each<[string, Refusal]>([
  ['is not offered any more', (command) => (command === 'EHLO' ? '250-catcher\r\n250 AUTH PLAIN' : refusing(command))],
  ['is offered and refused', refusing],
  ['is offered and is broken', (command) => (command === 'STAR' ? '454 TLS not available' : undefined)],
  ['was never heard of', (command) => (/^(EHLO|STAR)$/.test(command) ? '502 unknown command' : undefined)],
])('where STARTTLS %s, as by somebody on the way, nothing is sent', async (_what, answer) => {
  const error = await failure((await connect(await certified(), {}, answer)).send(envelope));
  expect(error).toMatchObject({
    name: 'MailError',
    code: expect.stringMatching(/^(ETLS|ECONNECTION)$/),
    isForGood: false,
  });
  expect(heard.filter((command) => PRIVATE.test(command))).toEqual([]);
  expect(catcher.mails).toEqual([]);
});

function refusing(command: string): string | undefined {
  return command === 'STAR' ? '502 unknown command' : undefined;
}
