/** What our own log and metrics learn about a connection that was not let in. The other side learns nothing. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';

export interface Refusal {
  readonly code: ErrorCode;
  /** What the other side claims to be, unproved; undefined where it got no further than TLS. Not for a metric's label. */
  readonly domain: DomainName | undefined;
  /** IP address of the other side. */
  readonly address: string | undefined;
  /** True where the connection was open and its right to be ended. */
  readonly wasOpen: boolean;
}
