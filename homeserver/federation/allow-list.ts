/** What administrators do to the allow list on the page. The file is changed as `hawser peers` does, and followed at once. */
import type { PeerWish } from '#signalling/administration.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName, UserId } from '#signalling/ids.ts';
import { canBeDomain } from '#trust/name.ts';
import type { PeerList } from '#trust/peers.ts';
import { type Change, editPeers, withoutPeer } from '#trust/peers-edit.ts';
import { authorityText, changePeers, PeersFileError } from '#trust/peers-file.ts';

/** What an administrator did, for the log of such acts. */
export interface PeerAct {
  readonly act: 'allow' | 'block' | 'remove';
  readonly domain: DomainName;
  readonly by: UserId;
  /** SHA-256 of the authorities that speak for it from then on. */
  readonly fingerprints?: readonly string[];
}

/** Where acts are written down. */
export interface ActLog {
  note(act: PeerAct): Promise<void> | void;
}

export interface AllowListOptions {
  readonly domain: DomainName;
  /** Of the file. */
  readonly path: string;
  readonly peers: Pick<PeerList, 'current' | 'look'>;
  readonly audit: ActLog;
}

export class AllowList {
  readonly #options: AllowListOptions;
  /** One change after the other: two of one homeserver are no reason to refuse one. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AllowListOptions) {
    this.#options = options;
  }

  /**
   * The domain is allowed afterwards.
   * @throws HawserError HOME_PEER_AUTHORITY, HOME_PEER_ENTRY, HOME_PEERS_BUSY, HOME_PEERS_FILE
   */
  async allow(by: UserId, domain: DomainName, wish: PeerWish): Promise<void> {
    const { domain: own, peers } = this.#options;
    if (domain === own || !canBeDomain(domain)) throw new HawserError('HOME_PEER_ENTRY', domain);
    const authority = wish.authority === undefined ? undefined : authorityText(wish.authority);
    const isNew = peers.current.get(domain)?.authority === undefined;
    if (authority === undefined && (isNew || wish.authority !== undefined))
      throw new HawserError('HOME_PEER_AUTHORITY');
    const change: Change = {
      domain,
      state: 'allowed',
      authority,
      homeserver: wish.homeserver,
      mediaPrefixes: wish.mediaPrefixes,
      may: wish.may,
      ...(wish.limits && { limits: limitsOf(wish.limits) }),
    };
    await this.#change({ act: 'allow', domain, by }, (text) => editPeers(text, change));
  }

  /** @throws HawserError HOME_NOT_FOUND where it is not on the list; as `allow` */
  async block(by: UserId, domain: DomainName): Promise<void> {
    this.#mustBeListed(domain);
    await this.#change({ act: 'block', domain, by }, (text) => editPeers(text, { domain, state: 'blocked' }));
  }

  /** @throws HawserError HOME_NOT_FOUND where it is not on the list; as `allow` */
  async remove(by: UserId, domain: DomainName): Promise<void> {
    this.#mustBeListed(domain);
    await this.#change({ act: 'remove', domain, by }, (text) => withoutPeer(text, domain));
  }

  #mustBeListed(domain: DomainName): void {
    if (!this.#options.peers.current.has(domain)) throw new HawserError('HOME_NOT_FOUND', domain);
  }

  async #change(act: PeerAct, edit: (text: string) => string): Promise<void> {
    const { path, peers, audit } = this.#options;
    const work = this.#last.then(async () => {
      await changePeers(path, edit).catch(refuse);
      // In effect before the answer, so that whoever looks next sees it.
      await peers.look();
      const fingerprints = peers.current.get(act.domain)?.authority?.certificates.map((each) => each.fingerprint256);
      await audit.note(act.act === 'allow' && fingerprints ? { ...act, fingerprints } : act);
    });
    this.#last = work.catch(() => undefined);
    await work;
  }
}

function limitsOf(limits: NonNullable<PeerWish['limits']>): NonNullable<Change['limits']> {
  const { sendMbit, receiveMbit, sources, conferences, participants } = limits;
  const given = (value: number | null | undefined) => (value === null ? 'none' : value);
  return {
    sendMbit: given(sendMbit),
    receiveMbit: given(receiveMbit),
    sources: given(sources),
    conferences: given(conferences),
    participants: given(participants),
  };
}

/** The sentence of the error names files and lines of this machine; the page gets the code. */
function refuse(error: unknown): never {
  if (!(error instanceof PeersFileError)) throw error;
  const isAuthority = error.why === 'wrong' && error.message.includes('the authority cannot be used');
  const code = { busy: 'HOME_PEERS_BUSY', file: 'HOME_PEERS_FILE', wrong: 'HOME_PEER_ENTRY' } as const;
  throw new HawserError(isAuthority ? 'HOME_PEER_AUTHORITY' : code[error.why], undefined, { cause: error });
}
