/** Whether a file holds what its option is for: two that were swapped, a binary file, a key with a password. Never shown. */
import { text } from '#site/yaml.ts';
import { type Facts, fileOf, isUsed } from './facts.ts';
import { type Option, type Remark, refuse } from './finding.ts';

type Content = 'certificate' | 'revocation list' | 'private key' | 'public key';

const IN_WORDS: Readonly<Record<Content, string>> = {
  certificate: 'a certificate',
  'revocation list': 'a revocation list',
  'private key': 'a private key',
  'public key': 'a public key',
};

/** PEM labels of RFC 7468, and the older ones of OpenSSL. */
const LABELS: readonly (readonly [RegExp, Content])[] = [
  [/^(?:X509 |TRUSTED )?CERTIFICATE$/, 'certificate'],
  [/^X509 CRL$/, 'revocation list'],
  [/PRIVATE KEY$/, 'private key'],
  [/PUBLIC KEY$/, 'public key'],
];

/** What an option wants; undefined where it is no PEM file. */
function wantedBy(path: string, kind: string): Content | undefined {
  if (/(?:^|\.)revocationList$/.test(path)) return 'revocation list';
  if (path === 'certificates.tickets.publicKey') return 'public key';
  if (path === 'certificates.tickets.privateKey' || (kind === 'key' && path.endsWith('.key'))) return 'private key';
  return /(?:\.certificate|\.root|\.?authority)$/.test(path) && kind === 'file' ? 'certificate' : undefined;
}

export function checkContents(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  return options.all.flatMap((leaf) => {
    const option = options.text(leaf.path);
    const wanted = wantedBy(leaf.path, text(leaf.schema, 'kind'));
    if (!option || !wanted || !isUsed(leaf, facts)) return [];
    const content = fileOf(option, facts.site, facts)?.text;
    const wrong = content === undefined ? undefined : whatIsWrong(content, wanted, option);
    return wrong ? [wrong] : [];
  });
}

function whatIsWrong(content: string, wanted: Content, option: Option<string>): Remark | undefined {
  const found = new Set(contentsOf(content));
  if (found.has(wanted)) {
    if (wanted !== 'private key' || !/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(content)) return undefined;
    const reason = 'the private key in it is encrypted with a password, which a server can ask nobody for.';
    return refuse(option, reason, `Write it without: openssl pkey -in ${option.value} -out NEW, then chmod 600 NEW`);
  }
  const [other] = found;
  if (other !== undefined) {
    const reason = `there is ${IN_WORDS[other]} in it, where ${IN_WORDS[wanted]} must be.`;
    const isPair = [other, wanted].includes('private key');
    const remedy = isPair
      ? 'Perhaps two files are swapped: write their paths the other way round.'
      : `Write the path of the file that holds ${IN_WORDS[wanted]}.`;
    return refuse(option, reason, remedy);
  }
  if (content.trim() === '')
    return refuse(option, `the file is empty, where ${IN_WORDS[wanted]} must be.`, again(wanted));
  return refuse(
    option,
    `there is no PEM text in it, where ${IN_WORDS[wanted]} must be.`,
    `${again(wanted)} Of a binary file openssl makes PEM: openssl x509 -inform DER -in OLD -out NEW`,
  );
}

function again(wanted: Content): string {
  return `Put ${IN_WORDS[wanted]} there, text that begins with -----BEGIN.`;
}

function contentsOf(content: string): readonly Content[] {
  return [...content.matchAll(/^-----BEGIN ([A-Z0-9 ]{1,40})-----\r?$/gm)].flatMap(([, label = '']) => {
    const known = LABELS.find(([pattern]) => pattern.test(label));
    return known ? [known[1]] : [];
  });
}

/** Whether something can be read from it at all. */
export function holds(content: string | undefined, wanted: Content): content is string {
  return content !== undefined && contentsOf(content).includes(wanted);
}
