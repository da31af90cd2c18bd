/**
 * A federated conference's way to its anchor: asks for the grant, joins over the link, and does so again whenever the
 * link was lost, for as long as somebody of this domain is in the conference.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import type { ConferenceHost } from '../server/conference-host.ts';
import type { Link } from './link.ts';
import type { Links } from './links.ts';

export interface Grant {
  readonly grant: string;
  readonly anchor: DomainName;
  readonly link: string;
}

export interface UplinkOptions {
  readonly host: ConferenceHost;
  readonly links: Links;
  readonly grantFor: (conference: ConferenceId) => Promise<Grant>;
  readonly onFailure: (error: unknown, peer: DomainName) => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** An anchor that lets go of a conference again and again is not to keep this SFT and its homeserver busy. */
const DROPPED_RETRY_MS = 1_000;

/** Refusals after which the conference cannot go on here: it is over. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'SFT_CONFERENCE_ENDED',
  'HOME_NO_CALL',
  'HOME_FORBIDDEN',
  'FED_NOT_ALLOWED',
]);

export class Uplink {
  readonly #options: UplinkOptions;
  #link: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = FIRST_RETRY_MS;
  #trying = false;
  #closed = false;

  constructor(options: UplinkOptions) {
    this.#options = options;
    void this.#join();
  }

  /** Whether the anchor has let this SFT into the conference. */
  get isJoined(): boolean {
    return this.#link !== undefined;
  }

  /** The link was closed; dials again where it was this uplink's. */
  linkClosed(link: Link, code: Closing): void {
    if (link !== this.#link || this.#closed) return;
    this.#link = undefined;
    this.#options.host.notice(code === 'SFT_LINK_REVOKED' ? code : 'SFT_LINK_LOST', link.peer);
    this.#again();
  }

  /** The anchor has let go of the conference, which is not over; the link stands. */
  dropped(link: Link): void {
    this.#delayMs = Math.max(this.#delayMs, DROPPED_RETRY_MS);
    this.linkClosed(link, 'SFT_LINK_LOST');
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const link = this.#link;
    this.#link = undefined;
    if (link) {
      link.leave(this.#options.host.id);
      this.#options.links.release(link);
    }
  }

  async #join(): Promise<void> {
    if (this.#trying || this.#closed) return;
    this.#trying = true;
    const { host, links, grantFor } = this.#options;
    try {
      const grant = await grantFor(host.id);
      if (grant.anchor !== host.state.anchor) throw new HawserError('SFT_LINK_GRANT_REFUSED', 'another anchor');
      const link = await links.to(grant.anchor, grant.link);
      if (this.#closed) return links.release(link);
      await link.join(host, grant.grant);
      this.#link = link;
      this.#delayMs = FIRST_RETRY_MS;
      if (this.#closed) this.close();
      else if (!link.isOpen) this.linkClosed(link, 'SFT_LINK_LOST');
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    } finally {
      this.#trying = false;
    }
  }

  #failed(error: unknown): void {
    const { host, onFailure } = this.#options;
    onFailure(error, host.state.anchor);
    const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
    if (FINAL.has(code)) return host.end(code === 'FED_NOT_ALLOWED' ? code : 'SFT_CONFERENCE_ENDED');
    host.notice(NOTICE[code] ?? 'SFT_ANCHOR_UNREACHABLE', host.state.anchor);
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#join(), this.#delayMs);
    this.#delayMs = Math.min(LAST_RETRY_MS, this.#delayMs * 2);
  }
}

type Closing = ErrorCode | 'normal';

/** What people are told; every other failure looks to them like an anchor that cannot be reached. */
const NOTICE: Partial<Record<ErrorCode, ErrorCode>> = {
  SFT_LINK_LOST: 'SFT_LINK_LOST',
  SFT_HOMESERVER_UNREACHABLE: 'SFT_HOMESERVER_UNREACHABLE',
  FED_REFUSED: 'SFT_LINK_PEER_NOT_ALLOWED',
  SFT_LINK_PEER_NOT_ALLOWED: 'SFT_LINK_PEER_NOT_ALLOWED',
  TRUST_TLS: 'FED_TLS',
  SFT_LINK_LIMIT: 'SFT_LINK_LIMIT',
};
