/** Errors that name the domains they are about, for the body of the answer. */
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';

export class Unreachable extends HawserError {
  readonly domains: readonly DomainName[];

  constructor(domains: readonly DomainName[], options?: { cause?: unknown }) {
    super('FED_UNREACHABLE', domains.join(', '), options);
    this.domains = domains;
  }
}

/** What is too much for now, and how long it is. */
export class TooMuch extends HawserError {
  readonly afterMs: number;

  /** @param afterMs until more is taken */
  constructor(afterMs: number, detail?: string) {
    super('FED_LIMIT', detail);
    this.afterMs = afterMs;
  }
}

export function nonFederating(one: DomainName, other: DomainName): HawserError {
  return new HawserError('FED_NON_FEDERATING', `${one} and ${other}`);
}
