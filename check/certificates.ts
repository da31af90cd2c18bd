/** What the two servers show to other domains: judged by the code by which others will judge it. */
import type { X509Certificate } from 'node:crypto';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { concerns } from '#site/part.ts';
import { type Authority, readAuthority } from '#trust/authority.ts';
import { fits, isForTls, isSound, nameIn } from '#trust/certificate.ts';
import { identify } from '#trust/identity.ts';
import { type Role, serverName } from '#trust/name.ts';
import { certificatesOf } from '#trust/pem.ts';
import { holds } from './contents.ts';
import { type Facts, fileOf } from './facts.ts';
import { type Option, type Remark, refuse, warn } from './finding.ts';
import { checkLife, day } from './life.ts';

const ROLES: readonly Role[] = ['homeserver', 'sft'];
const WHAT: Readonly<Record<Role, string>> = { homeserver: 'the homeserver', sft: 'the SFT' };
const RENEW = 'Make a new one: hawser certs renew FOLDER';

export function checkCertificates(facts: Facts): readonly Remark[] {
  const authority = ownAuthority(facts);
  return [
    ...checkAuthority(facts),
    ...ROLES.flatMap((role) => checkServer(role, authority, facts)),
    ...checkShared(facts),
  ];
}

/** The certificates that an option names; none where its file is none of that, which is said elsewhere. */
export function certificatesAt(path: string, facts: Facts): readonly X509Certificate[] {
  return certificatesIn(contentAt(path, facts));
}

export function certificatesIn(text: string | undefined): readonly X509Certificate[] {
  if (!holds(text, 'certificate')) return [];
  try {
    return certificatesOf(text);
  } catch {
    return [];
  }
}

export function contentAt(path: string, facts: Facts): string | undefined {
  return fileOf(facts.site.options.text(path), facts.site, facts)?.text;
}

/** Undefined where there is none that can be used. */
export function ownAuthority(facts: Facts): Authority | undefined {
  const text = contentAt('certificates.authority', facts);
  if (!holds(text, 'certificate')) return undefined;
  const { authority, aboutCertificates } = readAuthority(text, contentAt('certificates.revocationList', facts));
  return aboutCertificates === undefined ? authority : undefined;
}

function checkAuthority(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const option = options.text('certificates.authority');
  const list = options.text('certificates.revocationList');
  const text = contentAt('certificates.authority', facts);
  if (!option || !holds(text, 'certificate')) return [];
  const given = contentAt('certificates.revocationList', facts);
  const lists = holds(given, 'revocation list') ? given : undefined;
  const { authority, aboutCertificates, aboutRevocations } = readAuthority(text, lists);
  if (aboutCertificates !== undefined) {
    return [
      refuse(option, `${aboutCertificates}.`, 'Write the path of the authority.pem that hawser certs init made.'),
    ];
  }
  const life = authority.certificates.flatMap((certificate) =>
    checkLife(
      option,
      certificate,
      facts.now,
      'the authority',
      'Make a new one, and give it to every other domain: docs/guides/certificates.md',
    ),
  );
  if (!list || lists === undefined) return life;
  if (aboutRevocations !== undefined) {
    return [...life, refuse(list, `${aboutRevocations}.`, 'Write the path of the revoked.pem of the same authority.')];
  }
  const late = authority.revocations.filter(({ nextUpdate = facts.now }) => nextUpdate < facts.now);
  return [
    ...life,
    ...late.map(({ nextUpdate = 0 }) =>
      warn(
        list,
        `a newer list was promised for ${day(nextUpdate)}; what was revoked since is not in it.`,
        'Date it anew, and give it to the other domains: hawser certs revoke FOLDER',
      ),
    ),
  ];
}

function checkServer(role: Role, authority: Authority | undefined, facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const option = options.text(`certificates.${role}.certificate`);
  const chain = certificatesAt(`certificates.${role}.certificate`, facts);
  const [own] = chain;
  if (!option || !concerns(option.path, facts.parts)) return [];
  if (!own) return isUnreadable(option, facts) ? [unreadable(option)] : [];
  return [
    ...checkKey(`certificates.${role}.key`, own, option, facts),
    ...checkIdentity(role, chain, authority, option, facts),
  ];
}

