/** What coturn shows to browsers, where it is on this machine. Warnings: the homeserver starts without it. */

import type { X509Certificate } from 'node:crypto';
import { turnHostsIn } from '#site/turn-hosts.ts';
import { checkChain } from './browsers.ts';
import { certificatesAt, checkKey } from './certificates.ts';
import { type Facts, fileOf, isUsed } from './facts.ts';
import { mayRead } from './file.ts';
import { type Option, type Remark, warn } from './finding.ts';
import { checkLife } from './life.ts';
import { isHere, isTurnHere } from './turn.ts';

const ANY_OF_ALL = 0o007;

export function checkTurnCertificate(facts: Facts): readonly Remark[] {
  const [option, key] = filesOf(facts);
  if (!option || !key || !isUsed(option, facts) || !isTurnHere(facts)) return [];
  const rights = [...checkRight(option, facts), ...checkRight(key, facts), ...checkOthers(key, facts)];
  if (fileOf(option, facts.site, facts)?.text === undefined) return rights;
  const [own, ...others] = certificatesAt(option.path, facts);
  if (!own) {
    const reason = `there is no certificate in ${option.value} that can be read: coturn takes nobody over TLS.`;
    return [...rights, warn(option, reason, 'Put the certificate there, PEM with its chain.')];
  }
  const renew = 'Renew it at the authority that made it, and tell coturn: systemctl kill --signal=SIGUSR2 coturn';
  return [
    ...rights,
    ...checkKey(key.path, own, option, facts).map((remark) => ({ ...remark, severity: 'warning' as const })),
    ...checkLife(option, own, facts.now, 'the certificate of the TURN server', renew),
    ...checkNames(own, option, facts),
    ...checkChain(own, others, option),
  ];
}

/** What could not be looked at, in sentences; none of it is a mistake. */
export function unseenOfTurn(facts: Facts): readonly string[] {
  const options = filesOf(facts).filter((option) => isUsed(option, facts));
  if (options.length === 0) return [];
  const doctor = 'hawser doctor clients looks at what coturn shows.';
  if (!isTurnHere(facts)) return [`The certificate of coturn, which is on another machine. ${doctor}`];
  return options.flatMap((option) => {
    const file = fileOf(option, facts.site, facts);
    if (file?.text !== undefined) return [];
    const why = file ? 'which this user may not read' : 'which is not on this machine';
    return [`${option.path}, ${option.value}, ${why}. ${doctor}`];
  });
}

/** The certificate and the key, as paths on the TURN host. */
function filesOf({ site }: Facts): readonly Option<string>[] {
  return ['turn.certificate', 'turn.key'].flatMap((path) => site.options.text(path) ?? []);
}

function checkNames(own: X509Certificate, option: Option, facts: Facts): readonly Remark[] {
  return turnHostsIn(facts.site.options.all).flatMap(({ name, ips }) => {
    const host = String(name?.value ?? '');
    if (host === '' || !ips.some((ip) => isHere(ip, facts))) return [];
    if (own.checkHost(host, { subject: 'never' }) !== undefined) return [];
    const names = own.subjectAltName?.replaceAll('DNS:', '') ?? 'no name at all';
    const reason = `it is for ${names}, and browsers come to ${host}: they refuse it.`;
    return [warn(option, reason, `Get one for ${host}, or correct ${name?.path}.`)];
  });
}

/** Debian starts coturn as a user of its own. */
function checkRight(option: Option<string>, facts: Facts): readonly Remark[] {
  const file = fileOf(option, facts.site, facts);
  const { coturn } = facts.machine;
  if (!file || !coturn || mayRead(file, coturn)) return [];
  const reason = `the user of coturn, ${coturn.name}, may not read ${option.value}: coturn takes nobody over TLS.`;
  return [warn(option, reason, `Run: chown ${coturn.name} ${option.value} && chmod u+r ${option.value}`)];
}

function checkOthers(option: Option<string>, facts: Facts): readonly Remark[] {
  const file = fileOf(option, facts.site, facts);
  if (!file || (file.mode & ANY_OF_ALL) === 0) return [];
  const reason = `everybody on this machine may use the key ${option.value}.`;
  return [warn(option, reason, `Run: chmod o= ${option.value}`)];
}
