/** Where the servers listen, and which address they tell others: whether packets can come that way. */
import { isIP } from 'node:net';
import { hostAndPort, parseHostAndPort } from '#site/address.ts';
import { isLocalHost, isSameIp, plainIp } from '#site/ip.ts';
import { text } from '#site/yaml.ts';
import { type AddressKind, KIND_WORDS, kindOf } from './address-kind.ts';
import { type Facts, isUsed, turnHostsOf } from './facts.ts';
import { type Option, type Remark, refuse, warn } from './finding.ts';

export function checkAddresses(facts: Facts): readonly Remark[] {
  return [...checkAnnounced(facts), ...checkInterfaces(facts), ...checkLiterals(facts), ...checkAdmin(facts)];
}

/** Whom media comes from, and the URL that says whether anybody is meant to come from elsewhere. */
const MEDIA = [
  ['sft.media', 'homeserver.client.url', 'clients'],
  ['sft.trunk', 'sft.link.url', 'other SFTs'],
] as const;

function checkAnnounced(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const turn = turnHostsOf(facts).map((section) => [section, MEDIA[0][1], 'clients that need TURN'] as const);
  return [...MEDIA, ...turn].flatMap(([section, door, who]) => {
    const listen = options.text(`${section}.listenIp`);
    const announced = options.text(`${section}.announcedIp`);
    const shown = announced ?? listen;
    if (!listen || !shown || !isUsed(shown, facts)) return [];
    const [kind, at] = [kindOf(shown.value), kindOf(listen.value)];
    if (kind === undefined || at === undefined) return [];
    if (at === 'multicast' || at === 'reserved') {
      return [refuse(listen, `nothing can listen on ${listen.value}, ${KIND_WORDS[at]}.`, ownAddress)];
    }
    if (isIP(plainIp(listen.value)) === 4 && isIP(plainIp(shown.value)) === 6) {
      return [
        refuse(shown, `it is IPv6, and ${listen.path} takes IPv4 alone.`, `Write an IPv4 address, or listenIp: '::'.`),
      ];
    }
    const isHere = facts.machine.addresses.some((each) => isSameIp(each, shown.value));
    const isLocal = isLocalSite(door, facts);
    return checkShown(shown, kind, { isSaid: announced !== undefined, isHere, at, who, isLocal });
  });
}

interface Circumstances {
  /** Whether it is said in an option of its own, which is for nothing but to be told. */
  readonly isSaid: boolean;
  /** Whether an interface of this machine has it. */
  readonly isHere: boolean;
  /** What the address is on which the server listens. */
  readonly at: AddressKind;
  readonly who: string;
  /** Whether nobody is meant to come from another machine. */
  readonly isLocal: boolean;
}

const ownAddress = 'Write an address of this machine, as ip address shows it.';

function checkShown(
  shown: Option<string>,
  kind: AddressKind,
  { isSaid, isHere, at, who, isLocal }: Circumstances,
): readonly Remark[] {
  const words = `${shown.value} is ${KIND_WORDS[kind]}`;
  const announce = `Write the address that ${who} reach in ${shown.path.replace(/[^.]+$/, 'announcedIp')}.`;
  switch (kind) {
    case 'public':
      return [];
    case 'loopback':
      if (isLocal) return [];
      if (isSaid && at !== 'loopback') return [refuse(shown, `${words}: no packet of ${who} comes here.`, announce)];
      return [warn(shown, `${words}: ${who} on other machines have neither sound nor picture.`, announce)];
    case 'unspecified':
      // Of listenIp alone the reader of the file says so.
      return isSaid ? [refuse(shown, `${words}: no packet of ${who} comes here.`, announce)] : [];
    case 'multicast':
    case 'reserved':
      return [refuse(shown, `${words}: no packet of ${who} comes here.`, announce)];
    case 'documentation':
      // In a laboratory some machine does have one.
      return isHere ? [] : [warn(shown, `${words}, and no machine has it.`, `Write your own address in its place.`)];
    case 'private':
    case 'shared':
    case 'linkLocal':
    case 'special':
      return [
        warn(
          shown,
          `${words}: ${who} outside of your own network have neither sound nor picture.`,
          `${announce} Where all are inside, leave it as it is.`,
        ),
      ];
  }
}

