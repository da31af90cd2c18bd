/** What browsers are shown. They believe public authorities and those that an organisation put into them. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { concerns } from '#site/part.ts';
import { isSelfSigned } from '#trust/certificate.ts';
import { hostOf } from './addresses.ts';
import { certificatesAt, checkKey, contentAt, unreadable } from './certificates.ts';
import { holds } from './contents.ts';
import type { Facts } from './facts.ts';
import { type Option, type Remark, warn } from './finding.ts';
import { checkLife } from './life.ts';

export function checkBrowsers(facts: Facts): readonly Remark[] {
  return (['homeserver', 'sft'] as const).flatMap((part) => {
    const option = facts.site.options.text(`${part}.client.tls.certificate`);
    if (!option || !concerns(option.path, facts.parts)) return [];
    const [own, ...others] = certificatesAt(option.path, facts);
    if (!own) return holds(contentAt(option.path, facts), 'certificate') ? [unreadable(option)] : [];
    return [
      ...checkKey(`${part}.client.tls.key`, own, option, facts),
      ...checkLife(
        option,
        own,
        facts.now,
        'the certificate for browsers',
        'Renew it at the authority that made it; the server takes the new one by itself.',
      ),
      ...checkName(`${part}.client.url`, own, option, facts),
      ...checkChain(own, others, option),
    ];
  });
}

function checkName(path: string, own: X509Certificate, option: Option, { site }: Facts): readonly Remark[] {
  const host = hostOf(site.options.text(path)?.value ?? '');
  if (host === undefined) return [];
  const isFor = isIP(host) === 0 ? own.checkHost(host, { subject: 'never' }) : own.checkIP(host);
  if (isFor !== undefined) return [];
  const names = own.subjectAltName?.replaceAll('DNS:', '') ?? 'no name at all';
  const reason = `it is for ${names}, and browsers open ${host}, as ${path} says: they refuse it.`;
  return [warn(option, reason, `Get one for ${host}, or correct ${path}.`)];
}

export function checkChain(
  own: X509Certificate,
  others: readonly X509Certificate[],
  option: Option,
): readonly Remark[] {
  if (isSelfSigned(own)) {
    const reason = 'it is signed by itself: browsers believe it on no machine where nobody told them to.';
    return [warn(option, reason, 'Get one of an authority that the browsers know.')];
  }
  if (own.ca) {
    return [
      warn(
        option,
        'the first certificate in it is that of an authority.',
        'Put that of the server first, and its chain below.',
      ),
    ];
  }
  // Certificates of public authorities say where that of their issuer is; those of a house's own seldom do.
  const isPublic = /CA Issuers/.test(own.infoAccess ?? '');
  if (!isPublic || others.some((each) => own.checkIssued(each))) return [];
  const reason = 'the certificate of its issuer is missing: some browsers find it elsewhere, others refuse.';
  return [
    warn(option, reason, 'Write the path of the file with the whole chain, such as fullchain.pem of ACME clients.'),
  ];
}
