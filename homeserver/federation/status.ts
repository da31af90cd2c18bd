/** One line about each other domain, put together from the parts that know: the list, the door, the way out, what waits. */
import type { PeerReport, PeerReports, PeerState } from '#signalling/administration.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import { FEDERATION_VERSIONS } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import { validTo } from '#trust/certificate.ts';
import type { Peer } from '#trust/identity.ts';
import { DAY } from '#trust/issuing.ts';
import type { PeerList } from '#trust/peers.ts';
import { addressOf } from '#trust/peers-file.ts';
import type { PeerScopes } from '#trust/peers-schema.ts';
import type { Contact, Contacts } from './contact.ts';
import type { Parting } from './partings.ts';
import { Traffic } from './traffic.ts';

/** What of one part waits for a domain. */
export interface Waiting {
  readonly domain: DomainName;
  readonly count: number;
  /** ms since 1970. */
  readonly oldestAt: number;
}

export interface StatusOptions {
  readonly domain: DomainName;
  /** ms since 1970. */
  readonly now: () => number;
  readonly peers: Pick<PeerList, 'current'>;
  /** The version that is spoken with a domain, as far as it is known. */
  readonly version: (domain: DomainName) => number | undefined;
  /** Everything in which something can wait for other domains: the outbox, feeds, submissions. */
  readonly waiting: readonly (() => Promise<readonly Waiting[]>)[];
  /** Domains whose people are being taken out of conversations. */
  readonly parting?: () => Iterable<DomainName>;
  /** How far partings are, those that have ended too. */
  readonly partings?: () => Promise<readonly Parting[]>;
  readonly contacts: Pick<Contacts, 'of' | 'heard'>;
  /** Of the keys of a domain that wait for an administrator; none where none do. */
  readonly waitingKeys: (domain: DomainName) => readonly string[];
}

/**
 * For how long what a homeserver showed is taken for what it has, ms. Each that is allowed is asked every few minutes (`Contacts`): one that
 * showed nothing for so long is away or refused, which is said elsewhere, and may have another one by then.
 */
export const CERTIFICATE_KNOWN = DAY;

const NO_SCOPES: PeerScopes = { messages: false, calls: false, search: 'none' };

interface Kept {
  readonly state: PeerState;
  /** Undefined where it was so from the start. */
  readonly since: number | undefined;
}

