/** `hawser ports`: which ports a site needs, for whom and why, as a table or for a firewall. */
import { Discovery } from '#homeserver/federation/discovery.ts';
import { resolverOf } from '#homeserver/federation/dns.ts';
import { WORLD } from '#homeserver/world.ts';
import { firewalld } from '#ports/formats/firewalld.ts';
import type { FirewallOptions, Ssh } from '#ports/formats/host.ts';
import { iptables } from '#ports/formats/iptables.ts';
import { nftables } from '#ports/formats/nftables.ts';
import { sysctl } from '#ports/formats/sysctl.ts';
import { list, markdown } from '#ports/formats/table.ts';
import { terraformAws } from '#ports/formats/terraform-aws.ts';
import { ufw } from '#ports/formats/ufw.ts';
import { partnerLetter, partnerRows } from '#ports/partner.ts';
import { type Machine, type Rule, rulesAt } from '#ports/rule.ts';
import { isKnown, type KnownSite, rulesOf } from '#ports/rules.ts';
import { parseDomainName } from '#signalling/ids.ts';
import { plainIp } from '#site/ip.ts';
import type { Site } from '#site/schema.ts';
import { workersHere } from '#site/sft.ts';
import { isPrefix, plainPrefix } from '#trust/prefixes.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag } from './flags.ts';
import { readPeers, siteAt } from './peers/list.ts';
import { doorsOf } from './ports/doors.ts';

const FORMATS = [
  'table',
  'nftables',
  'iptables',
  'firewalld',
  'ufw',
  'terraform-aws',
  'sysctl',
  'json',
  'markdown',
] as const;
type Format = (typeof FORMATS)[number];
/** Those that let in nothing but by a rule, and let out whatever no rule is about, unless they are told otherwise. */
const OWN_POLICY: readonly Format[] = ['nftables', 'iptables', 'ufw'];
const SSH_PORT = 22;
/** Of one domain. The homeserver tries some of them at a time, and not the same ones each time. */
const MOST_PLACES = 32;
const MACHINES: readonly Machine[] = ['homeserver', 'sft', 'turn'];

export const ports = command({
  name: 'ports',
  summary: 'Say which ports to open to whom, as a table or as rules of a firewall',
  usage: '',
  about: [
    'The rules are made of hawser.yaml and the allow list, the files that the servers themselves read. Make them anew when either changes.',
    '',
    'Examples:  hawser ports                                        the table, and what other organisations have to open',
    '           hawser ports --format nftables --machine sft,homeserver > hawser.nft && nft --file hawser.nft',
    '           hawser ports --partner beta.example                 a letter to its administrator',
    '',
    `What else comes in is dropped by ${OWN_POLICY.join(', ')}, but for SSH, on port ${SSH_PORT} from everywhere. Where yours listens elsewhere, say so`,
    'with --ssh-port before you load the rules, so that you do not lock yourself out; --ssh-from names where administrators are.',
    '',
    'sysctl is for /etc/sysctl.d: ports that the system is to keep for the servers.',
    '',
    'With --strict also what goes out is limited to the rules: updates of the system, for instance, need rules of their own then.',
  ],
  flags: {
    config: configFlag('The site'),
    format: {
      type: 'string',
      value: 'FORMAT',
      default: 'table',
      choices: FORMATS,
      summary: 'How it is written',
    },
    machine: {
      type: 'string',
      value: 'NAMES',
      summary: 'Only what concerns these: homeserver, sft, turn, with commas between. All of them when left out',
    },
    strict: {
      type: 'boolean',
      summary: `Let nothing out either but what the rules say; for ${OWN_POLICY.join(', ')}`,
    },
    'ssh-port': {
      type: 'string',
      value: 'PORT,…',
      summary: `Where SSH of this machine listens, for ${OWN_POLICY.join(', ')}; ${SSH_PORT} when left out`,
    },
    'ssh-from': { type: 'string', value: 'CIDR,…', summary: 'From where SSH is let in; from everywhere when left out' },
    partner: {
      type: 'string',
      value: 'DOMAIN',
      summary: 'What the administrator of this domain has to open, as a letter',
    },
  },
  async run({ flags, out, err }) {
    const hasPolicy = OWN_POLICY.includes(flags.format);
    if (flags.strict && !hasPolicy) {
      throw new UsageError(
        `--strict is for ${OWN_POLICY.join(', ')}. Groups of terraform-aws let nothing else out anyway, and rules of firewalld are about what comes in.`,
      );
    }
    for (const name of ['ssh-port', 'ssh-from'] as const) {
      if (flags[name] === undefined || hasPolicy) continue;
      throw new UsageError(`--${name} is for ${OWN_POLICY.join(', ')}. Other formats say nothing about SSH.`);
    }
    const ssh = sshOf(flags['ssh-port'], flags['ssh-from']);
    const site = await siteAt(flags.config);
    if (flags.partner !== undefined) {
      const partner = parseDomainName(flags.partner);
      if (partner === undefined) throw new UsageError(`'${flags.partner}' is not a DNS name such as beta.example.`);
      out(partnerLetter(site, partner));
      return 0;
    }
    if (!isKnown(site)) throw new Problem(workersMissing(flags.config));
    const peers = [...(await readPeers(site.peers)).values()];
    const names = resolverOf(site.homeserver.federation.resolvers ?? []);
    const doors = await doorsOf(peers, new Discovery({ names, world: WORLD, most: MOST_PLACES }), err);
    const machines = machinesOf(flags.machine);
    const rules = rulesAt(rulesOf({ site, peers, doors }), machines);
    for (const { domain, mediaPrefixes, state } of peers) {
      if (state === 'allowed' && mediaPrefixes.length === 0)
        err(`hawser: ${domain} has no media prefix, so that there is no rule for its media: hawser peers allow --help`);
    }
    out(inFormat(flags.format, rules, { site, machines, isStrict: flags.strict, ssh }));
    return 0;
  },
});

