/**
 * Grants: the anchor's homeserver lets the SFT of another domain join a conference. That domain's homeserver fetches the
 * grant as soon as it hears of the call, so that nobody who joins has to wait for it.
 */
import { HawserError } from '#signalling/errors.ts';
import type { GrantAnswer, Statement } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId, DomainName } from '#signalling/ids.ts';
import { signGrant } from '#signalling/ticket.ts';
import { domainsOf } from '../ds/conversation.ts';
import { randomToken, type World } from '../world.ts';

/** A block of a domain is obeyed by the links at once; the grant's life only bounds how long one can lie about unused. */
export const GRANT_SECONDS = 600;
/** A grant is fetched again when it has less than this left, ms. */
const MARGIN_MS = 60_000;
const JTI_BYTES = 16;

export interface GrantOffice {
  readonly domain: DomainName;
  /** Ed25519 private key of this domain's homeserver. */
  readonly key: CryptoKey;
  /** `wss://host:port/link/v1` */
  readonly link: string;
  readonly world: World;
}

/** Most domains in a call (ticket.ts). */
const MAX_DOMAINS = 100;

/**
 * The domains of a conversation that may be in a call beside its anchor, each with all others: the hub has brought only
 * those together that federate with each other.
 */
export function allowedIn(state: Statement, anchor: DomainName): { domain: DomainName; domains: DomainName[] }[] {
  const all = [...domainsOf(state)].filter((domain) => domain !== anchor).slice(0, MAX_DOMAINS - 1);
  return all.map((domain) => ({ domain, domains: [anchor, ...all.filter((other) => other !== domain)] }));
}

/**
 * @param state the conversation as this homeserver knows it
 * @param to the domain that asks, as its certificate says
 * @throws HawserError HOME_NO_CALL, HOME_NOT_FOUND
 */
export async function issueGrant(
  office: GrantOffice,
  state: Statement | undefined,
  conference: ConferenceId,
  to: DomainName,
): Promise<GrantAnswer> {
  const { domain, key, link, world } = office;
  if (!state || !domainsOf(state).has(to) || to === domain) throw new HawserError('HOME_NOT_FOUND');
  if (state.call?.conference !== conference || state.call.anchor !== domain) throw new HawserError('HOME_NO_CALL');
  const allowed = allowedIn(state, domain).find((entry) => entry.domain === to);
  if (!allowed) throw new HawserError('HOME_NOT_FOUND', 'too many domains');
  const now = world.now();
  const grant = await signGrant(
    {
      iss: domain,
      aud: `sft.${domain}`,
      iat: now / 1000,
      exp: now / 1000 + GRANT_SECONDS,
      jti: randomToken(world, JTI_BYTES),
      conference,
      domain: to,
      domains: allowed.domains,
    },
    key,
  );
  return { grant, expiresAt: now + GRANT_SECONDS * 1000, link };
}

export interface Granted extends GrantAnswer {
  readonly anchor: DomainName;
}

type Fetch = (anchor: DomainName, conference: ConferenceId, conversation: ConversationId) => Promise<GrantAnswer>;

export interface GrantWish {
  readonly conference: ConferenceId;
  readonly conversation: ConversationId;
  readonly anchor: DomainName;
}

/** Grants of other domains, fetched once however many ask at the same time. Failures are not kept. */
export class Grants {
  readonly #fetch: Fetch;
  readonly #world: World;
  readonly #fresh = new Map<ConferenceId, Granted>();
  readonly #coming = new Map<ConferenceId, Promise<Granted>>();

  constructor(fetch: Fetch, world: World) {
    this.#fetch = fetch;
    this.#world = world;
  }

  get({ conference, conversation, anchor }: GrantWish): Promise<Granted> {
    const known = this.#fresh.get(conference);
    if (known && known.expiresAt - this.#world.now() > MARGIN_MS) return Promise.resolve(known);
    const coming = this.#coming.get(conference);
    if (coming) return coming;
    const fetched = this.#fetch(anchor, conference, conversation)
      .then((answer) => {
        const granted = { ...answer, anchor };
        if (this.#coming.get(conference) === fetched) this.#fresh.set(conference, granted);
        return granted;
      })
      .finally(() => {
        if (this.#coming.get(conference) === fetched) this.#coming.delete(conference);
      });
    this.#coming.set(conference, fetched);
    return fetched;
  }

  /** Fetches ahead of need; whoever needs it gets the error if there is one. */
  prefetch(wish: GrantWish): void {
    this.get(wish).catch(() => undefined);
  }

  forget(conference: ConferenceId): void {
    this.#fresh.delete(conference);
    this.#coming.delete(conference);
  }

  forgetFrom(anchor: DomainName): void {
    for (const [conference, granted] of this.#fresh) if (granted.anchor === anchor) this.forget(conference);
  }
}
