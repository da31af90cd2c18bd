import { get } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { smtpTransport } from '#homeserver/mail/transport.ts';
import type { EmailAddress } from '#signalling/person.ts';
import { freePorts } from '#site/testing-ports.ts';
import { Mailbox } from './mailbox.ts';

let mailbox: Mailbox;
let port: number;

beforeEach(async () => {
  [port = 0] = await freePorts(1);
  mailbox = await Mailbox.open(port);
});
afterEach(() => mailbox.close());

it('lists what was sent, the newest first, to everybody or to one address', async () => {
  const transport = await smtpTransport({ url: mailbox.smtp, from: 'hawser@alpha.localhost' });
  for (const name of ['alice', 'bob', 'alice']) {
    await transport.send({ to: `${name}@mail.example` as EmailAddress, subject: `to ${name}`, text: 'Hello\n' });
  }
  transport.close();
  const list = async (query = '') =>
    ((await (await fetch(`${mailbox.url}${query}`)).json()) as { mails: { subject: string; text: string }[] }).mails;
  expect((await list()).map(({ subject }) => subject)).toEqual(['to alice', 'to bob', 'to alice']);
  expect(await list('?to=bob@mail.example')).toMatchObject([{ to: ['bob@mail.example'], text: 'Hello\n' }]);
});

it('shows nothing to a page that calls it by another name, and knows no other path', async () => {
  const foreign = await new Promise<number | undefined>((resolve, reject) => {
    get(mailbox.url, { headers: { host: `mail.evil.example:${port}` } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  expect(foreign).toBe(403);
  expect((await fetch(mailbox.url.replace('/mails', '/other'))).status).toBe(404);
});

it('shows them as a page on which nothing of a mail is more than text', async () => {
  const transport = await smtpTransport({ url: mailbox.smtp, from: 'hawser@alpha.localhost' });
  await transport.send({
    to: 'alice@mail.example' as EmailAddress,
    subject: 'a code',
    text: '<script>"123456"\n',
  });
  transport.close();
  const response = await fetch(mailbox.page);
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
  const page = await response.text();
  expect(page).toContain('<h2>a code</h2>');
  expect(page).toContain('&lt;script&gt;&quot;123456&quot;');
  expect(page).not.toContain('<script');
});

it('says that its port is taken', async () => {
  await expect(Mailbox.open(port)).rejects.toThrow(`port ${port} (EADDRINUSE)`);
});
