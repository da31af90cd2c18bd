/** What an administrator sees of other organisations and decides about them. */
import { type KeysAccepted, PeerReports, type PeerWish } from '#signalling/administration.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Account } from './account.ts';
import { Store } from './store.ts';

export class Administration {
  /** Undefined until it was asked for; every act brings it up to date. */
  readonly store = new Store<PeerReports | undefined>(undefined);
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** @throws HawserError HOME_FORBIDDEN where the role was taken away meanwhile */
  refresh(): Promise<void> {
    return this.#ask('GET', '');
  }

  /**
   * The domain is allowed afterwards; what the wish leaves out stays as it was.
   * @throws HawserError HOME_PEER_AUTHORITY, HOME_PEER_ENTRY, HOME_PEERS_BUSY, HOME_PEERS_FILE
   */
  allow(domain: DomainName, wish: PeerWish): Promise<void> {
    return this.#ask('PUT', `/${domain}`, wish);
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_PEERS_BUSY, HOME_PEERS_FILE */
  block(domain: DomainName): Promise<void> {
    return this.#ask('POST', `/${domain}/block`);
  }

  /** Off the list, with its authority. @throws as `block` */
  remove(domain: DomainName): Promise<void> {
    return this.#ask('DELETE', `/${domain}`);
  }

  /**
   * Confirms keys that wait.
   * @param fingerprints what was looked at
   * @throws HawserError HOME_NOT_FOUND where others wait by now
   */
  acceptKeys(domain: DomainName, fingerprints: readonly string[]): Promise<void> {
    return this.#ask('POST', `/${domain}/accept-keys`, { fingerprints: [...fingerprints] });
  }

  async #ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', below: string, body?: PeerWish | KeysAccepted): Promise<void> {
    const path = `admin/peers${below}`;
    this.store.set(await this.#account.call({ method, path, ...(body && { body }), answer: PeerReports }));
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** SHA-256 of each certificate of a PEM text, as administrators compare them: `AB:CD:…`. None where a block is no base64. */
export async function fingerprintsOf(pem: string): Promise<string[]> {
  try {
    const blocks = [...pem.matchAll(CERTIFICATE)].map(([, text = '']) =>
      Uint8Array.from(atob(text.replace(/\s/g, '')), (letter) => letter.charCodeAt(0)),
    );
    const digests = await Promise.all(blocks.map((block) => crypto.subtle.digest('SHA-256', block)));
    return digests.map((digest) =>
      [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':'),
    );
  } catch {
    return [];
  }
}
