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

export function nonFederating(one: DomainName, other: DomainName): HawserError {
  return new HawserError('FED_NON_FEDERATING', `${one} and ${other}`);
}
