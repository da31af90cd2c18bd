/** The allow list, `peers.yaml`: which other domains there are, and who speaks for each. */
import { dirname, resolve } from 'node:path';
import type { DomainName } from '#signalling/ids.ts';
import { parseHostAndPort } from '#site/address.ts';
import { type Mistake, SiteError } from '#site/mistakes.ts';
import { mistake, type Place, readYaml, settle } from '#site/yaml.ts';
import { readAuthority } from './authority.ts';
import { Following, type Read } from './following.ts';
import type { Peer, PortRange } from './identity.ts';
import { canBeDomain } from './name.ts';
import { type PeerEntry, PeersSchema } from './peers-schema.ts';
import { areTooMany, missingBits, parsePrefix } from './prefixes.ts';

/**
 * Follows `peers.yaml` and the files that it names: a change is in effect within a second; an edit that cannot be used
 * leaves the last good list.
 */
export class PeerList {
  readonly #following: Following<ReadonlyMap<DomainName, Peer>>;

  private constructor(following: Following<ReadonlyMap<DomainName, Peer>>) {
    this.#following = following;
  }

  /**
   * A file that does not exist is a list that allows nobody. One that vanishes later is trouble: some editors take a file
   * away for a moment while they write it.
   * @throws SiteError with all mistakes at once
   */
  static async open(path: string, onTrouble?: (sentence: string) => void): Promise<PeerList> {
    let existed = false;
    const load = async (read: Read) => {
      const content = await read(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' && !existed) return undefined;
        throw new SiteError(path, [mistake(START, `The file cannot be read (${error.code}).`)], { cause: error });
      });
      if (content === undefined) return new Map<DomainName, Peer>();
      existed = true;
      return parsePeers(path, content, read);
    };
    return new PeerList(await Following.open(load, { what: 'The allow list', onTrouble }));
  }

  /** The newest good reading; a new map after each change. */
  get current(): ReadonlyMap<DomainName, Peer> {
    return this.#following.current;
  }

  /** The entry of a domain that is allowed; undefined where it is blocked or not listed. */
  allowed(domain: DomainName): Peer | undefined {
    const peer = this.current.get(domain);
    return peer?.state === 'allowed' ? peer : undefined;
  }

  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    return this.#following.onChange(listener);
  }

  /** Takes over at once what has just been written. */
  look(): Promise<void> {
    return this.#following.look();
  }

  close(): void {
    this.#following.close();
  }
}

const START: Place = { line: 1, column: 1 };

/**
 * The peers of a text; files that it names are read by `read`.
 * @throws SiteError with all mistakes at once
 */
export async function parsePeers(path: string, content: string, read: Read): Promise<ReadonlyMap<DomainName, Peer>> {
  const reading = readYaml(PeersSchema, content);
  const entries = settle(path, reading);
  const mistakes: Mistake[] = [];
  const peers = new Map<DomainName, Peer>();
  for (const [index, entry] of entries.entries()) {
    const place = (option: string) => {
      const found = reading.leaves.find((leaf) => leaf.path === `${index + 1}.${option}`);
      return found?.place ?? reading.leaves.find((leaf) => leaf.path === `${index + 1}.domain`)?.place ?? START;
    };
    const say = (option: string, sentence: string, remedy: string) => {
      const path = `${index + 1}.${option}`;
      mistakes.push(mistake(place(option), `${entry.domain}: ${sentence}`, { path, remedy }));
    };
    if (peers.has(entry.domain)) say('domain', 'this domain stands in the list twice.', 'Take one of the two out.');
    peers.set(entry.domain, await peerOfEntry(entry, dirname(resolve(path)), read, say));
  }
  if (mistakes.length > 0) throw new SiteError(path, mistakes);
  return peers;
}

type Say = (option: string, sentence: string, remedy: string) => void;

