/** For tests: files that are wrong each in its own way, and the table of mistakes as it is written. */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, makeRevocationList, makeTicketKeys } from '#trust/issue.ts';
import { ALGORITHM, DAY, type Issued, keyPem, makeKeys, pemOf, signingKey } from '#trust/issuing.ts';
import type { TestCertificateOptions, TestDomain } from '#trust/testing.ts';
import * as x509 from '#trust/x509.ts';
import type { TestSite } from './testing.ts';

export interface WrittenMistake {
  readonly what: string;
  /** A right file with that mistake in it. */
  readonly spoil: (text: string) => string;
  /** `14:5 error How the sentence begins` */
  readonly expected: readonly string[];
}

/**
 * One mistake a line: `what | right → wrong ; right → wrong | finding & finding`. `↵` and `⇥` stand for a new line and a tab.
 * @throws in `spoil` where there is nothing to spoil
 */
export function mistakesOf(table: string): readonly WrittenMistake[] {
  const lines = table.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [what = '', changes = '', findings = ''] = line.split(' | ');
    const pairs = changes
      .replaceAll('↵', '\n')
      .replaceAll('⇥', '\t')
      .split(' ; ')
      .map((change) => change.split(' → '));
    const spoil = (text: string) =>
      pairs.reduce((before, [right = '', wrong = '']) => {
        if (!before.includes(right)) throw new Error(`${what}: there is no ${right}`);
        return before.replaceAll(right, () => wrong);
      }, text);
    return { what, spoil, expected: findings.split(' & ') };
  });
}

/** Puts them into the folder `made` of a site. */
export async function makeMistakes({ folder, alpha, beta }: TestSite): Promise<void> {
  await mkdir(join(folder, 'made'));
  const issue = async (name: string, by: TestDomain, options: TestCertificateOptions) => {
    const { certificate, key } = await by.issue(options);
    await rename(certificate, join(folder, `made/${name}.pem`));
    await rename(key, join(folder, `made/${name}.key`));
  };
  const now = Date.now();
  const soon = { notBefore: new Date(now - 80 * DAY), notAfter: new Date(now + 3.5 * DAY) };
  const past = { notBefore: new Date(now - 9 * DAY), notAfter: new Date(now - 2 * DAY) };
  await issue('soon', alpha, soon);
  await issue('past', alpha, past);
  await issue('early', alpha, { notBefore: new Date(now + 2 * DAY), notAfter: new Date(now + 9 * DAY) });
  await issue('two', alpha, { names: ['alpha.example', 'www.alpha.example'] });
  await issue('stranger', beta, { names: ['alpha.example'] });
  await issue('self', alpha, { names: ['alpha.example'], selfSigned: true });
  await issue('page-past', alpha, { names: ['call.alpha.example', 'sft.alpha.example'], ...past });
  await issue('page-self', alpha, { names: ['call.alpha.example', 'sft.alpha.example'], selfSigned: true });
  await issue('revoked', alpha, {});
  await alpha.revoke({ certificate: join(folder, 'made/revoked.pem'), key: '' });
  const own = {
    certificate: await readFile(alpha.authority, 'utf8'),
    key: await readFile(join(folder, 'alpha.example/authority.key'), 'utf8'),
  };
  const put = (name: string, content: string | Buffer, mode = 0o600) =>
    writeFile(join(folder, 'made', name), content, { mode });
  const page = ['call.alpha.example', 'sft.alpha.example'];
  const { publicKey, privateKey } = await makeKeys();
  await put('leaf.pem', await publicPage(own, page, publicKey));
  await put('leaf.key', await keyPem(privateKey));
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const spki = new Uint8Array(short.publicKey.export({ type: 'spki', format: 'der' }));
  await put('short.pem', await publicPage(own, page, new x509.PublicKey(spki), []));
  await put('short.key', short.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await put('old-list.pem', await makeRevocationList(own, [], now - 9 * DAY, DAY));
  await put('old-authority.pem', (await makeAuthority(alpha.domain, past)).certificate);
  await put('empty.pem', '');
  await put('binary.pem', Buffer.from([0x30, 0x82, 1, 2, 3]));
  await put('damaged.pem', own.certificate.replace(/^M.{20}/m, 'AAAA'));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await put('rsa.pem', rsa.publicKey.export({ type: 'spki', format: 'pem' }));
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'opensesame' };
  await put('locked.key', rsa.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }));
  await put('tickets.pem', makeTicketKeys().publicKey);
  for (const [name, mode] of [
    ['all.key', 0o644],
    ['group.key', 0o660],
  ] as const) {
    await copyFile(alpha.sft.key, join(folder, 'made', name));
    await chmod(join(folder, 'made', name), mode);
  }
  await put('short.secrets', 'opensesame\n');
  await put('group.secrets', 'a-secret-of-the-test-that-is-long-enough\n');
  await chmod(join(folder, 'made/group.secrets'), 0o660);
  await mkdir(join(folder, 'made/open'));
  await chmod(join(folder, 'made/open'), 0o777);
  await copyFile(alpha.sft.key, join(folder, 'made/open/sft.key'));
  await symlink('open/sft.key', join(folder, 'made/link.key'));
  await mkdir(join(folder, 'made/shown'));
  await chmod(join(folder, 'made/shown'), 0o755);
}

/** A certificate as public authorities make them: it says where that of its issuer is. */
async function publicPage(
  authority: Issued,
  names: readonly string[],
  publicKey: CryptoKey | x509.PublicKey,
  extensions = [new x509.AuthorityInfoAccessExtension({ caIssuers: 'http://authority.example/issuer.der' })],
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=page',
    issuer: new x509.X509Certificate(authority.certificate).subjectName,
    publicKey,
    signingKey: await signingKey(authority.key),
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
      ...extensions,
    ],
  });
  return pemOf(certificate);
}
