/** `hawser ports`: which ports a site needs, for whom and why, as a table or for a firewall. */
import { Discovery } from '#homeserver/federation/discovery.ts';
import { resolverOf } from '#homeserver/federation/dns.ts';
import { WORLD } from '#homeserver/world.ts';
import { firewalld } from '#ports/formats/firewalld.ts';
import { iptables } from '#ports/formats/iptables.ts';
import { nftables } from '#ports/formats/nftables.ts';
import { list, markdown } from '#ports/formats/table.ts';
import { terraformAws } from '#ports/formats/terraform-aws.ts';
import { ufw } from '#ports/formats/ufw.ts';
import { partnerLetter, partnerRows } from '#ports/partner.ts';
import { type Machine, type Rule, rulesAt } from '#ports/rule.ts';
import { isKnown, rulesOf } from '#ports/rules.ts';
import { parseDomainName } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import { workersHere } from '#site/sft.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag } from './flags.ts';
import { readPeers, siteAt } from './peers/list.ts';
import { doorsOf } from './ports/doors.ts';

const FORMATS = ['table', 'nftables', 'iptables', 'firewalld', 'ufw', 'terraform-aws', 'json', 'markdown'] as const;
type Format = (typeof FORMATS)[number];
/** Those that let out whatever no rule is about, unless they are told otherwise. */
const STRICT: readonly Format[] = ['nftables', 'iptables', 'ufw'];
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
    '           hawser ports --format nftables --machine sft,homeserver > hawser.nft && nft -f hawser.nft',
    '           hawser ports --partner beta.example                 a letter to its administrator',
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
      summary: `Let nothing out either but what the rules say; for ${STRICT.join(', ')}`,
    },
    partner: {
      type: 'string',
      value: 'DOMAIN',
      summary: 'What the administrator of this domain has to open, as a letter',
    },
  },
  async run({ flags, out, err }) {
    if (flags.strict && !STRICT.includes(flags.format)) {
      throw new UsageError(
        `--strict is for ${STRICT.join(', ')}. Groups of terraform-aws let nothing else out anyway, and rules of firewalld are about what comes in.`,
      );
    }
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
    out(inFormat(flags.format, rules, site, flags.strict));
    return 0;
  },
});

function inFormat(format: Format, rules: readonly Rule[], site: Site, isStrict: boolean): string {
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
      return `${header(site, '#')}\n${nftables(rules, { isStrict })}`;
    case 'iptables':
      return withHeader(site, iptables(rules, { isStrict }));
    case 'firewalld':
      return withHeader(site, firewalld(rules));
    case 'ufw':
      return withHeader(site, ufw(rules, { isStrict }));
    case 'terraform-aws':
      return `${header(site, '#')}\n${terraformAws(rules, site.domain)}`;
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
