/**
 * How requests to other domains fare: since when one does not answer, and why. Whoever does not is asked now and then, so that it is
 * known when it is back also where there is nothing to tell it; so is whoever was not asked for long, because a domain that parts with
 * us tells us nothing any more. What a domain does not answer is only shown: nothing is ended by it, and it is over with the next answer.
 */
import type { Organisation } from '#signalling/client-home.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { World } from '../world.ts';

export interface Contact {
  /** When it last answered anything, ms since 1970. */
  readonly reachedAt: number | undefined;
  /** Why nothing gets there, and since when; undefined where something does, or was never tried. */
  readonly trouble: { readonly code: ErrorCode; readonly since: number } | undefined;
}

/** What people are told of a domain that gives no answer. */
export type Away = Required<Pick<Organisation, 'unreachableSince'>> & Pick<Organisation, 'refuses'>;

export interface ContactsOptions {
  readonly world: Pick<World, 'now'>;
  /** A request that costs nothing; how it ends is told to `note`. */
  readonly probe: (domain: DomainName) => Promise<unknown>;
  /** Those that are asked though nothing is to be told to them: all that are allowed. */
  readonly allowed?: () => Iterable<DomainName>;
  /** It is away since then, or for another reason than before, or can be reached again. */
  readonly onChange?: (domain: DomainName, away: Away | undefined) => void;
  /** From now on it gives no answer, for this reason; or does again: undefined. Once each time, however many requests there are. */
  readonly onTurn?: (domain: DomainName, trouble: ErrorCode | undefined) => void;
}

/** With these nothing of a domain's own answered, or nothing that it would give to us; any other refusal is an answer. */
const UNANSWERED: ReadonlySet<ErrorCode> = new Set(['FED_UNREACHABLE', 'FED_TLS', 'FED_REFUSED', 'FED_VERSION']);
/** We did not even ask. */
const UNASKED: ReadonlySet<ErrorCode> = new Set(['FED_NOT_ALLOWED', 'FED_OLD_VERSION', 'FED_SCOPE', 'FED_KEY_WAITS']);
/** A domain that comes to the door and does not answer is asked no more often than this, ms. */
const PROBE_MS = 5_000;
/** Of a domain that was not asked anything for so long it is not known whether it still lets us in, ms. */
const QUIET_MS = 300_000;
/** Quiet ones that are asked in one sweep. */
const QUIET_AT_ONCE = 100;
/** A homeserver that is just being stopped closes connections too: only one that goes on for so long refuses, ms. */
const REFUSING_MS = 10_000;

const UNKNOWN: Contact = { reachedAt: undefined, trouble: undefined };

export class Contacts {
  readonly #options: ContactsOptions;
  readonly #contacts = new Map<DomainName, Contact>();
  readonly #probing = new Set<DomainName>();
  /** When each was asked last, of those in trouble. */
  readonly #probed = new Map<DomainName, number>();
  /** When anything was last asked of each, and ended. */
  readonly #asked = new Map<DomainName, number>();
  /** Since when nothing but refusals came of a domain, and whether for long enough. */
  readonly #refusals = new Map<DomainName, { readonly since: number; readonly isSure: boolean }>();

  constructor(options: ContactsOptions) {
    this.#options = options;
  }

  of(domain: DomainName): Contact {
    return this.#contacts.get(domain) ?? UNKNOWN;
  }

  /** Undefined where it answers, or was never asked. */
  away(domain: DomainName): Away | undefined {
    const { trouble } = this.of(domain);
    const refusal = this.#refusals.get(domain);
    if (refusal?.isSure) return { unreachableSince: refusal.since, refuses: true };
    return trouble && { unreachableSince: trouble.since };
  }

  /** A request to the domain has ended. */
  note(domain: DomainName, result: ErrorCode | 'ok'): void {
    // What makes no sense tells neither.
    if (result !== 'ok' && (UNASKED.has(result) || result.startsWith('SIG_'))) return;
    const { world, onChange, onTurn } = this.#options;
    const now = world.now();
    const { reachedAt, trouble } = this.of(domain);
    this.#asked.set(domain, now);
    if (result !== 'ok' && UNANSWERED.has(result)) {
      const since = trouble?.since ?? now;
      const wasSure = this.#refusals.get(domain)?.isSure ?? false;
      this.#contacts.set(domain, { reachedAt, trouble: { code: result, since } });
      const isSure = this.#noteRefusal(domain, result, now);
      if (!trouble || isSure !== wasSure) onChange?.(domain, this.away(domain));
      if (!trouble) onTurn?.(domain, result);
      return;
    }
    this.#contacts.set(domain, { reachedAt: now, trouble: undefined });
    this.#probed.delete(domain);
    this.#refusals.delete(domain);
    if (!trouble) return;
    onChange?.(domain, undefined);
    onTurn?.(domain, undefined);
  }

  /** @returns whether it is sure by now that the domain does not let us in */
  #noteRefusal(domain: DomainName, result: ErrorCode, now: number): boolean {
    if (result !== 'FED_REFUSED') {
      this.#refusals.delete(domain);
      return false;
    }
    const { since, isSure } = this.#refusals.get(domain) ?? { since: now, isSure: false };
    const refusal = { since, isSure: isSure || now - since >= REFUSING_MS };
    this.#refusals.set(domain, refusal);
    return refusal.isSure;
  }

  /** The domain came to the door: it is up. Whether we reach it too is another question, and asked at once. */
  heard(domain: DomainName): void {
    if (!this.of(domain).trouble) return;
    const { world } = this.#options;
    if (Math.abs(world.now() - (this.#probed.get(domain) ?? 0)) < PROBE_MS) return;
    this.#probed.set(domain, world.now());
    this.#probe(domain);
  }

  /** To be called now and then. */
  sweep(): void {
    for (const [domain, { trouble }] of this.#contacts) if (trouble) this.#probe(domain);
    const now = this.#options.world.now();
    let quiet = 0;
    for (const domain of this.#options.allowed?.() ?? []) {
      if (Math.abs(now - (this.#asked.get(domain) ?? Number.NEGATIVE_INFINITY)) < QUIET_MS) continue;
      if (++quiet > QUIET_AT_ONCE) break;
      this.#probe(domain);
    }
  }

  /** Off the list, or blocked: what was, is of no interest when it comes back. */
  forget(domain: DomainName): void {
    const { trouble } = this.of(domain);
    for (const each of [this.#contacts, this.#probed, this.#asked, this.#refusals]) each.delete(domain);
    if (trouble) this.#options.onChange?.(domain, undefined);
  }

  #probe(domain: DomainName): void {
    if (this.#probing.has(domain)) return;
    this.#probing.add(domain);
    this.#options
      .probe(domain)
      .catch(() => undefined)
      .finally(() => this.#probing.delete(domain));
  }
}
