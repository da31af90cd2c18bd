/** `hawser peers`: the allow list of a running server. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { editPeers, type ScopeChange, withoutPeer } from '#trust/peers-edit.ts';
import { authorityText, statusOf } from '#trust/peers-file.ts';
import type { PeerLimits, PeerScopes } from '#trust/peers-schema.ts';
import { columns } from './certs/columns.ts';
import { command, type Terminal } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag as json } from './flags.ts';
import { changePeers, listPath, readPeers, siteAt } from './peers/list.ts';
import { partingWith, WHAT_HAPPENS, waitForParting } from './peers/parting.ts';

const config = configFlag('The configuration, which names the list');

const noWait = { type: 'boolean', summary: 'Do not wait until a running homeserver has parted with it' } as const;
const WAITS = 'Where the homeserver runs on this machine, the command waits until all is done and says how far it is.';

export const peersList = command({
  name: 'peers list',
  summary: 'List the domains that a running homeserver allows',
  usage: '',
  flags: { config, json },
  async run({ flags, out }) {
    const path = await listPath(flags.config);
    const peers = [...(await readPeers(path)).values()].map((peer) => statusOf(peer, Date.now()));
    if (flags.json) out(JSON.stringify({ path, peers }));
    else if (peers.length === 0) out(`${path} lists nobody: no other domain can connect.`);
    else {
      const rows = peers.map(
        ({ domain, state, homeserver, authorities, mediaPrefixes, revoked, limits, may, addresses }) => [
          domain,
          state,
          homeserver ?? 'discovered',
          authorities.map(({ to }) => to.slice(0, 10)).join(' ') || '-',
          revoked === undefined ? 'no list' : `${revoked}`,
          mediaPrefixes.join(' ') || 'no media',
          limitsInWords(limits) || 'as for all',
          mayInWords(may),
          addresses,
        ],
      );
      const head = [
        'DOMAIN',
        'STATE',
        'HOMESERVER',
        'AUTHORITY ENDS',
        'REVOKED',
        'MEDIA PREFIXES',
        'LIMITS',
        'MAY',
        'ADDRESSES',
      ];
      for (const line of columns([head, ...rows])) out(line);
    }
    return 0;
  },
});

const scopes = {
  messages: { type: 'boolean', summary: 'Allow messages, which is so unless it was taken back' },
  'no-messages': { type: 'boolean', summary: 'No messages, files and groups with the domain' },
  calls: { type: 'boolean', summary: 'Allow calls, which is so unless it was taken back' },
  'no-calls': { type: 'boolean', summary: 'No calls with the domain' },
  search: {
    type: 'string',
    value: 'WHO',
    choices: ['none', 'exact', 'full'],
    summary: 'Whom its people find here: nobody, by exact handle, or by parts of names',
  },
  addresses: {
    type: 'string',
    value: 'WHICH',
    choices: ['public', 'any'],
    summary: 'Where names may lead: any is needed for private and loopback addresses',
  },
} as const;

export const peersAllow = command({
  name: 'peers allow',
  summary: 'Allow a domain, with the authority that speaks for it',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    'What is left out stays as it was. Running servers follow within a second.',
    'Compare the fingerprint with the administrator of the domain by telephone: who made the file is who you allow.',
  ],
  flags: {
    authority: {
      type: 'string',
      value: 'FILE',
      summary: 'Its authority.pem; needed the first time; copied into the list',
    },
    'revocation-list': { type: 'string', value: 'FILE', summary: 'Its revoked.pem; followed where it lies' },
    homeserver: { type: 'string', value: 'HOST:PORT', summary: 'Where its homeserver takes other domains' },
    'media-prefix': { type: 'string', value: 'CIDR,…', summary: 'Where its media may come from; several with commas' },
    'link-port': { type: 'integer', value: 'PORT', min: 1, max: 65_535, summary: 'Of its SFT; for hawser ports' },
    'trunk-ports': { type: 'string', value: 'FROM-TO', summary: 'Of its SFT; for hawser ports' },
    ...scopes,
    config,
    json,
  },
  async run({ flags, args: [name = ''], out }) {
    const domain = domainOf(name);
    const path = await listPath(flags.config);
    const list = flags['revocation-list'];
    const authority = flags.authority === undefined ? undefined : await authorityIn(flags.authority);
    if (authority === undefined && (await readPeers(path)).get(domain)?.authority === undefined) {
      throw new UsageError(`${domain} is new here: --authority FILE says which authority.pem speaks for it.`);
    }
    await changePeers(path, (text) =>
      editPeers(text, {
        domain,
        state: 'allowed',
        authority,
        revocationList: list === undefined ? undefined : resolve(list),
        homeserver: flags.homeserver,
        mediaPrefixes: flags['media-prefix']?.split(',').map((prefix) => prefix.trim()),
        linkPort: flags['link-port'],
        trunkPorts: flags['trunk-ports'],
        may: scopeChange(flags),
        addresses: flags.addresses,
      }),
    );
    return tell(path, domain, flags.json, out);
  },
});

export const peersBlock = command({
  name: 'peers block',
  summary: 'Block a domain: nothing goes to it or comes from it',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    ...WHAT_HAPPENS,
    'The entry stays, so that hawser peers allow DOMAIN is enough to allow the domain again.',
    WAITS,
  ],
  flags: { 'no-wait': noWait, config, json },
  run: ({ flags, args: [name = ''], ...terminal }) =>
    part({ ...terminal, ...flags, isWaiting: !flags['no-wait'], domain: domainOf(name) }, (text, domain) =>
      editPeers(text, { domain, state: 'blocked' }),
    ),
});

export const peersRemove = command({
  name: 'peers remove',
  summary: 'Take a domain off the list, and what the list says about it',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    ...WHAT_HAPPENS,
    'To allow it again takes its authority once more; hawser peers block DOMAIN keeps it.',
    WAITS,
  ],
  flags: { 'no-wait': noWait, config, json },
  async run({ flags, args: [name = ''], ...terminal }) {
    const domain = domainOf(name);
    const path = await listPath(flags.config);
    if (!(await readPeers(path)).has(domain)) throw new UsageError(`${domain} is not on the list ${path}.`);
    return part({ ...terminal, ...flags, isWaiting: !flags['no-wait'], domain }, withoutPeer);
  },
});

interface Leaving extends Terminal {
  readonly domain: DomainName;
  readonly config: string;
  readonly json: boolean;
  readonly isWaiting: boolean;
}

/** Changes the list, and waits until a homeserver that runs here has parted with the domain. */
async function part(leaving: Leaving, edit: (text: string, domain: DomainName) => string): Promise<number> {
  const { domain, json, isWaiting, out, err, signal } = leaving;
  const site = await siteAt(leaving.config);
  const path = site.peers;
  const waiting = { site, domain, say: err, signal };
  const before = isWaiting ? await partingWith(waiting) : 'none';
  const wasAllowed = (await readPeers(path)).get(domain)?.state === 'allowed';
  if (!json && wasAllowed) for (const line of WHAT_HAPPENS) out(line);
  await changePeers(path, (text) => edit(text, domain));
  const peer = (await readPeers(path)).get(domain);
  const state = peer?.state ?? 'removed';
  if (!json) out(`${domain} is ${state}. Running servers follow within a second.`);
  const goesOn = before !== 'none' && before !== undefined && before.endedAt === undefined;
  const parting = before !== 'none' && (wasAllowed || goesOn) ? await waitForParting(waiting, before) : undefined;
  if (json)
    out(JSON.stringify({ ...(peer ? statusOf(peer, Date.now()) : { domain, state }), ...(parting && { parting }) }));
  else if (parting) out(`The homeserver has parted with ${domain}: ${parting.done} conversations were shared.`);
  else if (wasAllowed && isWaiting) out('No homeserver runs here: it parts with the domain when it starts.');
  return 0;
}