async function peerOfEntry(entry: PeerEntry, folder: string, read: Read, say: Say): Promise<Peer> {
  const { domain, state, mediaPrefixes, linkPort, limits = {}, may, addresses } = entry;
  if (!canBeDomain(domain)) {
    say('domain', 'a domain cannot begin with sft., which is the name of an SFT.', 'Write the domain without sft.');
  }
  for (const [index, text] of mediaPrefixes.entries()) {
    const prefix = parsePrefix(text);
    const option = `mediaPrefixes.${index + 1}`;
    const remedy = 'Write where the SFT of that domain is, as its administrator told you.';
    if (!prefix) say(option, `${text} is not an address prefix such as 203.0.113.0/24.`, remedy);
    // Whoever broke into the other side could aim our media at anybody.
    else if (prefix.length === 0) say(option, `${text} is the whole internet.`, remedy);
    else {
      const bits = missingBits(prefix);
      const words = `${text} is more than any organisation has: a prefix must be /${bits} or longer.`;
      if (bits !== undefined) say(option, words, remedy);
    }
  }
  // Single ones of them are told already.
  const others = mediaPrefixes.flatMap((text) => parsePrefix(text) ?? []).filter((each) => !missingBits(each));
  if (areTooMany(others)) {
    const words = 'these prefixes together are more than any organisation has.';
    say('mediaPrefixes', words, 'Write only where the SFT of that domain is, as its administrator told you.');
  }
  const homeserver = entry.homeserver === undefined ? undefined : parseHostAndPort(entry.homeserver);
  if (entry.homeserver !== undefined && homeserver === undefined) {
    const remedy = 'Write both, or leave it out, where the domain can be found by its DNS.';
    say('homeserver', 'this must be a host and a port, such as hs.beta.example:8448.', remedy);
  }
  if (entry.authority === undefined && state === 'allowed') {
    const remedy = 'Add authority with the path of that file, or say state: blocked.';
    say('authority', 'an allowed domain needs an authority, the PEM file that its administrator gave you.', remedy);
  }
  const authority = await authorityOfEntry(entry, folder, read, say);
  const trunkPorts = entry.trunkPorts === undefined ? undefined : rangeOf(entry.trunkPorts);
  if (entry.trunkPorts !== undefined && trunkPorts === undefined) {
    const remedy = 'Write the first and the last port, such as 41000-41199.';
    say('trunkPorts', `${entry.trunkPorts} is no range of ports from 1 to 65535.`, remedy);
  }
  return { domain, state, authority, homeserver, mediaPrefixes, linkPort, trunkPorts, limits, may, addresses };
}

function rangeOf(text: string): PortRange | undefined {
  const [from = 0, to = 0] = text.split('-').map(Number);
  return from >= 1 && from <= to && to <= 65_535 ? { from, to } : undefined;
}

async function authorityOfEntry(entry: PeerEntry, folder: string, read: Read, say: Say) {
  const content = async (option: 'authority' | 'revocationList') => {
    const written = entry[option];
    if (written === undefined || written.includes('-----BEGIN')) return written;
    const file = resolve(folder, written);
    return read(file).catch((error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      const remedy = isMissing
        ? 'Put it there, or correct the path; it counts from the folder of this list.'
        : 'Let the user of the servers read it.';
      say(option, isMissing ? `there is no file ${file}.` : `${file} cannot be read (${error.code}).`, remedy);
      return undefined;
    });
  };
  const certificatePem = await content('authority');
  const revocationPem = await content('revocationList');
  if (certificatePem === undefined) return undefined;
  const { authority, aboutCertificates, aboutRevocations } = readAuthority(certificatePem, revocationPem);
  const remedy = 'Ask the administrator of that domain for the file once more.';
  if (aboutCertificates !== undefined) say('authority', `the authority cannot be used: ${aboutCertificates}.`, remedy);
  if (aboutRevocations !== undefined) {
    say('revocationList', `the revocation list cannot be used: ${aboutRevocations}.`, remedy);
  }
  return authority;
}