/** Whether the name that others are told leads to this machine itself, as in a trial. */
function isLocalSite(door: string, { site }: Facts): boolean {
  const host = hostOf(site.options.text(door)?.value ?? '');
  return host !== undefined && isLocalHost(host);
}

export function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : undefined;
}

/** An address that no interface has cannot be listened on. */
function checkInterfaces(facts: Facts): readonly Remark[] {
  const { addresses } = facts.machine;
  if (addresses.length === 0) return [];
  return facts.site.options.all.flatMap((leaf) => {
    const kind = text(leaf.schema, 'kind');
    // coturn may be on another machine.
    const isOurs = leaf.path.endsWith('.listenIp') && !leaf.path.startsWith('turn.');
    const isListened = kind === 'listen' || (kind === 'ip' && isOurs);
    if (!isListened || typeof leaf.value !== 'string' || !isUsed(leaf, facts)) return [];
    const host = kind === 'listen' ? parseHostAndPort(leaf.value)?.host : leaf.value;
    const found = host === undefined ? undefined : kindOf(host);
    if (host === undefined || found === undefined) return [];
    // That of an example is said already, and others are refused.
    const isSaid = kind === 'ip' && (found === 'documentation' || found === 'multicast' || found === 'reserved');
    if (isSaid || found === 'unspecified' || found === 'loopback' || addresses.some((each) => isSameIp(each, host)))
      return [];
    return [
      warn(
        leaf,
        `this machine has no address ${host}, so that the server will not start here.`,
        `Write one of ${addresses.join(', ')}; behind address translation the address outside goes into announcedIp or the URL.`,
      ),
    ];
  });
}

/** Addresses in the place of names. */
function checkLiterals(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const pages = ['homeserver.client.url', 'sft.client.url'].flatMap((path) => {
    const option = options.text(path);
    const host = hostOf(option?.value ?? '') ?? '';
    if (!option || !isUsed(option, facts) || isIP(host) === 0 || isLocalHost(host)) return [];
    const reason = `no authority that browsers know certifies the address ${host}, and without a certificate browsers give a page no camera.`;
    return [
      warn(
        option,
        reason,
        `Write a name below the domain, such as ${path.startsWith('sft') ? 'sft' : 'call'}.alpha.example, and give it this address in DNS.`,
      ),
    ];
  });
  const doors = ['sft.link.url', 'homeserver.federation.address'].flatMap((path) => {
    const option = options.text(path);
    const host = path.endsWith('url') ? hostOf(option?.value ?? '') : parseHostAndPort(option?.value ?? '')?.host;
    const kind = host === undefined ? undefined : kindOf(host);
    if (!option || !isUsed(option, facts) || kind === undefined || kind === 'public') return [];
    if (kind === 'loopback' && isLocalSite('homeserver.client.url', facts)) return [];
    const reason = `${host} is ${KIND_WORDS[kind]}: other domains outside of your own network do not reach it.`;
    return [warn(option, reason, 'Write a name, or the public address, and forward the port to this machine.')];
  });
  return [...pages, ...doors];
}

const ADMIN = [
  ['homeserver.admin.listen', 'makes, opens and deletes accounts'],
  ['sft.admin.listen', 'reads which calls there are, and renews trunks'],
] as const;

/** Nobody signs in at the doors of the administrator. */
function checkAdmin(facts: Facts): readonly Remark[] {
  return ADMIN.flatMap(([path, power]) => {
    const option = facts.site.options.text(path);
    if (!option || !isUsed(option, facts) || parseHostAndPort(option.value) === undefined) return [];
    const { host, port } = hostAndPort(option.value);
    const kind = kindOf(host);
    if (kind !== 'public' && kind !== 'unspecified' && kind !== 'documentation') return [];
    const reason = `nobody signs in there, and whoever reaches ${host} from outside ${power}.`;
    return [warn(option, reason, `Write 127.0.0.1:${port}, or an address of a network of administrators.`)];
  });
}