const limit = (summary: string, value = 'N') => ({ type: 'string', value, summary }) as const;

export const peersLimit = command({
  name: 'peers limit',
  summary: 'Say what a domain may do here, and how much it may take of the media server',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    'What is left out stays as it was; none takes a limit away, so that the one of sft.peerLimits holds again.',
    'A running SFT follows within a second, and no call is interrupted: where less fits, small pictures go first and sound never.',
    'Example: hawser peers limit beta.example --send 20 --receive 20 --participants none',
    'Example: hawser peers limit beta.example --no-calls --search none',
  ],
  flags: {
    send: limit('Most Mbit/s to the domain', 'MBIT'),
    receive: limit('Most Mbit/s from the domain', 'MBIT'),
    sources: limit('Most cameras, microphones and screens of the domain'),
    conferences: limit('Most conferences shared with the domain; those that go on stay'),
    participants: limit('Most participants of the domain'),
    ...scopes,
    config,
    json,
  },
  async run({ flags, args: [name = ''], out }) {
    const domain = domainOf(name);
    const path = await listPath(flags.config);
    if (!(await readPeers(path)).has(domain)) {
      throw new UsageError(`${domain} is not on the list; hawser peers allow ${domain} comes first.`);
    }
    const limits = {
      sendMbit: figureOf('send', flags.send),
      receiveMbit: figureOf('receive', flags.receive),
      sources: figureOf('sources', flags.sources),
      conferences: figureOf('conferences', flags.conferences),
      participants: figureOf('participants', flags.participants),
    };
    const may = scopeChange(flags);
    const { addresses } = flags;
    if (Object.values({ ...limits, ...may, addresses }).every((each) => each === undefined)) {
      throw new UsageError('Say at least one limit, such as --send 20.');
    }
    await changePeers(path, (text) => editPeers(text, { domain, limits, may, addresses }));
    const peer = (await readPeers(path)).get(domain);
    if (peer === undefined) throw new Problem(`${domain} vanished from ${path}; somebody else changed it.`);
    if (flags.json) out(JSON.stringify(statusOf(peer, Date.now())));
    else {
      const limited = limitsInWords(peer.limits) || 'media as for all';
      out(`${domain}: ${limited}; ${mayInWords(peer.may)}. Running servers follow within a second.`);
    }
    return 0;
  },
});

