/** The TURN servers of a site: whether clients find them, whether coturn starts with it, and whether there is room. */
import { isIP } from 'node:net';
import { isSameIp, plainIp } from '#site/ip.ts';
import { isNamed, turnClashes } from '#site/listening.ts';
import type { TurnHostLeaves } from '#site/turn-hosts.ts';
import { parseSecrets } from '#turn-config/secrets.ts';
import { kindOf } from './address-kind.ts';
import { type Facts, fileOf, isUsed, turnHostsOf } from './facts.ts';
import { type Option, type Remark, refuse, warn } from './finding.ts';

export function checkTurn(facts: Facts): readonly Remark[] {
  return [...checkSecrets(facts), ...checkHosts(facts), ...checkNeighbours(facts), ...checkRoom(facts)];
}

/** Whether one of them is this machine. */
export function isTurnHere(facts: Facts): boolean {
  return turnHostsOf(facts).some((host) => isHere(facts.site.options.text(`${host}.listenIp`)?.value ?? '', facts));
}

export function isHere(ip: string, { machine }: Facts): boolean {
  return machine.addresses.some((each) => isSameIp(each, ip));
}

/** As the homeserver reads them. */
function checkSecrets(facts: Facts): readonly Remark[] {
  const option = facts.site.options.text('turn.secrets');
  const content = fileOf(option, facts.site, facts)?.text;
  if (!option || content === undefined || !isUsed(option, facts)) return [];
  try {
    parseSecrets(content);
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const remedy = 'Correct it, or take it away and make a new one: hawser turn rotate';
    return [refuse(option, `it cannot be used. ${error.message}`, remedy)];
  }
}

function checkHosts(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const domain = options.text('domain')?.value;
  const media = options.text('sft.media.announcedIp') ?? options.text('sft.media.listenIp');
  return turnHostsOf(facts).flatMap((host) => {
    const [name, listen] = [options.text(`${host}.name`), options.text(`${host}.listenIp`)];
    const remarks: Remark[] = [];
    if (name && domain !== undefined && isUsed(name, facts) && !name.value.endsWith(`.${domain}`)) {
      const reason = `${name.value} does not lie below ${domain}: whoever has that name sees which of your people need it.`;
      remarks.push(warn(name, reason, `Write a name below ${domain}, unless that is what you want.`));
    }
    if (listen && isUsed(listen, facts) && kindOf(listen.value) === 'unspecified') {
      const reason = 'coturn relays from one address, by which the SFT and its firewall know it.';
      remarks.push(refuse(listen, reason, 'Write that address of the TURN host, as ip address shows it there.'));
    }
    const [own, far] = [listen, media].map((each) => isIP(plainIp(each?.value ?? '')));
    if (listen && isUsed(listen, facts) && own && far && own !== far) {
      const reason = `coturn relays from it by IPv${own}, and ${media?.path} has an address of IPv${far}: nothing gets from one to the other.`;
      remarks.push(warn(listen, reason, `Write an address of IPv${far} of the TURN host.`));
    }
    return remarks;
  });
}

/**
 * Who listens on every address takes the ports of coturn on a second address of the same machine too. That of an address which the
 * site names elsewhere is refused by its reader.
 */
function checkNeighbours(facts: Facts): readonly Remark[] {
  const { parts, site } = facts;
  const isTold = isNamed(site.options.all, parts);
  const isSecond = (host: TurnHostLeaves) => !isTold(host) && host.ips.some((ip) => isHere(ip, facts));
  return turnClashes(site.options.all, parts, isSecond).flatMap(({ path, place, ports, other }) => {
    const option: Option = { path, place, value: undefined };
    if (!isUsed(option, facts)) return [];
    const reason = `it takes ${ports}, which ${other} takes too, of every address of this machine.`;
    const here = path === 'turn.tlsPort' ? 'write 5349 here' : 'take other ports here';
    return [warn(option, reason, `Let ${listening(other)} name one address, or ${here}.`)];
  });
}

/** The option that says on which address: that of a door, or of media. */
function listening(path: string): string {
  return path.endsWith('.listen') ? path : `${path.split('.').slice(0, 2).join('.')}.listenIp`;
}

/** For a device while its call begins: site/turn.ts. */
const RELAYS_OF_DEVICE = 4;

/** Most people need no TURN; where a quarter of those that the SFT takes may come by it, there is room enough. */
function checkRoom(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const [from, to] = [options.number('turn.ports.from'), options.number('turn.ports.to')];
  const participants = options.number('sft.limits.participants');
  if (!from || !to || !participants || !isUsed(to, facts) || to.value < from.value) return [];
  const [hosts, ports] = [turnHostsOf(facts).length, to.value - from.value + 1];
  const needed = Math.ceil(participants.value / RELAYS_OF_DEVICE) * RELAYS_OF_DEVICE;
  if (hosts === 0 || hosts * ports >= needed) return [];
  const devices = Math.floor((hosts * ports) / RELAYS_OF_DEVICE);
  const reason = `${ports} ports on ${hosts === 1 ? 'one host' : `${hosts} hosts`} are enough for ${devices} devices at once, fewer than a quarter of the ${participants.value} participants of sft.limits.participants.`;
  const last = from.value + Math.ceil(needed / hosts) - 1;
  const remedy =
    last <= 65_535
      ? `Let the range end at ${last} or above, and open it in the firewall, unless few of your people need TURN.`
      : 'Begin the range lower, or add a host, unless few of your people need TURN.';
  return [warn(to, reason, remedy)];
}