export class PeersStatus {
  readonly #options: StatusOptions;
  readonly traffic: Traffic;
  /** What the list says of each, since it was looked at first. */
  readonly #kept = new Map<DomainName, Kept>();
  /** The certificates that homeservers showed last, when they came or were reached; of domains of the list alone. */
  readonly #certificates = new Map<DomainName, { readonly endsAt: number; readonly seenAt: number }>();
  #isStarted = false;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.traffic = new Traffic(options.now, (domain) => options.peers.current.has(domain));
    this.listChanged();
  }

  /** To be called when the allow list has changed: from then on a domain is what it is. */
  listChanged(): void {
    const { peers, now } = this.#options;
    for (const [domain, peer] of peers.current) {
      const state = listedState(peer);
      if (state === 'blocked') this.#certificates.delete(domain);
      const known = this.#kept.get(domain);
      if (known?.state === state) continue;
      this.#kept.set(domain, { state, since: this.#isStarted ? now() : undefined });
    }
    for (const domain of [...this.#kept.keys()].filter((each) => !peers.current.has(each))) {
      this.#kept.delete(domain);
      this.#certificates.delete(domain);
    }
    this.#isStarted = true;
  }

  /** A domain came to the door, with a certificate that ends at this time (ms since 1970). */
  noteSeen(domain: DomainName, certificateEndsAt: number): void {
    const { peers, contacts } = this.#options;
    if (!peers.current.has(domain)) return;
    this.noteCertificate(domain, certificateEndsAt);
    contacts.heard(domain);
  }

  /** The homeserver of a domain showed a certificate that ends at this time (ms since 1970), be it here or where it was dialled. */
  noteCertificate(domain: DomainName, endsAt: number): void {
    const { peers, now } = this.#options;
    if (peers.current.get(domain)?.state === 'allowed') this.#certificates.set(domain, { endsAt, seenAt: now() });
  }

  /** Undefined where nothing was seen for so long that it may have another one since. */
  #certificateOf(domain: DomainName): number | undefined {
    const seen = this.#certificates.get(domain);
    return seen && this.#options.now() - seen.seenAt < CERTIFICATE_KNOWN ? seen.endsAt : undefined;
  }

  /** Of all domains that are on the list, knocked in the last hour, or have something waiting. */
  async report(): Promise<PeerReports> {
    const { domain: self, now, peers, waiting, parting } = this.#options;
    const rows = (await Promise.all(waiting.map((each) => each()))).flat();
    const leaving = new Set(parting?.());
    const states = new Map((await this.#options.partings?.())?.map((each) => [each.domain, each]));
    const domains = new Set([...peers.current.keys(), ...this.traffic.domains(), ...leaving]);
    const byDomain = Map.groupBy(rows, ({ domain }) => domain);
    for (const domain of byDomain.keys()) domains.add(domain);
    return {
      domain: self,
      at: now(),
      versions: FEDERATION_VERSIONS,
      peers: [...domains].sort().map((domain) => ({
        ...this.#reportOf(domain, byDomain.get(domain) ?? [], leaving.has(domain)),
        ...(leaving.has(domain) && progressOf(states.get(domain))),
      })),
    };
  }

  #reportOf(domain: DomainName, rows: readonly Waiting[], isParting: boolean): PeerReport {
    const peer = this.#options.peers.current.get(domain);
    const { state, since, code } = this.#stateOf(domain, isParting);
    const { reachedAt } = this.#options.contacts.of(domain);
    const certificateEndsAt = this.#certificateOf(domain);
    const version = this.#options.version(domain);
    const waitingKeys = peer ? this.#options.waitingKeys(domain) : [];
    const { refusals, ...lastHour } = this.traffic.lastHour(domain);
    return {
      domain,
      listed: peer !== undefined,
      state,
      ...(since !== undefined && { since }),
      ...(code !== undefined && { code }),
      ...(peer?.homeserver && { homeserver: addressOf(peer.homeserver) }),
      mediaPrefixes: [...(peer?.mediaPrefixes ?? [])],
      limits: { ...peer?.limits },
      may: { ...(peer?.may ?? NO_SCOPES) },
      authorities: (peer?.authority?.certificates ?? []).map((certificate) => ({
        fingerprint: certificate.fingerprint256,
        endsAt: Math.max(0, validTo(certificate)),
      })),
      ...(waitingKeys.length > 0 && { waitingKeys: [...waitingKeys] }),
      ...(certificateEndsAt !== undefined && { certificateEndsAt }),
      ...(version !== undefined && { version }),
      waiting: {
        count: rows.reduce((sum, { count }) => sum + count, 0),
        ...(rows.length > 0 && { oldestAt: Math.min(...rows.map(({ oldestAt }) => oldestAt)) }),
      },
      ...(reachedAt !== undefined && { reachedAt }),
      lastHour: { ...lastHour, refusals: [...refusals] },
    };
  }

  #stateOf(domain: DomainName, isParting: boolean): Kept & { readonly code?: ErrorCode } {
    if (isParting) return { state: 'parting', since: this.#kept.get(domain)?.since };
    const kept = this.#kept.get(domain);
    if (!kept) return { state: 'refused', since: undefined, code: 'FED_NOT_ALLOWED' };
    if (kept.state === 'blocked') return kept;
    // First what an administrator has to do something about.
    if (this.#options.waitingKeys(domain).length > 0)
      return { state: 'keys-wait', since: undefined, code: 'FED_KEY_WAITS' };
    return troubleOf(this.#options.contacts.of(domain)) ?? kept;
  }
}

/** What was begun meanwhile is done too, and was not counted at the beginning. */
function progressOf(parting: Parting | undefined): Pick<PeerReport, 'parting'> {
  if (!parting || parting.endedAt !== undefined) return {};
  const { conversations, done } = parting;
  return { parting: { conversations: Math.max(done, conversations), done } };
}

function listedState({ state, limits }: Peer): PeerState {
  if (state === 'blocked') return 'blocked';
  return Object.keys(limits).length > 0 ? 'limited' : 'allowed';
}

function troubleOf({ trouble }: Contact): (Kept & { readonly code: ErrorCode }) | undefined {
  return trouble && { state: trouble.code === 'FED_REFUSED' ? 'refused' : 'unreachable', ...trouble };
}