/** It says that it holds one, and holds none. */
function isUnreadable(option: Option<string>, facts: Facts): boolean {
  return holds(fileOf(option, facts.site, facts)?.text, 'certificate');
}

export function unreadable(option: Option): Remark {
  return refuse(option, 'the certificate in it is damaged.', 'Copy the file once more, whole.');
}

/** The key beside a certificate. */
export function checkKey(
  path: string,
  certificate: X509Certificate,
  of: Option<string>,
  facts: Facts,
): readonly Remark[] {
  const option = facts.site.options.text(path);
  const key = contentAt(path, facts);
  if (!option || !holds(key, 'private key') || key.includes('ENCRYPTED')) return [];
  try {
    if (fits(certificate, key)) return [];
  } catch {
    return [
      refuse(option, 'the private key in it is damaged or of an unknown kind.', 'Copy the file once more, whole.'),
    ];
  }
  const reason = `this key does not belong to the certificate ${of.value}.`;
  return [refuse(option, reason, 'Write the path of the key that was made with that certificate, or make both anew.')];
}

function checkIdentity(
  role: Role,
  chain: readonly X509Certificate[],
  authority: Authority | undefined,
  option: Option,
  facts: Facts,
): readonly Remark[] {
  const [own] = chain;
  const domain = parseDomainName(facts.site.options.text('domain')?.value ?? '');
  if (!own || domain === undefined || !authority) return [];
  if (own.ca) {
    return [
      refuse(
        option,
        'this is the certificate of an authority, where that of a server must be.',
        `Write the path of that of ${WHAT[role]}.`,
      ),
    ];
  }
  const [code] = codesOf(() =>
    identify({
      chain,
      view: { own: { domain, authority }, peers: new Map() },
      wanted: { domain, role },
      now: facts.now,
    }),
  );
  if (code === 'TRUST_WRONG_NAME') {
    const names = own.subjectAltName?.replaceAll('DNS:', '') ?? 'nobody';
    const reason = `it is for ${names}, and ${WHAT[role]} needs one for ${serverName(domain, role)} and no other name.`;
    const isOther = nameIn(own)?.domain === domain;
    return [refuse(option, reason, isOther ? 'Perhaps those of homeserver and SFT are swapped.' : RENEW)];
  }
  if (code === 'TRUST_SELF_SIGNED' || code === 'TRUST_WRONG_AUTHORITY') return [refuse(option, ...whyNot(own, facts))];
  if (code === 'TRUST_REVOKED') return [warn(option, 'it is revoked: every other domain refuses it.', RENEW, code)];
  return checkLife(option, own, facts.now, `the certificate of ${WHAT[role]}`, RENEW);
}

function whyNot(own: X509Certificate, facts: Facts): readonly [reason: string, remedy: string] {
  if (!isSound(own))
    return ['its key or signature is too weak or of an unknown kind.', 'Take ECDSA on P-256 and SHA-256.'];
  if (!isForTls(own))
    return ['it is not for both ends of TLS.', 'Let its extended key usage have server and client authentication.'];
  const authority = facts.site.options.text('certificates.authority')?.value;
  return [`the authority ${authority} did not issue it.`, `${RENEW}, or write the authority that did issue it.`];
}

function codesOf(judge: () => unknown): readonly ErrorCode[] {
  try {
    judge();
    return [];
  } catch (error) {
    if (error instanceof HawserError) return [error.code];
    throw error;
  }
}

/** Homeserver and SFT are two names so that the key of one is worthless in the place of the other. */
function checkShared(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const paths = ROLES.map((role) => options.text(`certificates.${role}.key`));
  const [one, other] = paths;
  if (!one || !other || facts.parts.length < 2 || one.value !== other.value) return [];
  const reason = 'homeserver and SFT have the same key: whoever breaks into one of them speaks for both.';
  return [warn(other, reason, RENEW)];
}
