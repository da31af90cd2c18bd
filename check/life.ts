/** How long certificates and lists are good. Those that ended are no mistake of the file, so that servers start with them. */
import type { X509Certificate } from 'node:crypto';
import { validFrom, validTo } from '#trust/certificate.ts';
import { DAY } from '#trust/issuing.ts';
import { type Option, type Remark, warn } from './finding.ts';

/** Time in which an administrator should renew: a month, or the last third of what lives shorter. */
const SOON = 30 * DAY;

/** @param what in words that begin a sentence: `The certificate of the SFT` */
export function checkLife(
  option: Option,
  certificate: X509Certificate,
  now: number,
  what: string,
  remedy: string,
): readonly Remark[] {
  const [from, to] = [validFrom(certificate), validTo(certificate)];
  if (now < from) {
    const reason = `${what} is good from ${day(from)} on only, and until then refused.`;
    return [warn(option, reason, 'Set the clock of this machine, or wait until then.', 'TRUST_NOT_YET_VALID')];
  }
  if (now >= to) return [warn(option, `${what} ended on ${day(to)}: it is refused.`, remedy, 'TRUST_EXPIRED')];
  if (to - now >= Math.min(SOON, (to - from) / 3)) return [];
  return [warn(option, `${what} ends on ${day(to)}, in ${inDays(to - now)}.`, remedy)];
}

export function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function inDays(ms: number): string {
  const days = Math.floor(ms / DAY);
  return days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
}
