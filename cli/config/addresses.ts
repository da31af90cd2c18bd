/** To which address the name of a host leads, and which one of the machine that is. Pure. */
import { isIP, isIPv4 } from 'node:net';
import { kindOf } from '#check/address-kind.ts';
import { isEveryIp, isLoopbackIp, isSameIp, plainIp } from '#site/ip.ts';
import { Problem, UsageError } from '../errors.ts';

/** @param found what the DNS and /etc/hosts know of `host`. @throws Problem where a person has to say which one it is */
export function chooseAddress(host: string, found: readonly string[]): string {
  const reachable = [...new Set(found)].filter((ip) => !isLoopbackIp(ip));
  const [local] = found;
  if (reachable.length === 0 && local !== undefined) {
    throw new Problem(
      `${host} leads to ${local} here, where nobody else reaches it (see /etc/hosts). Say with --address where others reach it.`,
    );
  }
  // The SFT has one address. Whoever has IPv6 reaches IPv4, too, more often than the other way round.
  const ofOneFamily = reachable.some(isIPv4) ? reachable.filter(isIPv4) : reachable;
  const [only, another] = ofOneFamily;
  if (only === undefined) {
    throw new Problem(
      `No address is known for ${host}. Have an A record made for it, or say the address with --address.`,
    );
  }
  if (another !== undefined) {
    throw new Problem(
      `${host} leads to ${ofOneFamily.join(' and ')}. Say with --address which one is that of this host.`,
    );
  }
  return only;
}

/**
 * Of a machine's addresses the one on which it takes what comes to `address`.
 * @throws Problem where a person has to say which one it is
 */
export function chooseListenIp(address: string, ofMachine: readonly string[]): string {
  if (ofMachine.some((ip) => isSameIp(ip, address))) return address;
  const candidates = ofMachine.filter(
    (ip) => isIP(ip) === isIP(address) && !isLoopbackIp(ip) && kindOf(ip) !== 'linkLocal',
  );
  const [only, another] = candidates;
  if (only !== undefined && another === undefined) return only;
  const which = only === undefined ? 'none of that family' : candidates.join(', ');
  throw new Problem(
    `This machine does not have the address ${address}; it has ${which}. Call this on the host itself, or say with --listen to which of its addresses the address translation leads.`,
  );
}

/** @throws UsageError where it is no address of one machine */
export function parseIp(flag: string, ip: string): string {
  if (isIP(ip) === 0 || ip.includes('%') || isEveryIp(ip)) {
    throw new UsageError(`--${flag} ${ip} is not the IP address of a machine, such as 203.0.113.7.`);
  }
  return plainIp(ip);
}
