/** `hawser peers`: the allow list of a running server. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import type { PeerLimits } from '#trust/peers-schema.ts';
import { certificatesOf } from '#trust/pem.ts';
import { columns } from './certs/columns.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { editPeers } from './peers/edit.ts';
import { changePeers, listPath, readPeers, statusOf } from './peers/list.ts';

const config = {
  type: 'string',
  value: 'FILE',
  default: 'hawser.yaml',
  summary: 'The configuration, which names the list',
} as const;
const json = { type: 'boolean', summary: 'One JSON object in place of the text' } as const;

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
      const rows = peers.map(({ domain, state, homeserver, authorities, mediaPrefixes, revoked, limits }) => [
        domain,
        state,
        homeserver ?? '-',
        authorities.map(({ to }) => to.slice(0, 10)).join(' ') || '-',
        revoked === undefined ? 'no list' : `${revoked}`,
        mediaPrefixes.join(' ') || 'no media',
        limitsInWords(limits) || 'as for all',
      ]);
      const head = ['DOMAIN', 'STATE', 'HOMESERVER', 'AUTHORITY ENDS', 'REVOKED', 'MEDIA PREFIXES', 'LIMITS'];
      for (const line of columns([head, ...rows])) out(line);
    }
    return 0;
  },
});

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
    config,
    json,
  },
  async run({ flags, args: [name = ''], out }) {
    const domain = domainOf(name);
    const path = await listPath(flags.config);
    const list = flags['revocation-list'];
    const authority = flags.authority === undefined ? undefined : await authorityText(flags.authority);
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
      }),
    );
    return tell(path, domain, flags.json, out);
  },
});

export const peersBlock = command({
  name: 'peers block',
  summary: 'Take a domain off the allow list',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: ['The entry stays, so that hawser peers allow DOMAIN is enough to allow the domain again.'],
  flags: { config, json },
  async run({ flags, args: [name = ''], out }) {
    const domain = domainOf(name);
    const path = await listPath(flags.config);
    await changePeers(path, (text) => editPeers(text, { domain, state: 'blocked' }));
    return tell(path, domain, flags.json, out);
  },
});

const limit = (summary: string, value = 'N') => ({ type: 'string', value, summary }) as const;

export const peersLimit = command({
  name: 'peers limit',
  summary: 'Say how much a domain may take of the media server',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    'What is left out stays as it was; none takes a limit away, so that the one of sft.peerLimits holds again.',
    'A running SFT follows within a second, and no call is interrupted: where less fits, small pictures go first and sound never.',
    'Example: hawser peers limit beta.example --send 20 --receive 20 --participants none',
  ],
  flags: {
    send: limit('Most Mbit/s to the domain', 'MBIT'),
    receive: limit('Most Mbit/s from the domain', 'MBIT'),
    sources: limit('Most cameras, microphones and screens of the domain'),
    conferences: limit('Most conferences shared with the domain; those that go on stay'),
    participants: limit('Most participants of the domain'),
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
    if (Object.values(limits).every((each) => each === undefined)) {
      throw new UsageError('Say at least one limit, such as --send 20.');
    }
    await changePeers(path, (text) => editPeers(text, { domain, limits }));
    const peer = (await readPeers(path)).get(domain);
    if (peer === undefined) throw new Problem(`${domain} vanished from ${path}; somebody else changed it.`);
    if (flags.json) out(JSON.stringify(statusOf(peer, Date.now())));
    else out(`${domain}: ${limitsInWords(peer.limits) || 'as for all'}. A running SFT follows within a second.`);
    return 0;
  },
});

function figureOf(flag: string, text: string | undefined): number | 'none' | undefined {
  if (text === undefined || text === 'none') return text;
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new UsageError(`--${flag} must be a number or none, not '${text}'.`);
  return Number(text);
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
  if (status.state === 'blocked') return 0;
  for (const { fingerprint } of status.authorities) out(`Its authority has the fingerprint ${fingerprint}`);
  if (status.homeserver === undefined) out('No homeserver is named: this domain can reach you, and you not it.');
  if (status.mediaPrefixes.length === 0) out('No media prefix is named: there will be no sound and no picture.');
  return 0;
}

function domainOf(name: string): DomainName {
  const domain = parseDomainName(name);
  if (domain === undefined) throw new UsageError(`'${name}' is not a DNS name such as beta.example.`);
  return domain;
}

/** Only the certificates: whatever else is in the file, a key above all, does not get into the list. */
async function authorityText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file} cannot be read (${error.code}).`);
  });
  try {
    const certificates = certificatesOf(text);
    if (certificates.length > 0) return certificates.map((certificate) => certificate.toString()).join('');
  } catch {
    // told below
  }
  throw new Problem(`${file} holds no PEM certificate.`);
}