function figureOf(flag: string, text: string | undefined): number | 'none' | undefined {
  if (text === undefined || text === 'none') return text;
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new UsageError(`--${flag} must be a number or none, not '${text}'.`);
  return Number(text);
}

interface ScopeFlags extends Pick<ScopeChange, 'search'> {
  readonly messages: boolean;
  readonly 'no-messages': boolean;
  readonly calls: boolean;
  readonly 'no-calls': boolean;
}

function scopeChange(flags: ScopeFlags): ScopeChange {
  const either = (yes: boolean, no: boolean, name: string) => {
    if (yes && no) throw new UsageError(`--${name} and --no-${name} contradict each other.`);
    return yes || no ? yes : undefined;
  };
  return {
    messages: either(flags.messages, flags['no-messages'], 'messages'),
    calls: either(flags.calls, flags['no-calls'], 'calls'),
    search: flags.search,
  };
}

function mayInWords({ messages, calls, search }: PeerScopes): string {
  return [messages ? 'messages' : 'no messages', calls ? 'calls' : 'no calls', `search ${search}`].join(', ');
}

function limitsInWords({ sendMbit, receiveMbit, ...counts }: PeerLimits): string {
  return [
    ...(sendMbit === undefined ? [] : [`send ${sendMbit} Mbit/s`]),
    ...(receiveMbit === undefined ? [] : [`receive ${receiveMbit} Mbit/s`]),
    ...Object.entries(counts).map(([what, most]) => `${most} ${what}`),
  ].join(', ');
}

async function tell(path: string, domain: DomainName, json: boolean, out: (line: string) => void): Promise<number> {
  const peer = (await readPeers(path)).get(domain);
  if (peer === undefined) throw new Problem(`${domain} vanished from ${path}; somebody else changed it.`);
  const status = statusOf(peer, Date.now());
  if (json) {
    out(JSON.stringify(status));
    return 0;
  }
  out(`${domain} is ${status.state}. Running servers follow within a second.`);
  for (const { fingerprint } of status.authorities) out(`Its authority has the fingerprint ${fingerprint}`);
  if (status.homeserver === undefined) out('No homeserver is named: it is looked for under the name of the domain.');
  if (status.mediaPrefixes.length === 0) out('No media prefix is named: there will be no sound and no picture.');
  return 0;
}

function domainOf(name: string): DomainName {
  const domain = parseDomainName(name);
  if (domain === undefined) throw new UsageError(`'${name}' is not a DNS name such as beta.example.`);
  return domain;
}

async function authorityIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file} cannot be read (${error.code}).`);
  });
  const authority = authorityText(text);
  if (authority === undefined) throw new Problem(`${file} holds no PEM certificate.`);
  return authority;
}
