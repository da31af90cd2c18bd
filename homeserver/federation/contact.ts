/**
 * How requests to other domains fare: since when one does not answer, and why. Whoever does not is asked now and then, so that it is
 * known when it is back also where there is nothing to tell it.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { World } from '../world.ts';

export interface Contact {
  /** When it last answered anything, ms since 1970. */
  readonly reachedAt: number | undefined;
  /** Why nothing gets there, and since when; undefined where something does, or was never tried. */
  readonly trouble: { readonly code: ErrorCode; readonly since: number } | undefined;
}

export interface ContactsOptions {
  readonly world: Pick<World, 'now'>;
  /** A request that costs nothing; how it ends is told to `note`. */
  readonly probe: (domain: DomainName) => Promise<unknown>;
  /** It cannot be reached since then, ms since 1970, or can be again. */
  readonly onChange?: (domain: DomainName, unreachableSince: number | undefined) => void;
}

/** With these nothing of a domain's own answered, or nothing that it would give to us; any other refusal is an answer. */
const UNANSWERED: ReadonlySet<ErrorCode> = new Set(['FED_UNREACHABLE', 'FED_TLS', 'FED_REFUSED', 'FED_VERSION']);
/** We did not even ask. */
const UNASKED: ReadonlySet<ErrorCode> = new Set(['FED_NOT_ALLOWED', 'FED_OLD_VERSION', 'FED_SCOPE', 'FED_KEY_WAITS']);
/** A domain that comes to the door and does not answer is asked no more often than this, ms. */
const PROBE_MS = 5_000;

const UNKNOWN: Contact = { reachedAt: undefined, trouble: undefined };

export class Contacts {
  readonly #options: ContactsOptions;
  readonly #contacts = new Map<DomainName, Contact>();
  readonly #probing = new Set<DomainName>();
  /** When each was asked last, of those in trouble. */
  readonly #probed = new Map<DomainName, number>();

  constructor(options: ContactsOptions) {
    this.#options = options;
  }

  of(domain: DomainName): Contact {
    return this.#contacts.get(domain) ?? UNKNOWN;
  }

  /** ms since 1970; undefined where it answers, or was never asked. */
  unreachableSince(domain: DomainName): number | undefined {
    return this.of(domain).trouble?.since;
  }

  /** A request to the domain has ended. */
  note(domain: DomainName, result: ErrorCode | 'ok'): void {
    // What makes no sense tells neither.
    if (result !== 'ok' && (UNASKED.has(result) || result.startsWith('SIG_'))) return;
    const { world, onChange } = this.#options;
    const now = world.now();
    const { reachedAt, trouble } = this.of(domain);
    if (result !== 'ok' && UNANSWERED.has(result)) {
      const since = trouble?.since ?? now;
      this.#contacts.set(domain, { reachedAt, trouble: { code: result, since } });
      if (!trouble) onChange?.(domain, since);
      return;
    }
    this.#contacts.set(domain, { reachedAt: now, trouble: undefined });
    this.#probed.delete(domain);
    if (trouble) onChange?.(domain, undefined);
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
  }

  /** Off the list, or blocked: what was, is of no interest when it comes back. */
  forget(domain: DomainName): void {
    const { trouble } = this.of(domain);
    this.#contacts.delete(domain);
    this.#probed.delete(domain);
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