interface Wanted extends FirewallOptions {
  readonly site: KnownSite;
  readonly machines: readonly Machine[];
}

function inFormat(format: Format, rules: readonly Rule[], wanted: Wanted): string {
  const { site, machines } = wanted;
  switch (format) {
    case 'table': {
      const heading = `What ${site.domain} needs. The rule names are those that hawser doctor uses.`;
      const letter = ['', 'What other organisations have to open, ready to be mailed:', '', partnerLetter(site)];
      return [heading, '', ...list(rules), ...letter].join('\n');
    }
    case 'markdown':
      return `${markdown(rules)}\n\n    ${partnerLetter(site).replaceAll('\n', '\n    ')}`;
    case 'json':
      return JSON.stringify({ domain: site.domain, rules, partner: partnerRows(site) }, null, 2);
    case 'nftables':
      return `${header(site, '#')}\n${nftables(rules, wanted)}`;
    case 'iptables':
      return withHeader(site, iptables(rules, wanted));
    case 'firewalld':
      return withHeader(site, firewalld(rules));
    case 'ufw':
      return withHeader(site, ufw(rules, wanted));
    case 'terraform-aws':
      return `${header(site, '#')}\n${terraformAws(rules, site.domain)}`;
    case 'sysctl':
      return `${header(site, '#')}\n${sysctl(site, machines)}`;
  }
}

function header(site: Site, mark: string): string {
  return `${mark} Ports of ${site.domain}, by hawser ports. Make it anew when hawser.yaml or the allow list changes.`;
}

/** Behind the line that names the shell. */
function withHeader(site: Site, script: string): string {
  return script.replace('\n', `\n${header(site, '#')}\n`);
}

function machinesOf(text: string | undefined): readonly Machine[] {
  if (text === undefined) return MACHINES;
  return text.split(',').map((word) => {
    const machine = MACHINES.find((each) => each === word.trim());
    if (machine === undefined) throw new UsageError(`'${word}' is none of ${MACHINES.join(', ')}.`);
    return machine;
  });
}

/** Rules that were made on a machine with another number of cores would leave ports closed that the SFT opens. */
function workersMissing(config: string): string {
  return [
    `${config} does not say how many media workers the SFT has, and with them media ports: as many as its machine has cores, whichever that is.`,
    'Write it under sft.media, with the number that nproc prints on the machine of the SFT. If it is this one:',
    '',
    '  sft:',
    '    media:',
    `      workers: ${workersHere({})}`,
  ].join('\n');
}

function sshOf(portsText: string | undefined, fromText: string | undefined): Ssh {
  const words = (text: string) => text.split(',').map((word) => word.trim());
  const ports = words(portsText ?? String(SSH_PORT)).map((word) => {
    const port = /^\d{1,5}$/.test(word) ? Number(word) : 0;
    if (port < 1 || port > 65_535) throw new UsageError(`--ssh-port: '${word}' is no port from 1 to 65535.`);
    return port;
  });
  const from = fromText === undefined ? 'anyone' : words(fromText);
  const wrong = from === 'anyone' ? undefined : from.find((word) => !isPrefix(word));
  if (wrong !== undefined) {
    throw new UsageError(`--ssh-from: '${wrong}' is no address or prefix such as 192.0.2.0/24 or 2001:db8::/32.`);
  }
  return { ports, from: from === 'anyone' ? from : from.map((word) => plainPrefix(plainIp(word))) };
}
