/**
 * Every conference on this SFT. A conference begins with the first ticket or grant for it and is forgotten when nobody
 * is left; one that was ended is remembered for as long as tickets for it can be alive.
 */
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import type { Closing } from '#signalling/rpc.ts';
import type { Allowed, Permissions } from '#signalling/sft-home.ts';
import type { GrantClaims } from '#signalling/ticket.ts';
import type { TrunkMode } from '../conference/demand.ts';
import type { SignalDrop } from '../conference/signals.ts';
import type { VoiceLimits } from '../conference/voices.ts';
import type { Link } from '../link/link.ts';
import type { Links } from '../link/links.ts';
import { type Grant, Uplink } from '../link/uplink.ts';
import type { MediaWorker, MediaWorkers } from '../media/worker.ts';
import { ConferenceHost } from './conference-host.ts';

export interface HostsOptions {
  readonly domain: DomainName;
  readonly workers: MediaWorkers;
  readonly mode: TrunkMode;
  readonly voices: VoiceLimits;
  readonly maxConferences: number;
  readonly grantFor: (conference: ConferenceId) => Promise<Grant>;
  readonly onPresence: (host: ConferenceHost, mayComeBack: boolean) => void;
  /** Nothing of a conference is left here. */
  readonly onForgotten: (conference: ConferenceId) => void;
  /** When this SFT ends at the latest, ms since 1970, while it takes no conference that is new to it. */
  readonly drainsUntil: () => number | undefined;
  /** The last ones of the conference were cut off, and may come back. */
  readonly isAwaited: (conference: ConferenceId) => boolean;
  readonly onUplinkFailure: (error: unknown, peer: DomainName) => void;
  readonly onSignalDropped: (drop: SignalDrop) => void;
  readonly onFault: (error: unknown, what: string) => void;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Longer than any ticket or grant lives, ms. */
const REMEMBER_ENDED_MS = 10 * 60_000;

export class Hosts {
  readonly #options: HostsOptions;
  readonly #hosts = new Map<ConferenceId, ConferenceHost>();
  readonly #uplinks = new Map<ConferenceId, Uplink>();
  readonly #ended = new Map<ConferenceId, number>();
  /** The newest word of the homeserver about each conference that this SFT anchors, begun or not. */
  readonly #allowed = new Map<ConferenceId, Allowed>();
  /** And about what participants may send, of each in which something was decided. */
  readonly #permissions = new Map<ConferenceId, Permissions>();
  #links: Links | undefined;

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /** The links come after the hosts, because each needs the other. */
  useLinks(links: Links): void {
    this.#links = links;
  }

  get all(): readonly ConferenceHost[] {
    return [...this.#hosts.values()];
  }

  /** Of each conference of another domain: its anchor, and whether this SFT is joined to it now. */
  get uplinks(): readonly { readonly anchor: DomainName; readonly isJoined: boolean }[] {
    return [...this.#uplinks].flatMap(([conference, { isJoined }]) => {
      const anchor = this.#hosts.get(conference)?.state.anchor;
      return anchor === undefined ? [] : [{ anchor, isJoined }];
    });
  }

  get(conference: ConferenceId): ConferenceHost | undefined {
    return this.#hosts.get(conference);
  }

  /**
   * The conference, begun if need be. The caller has checked a ticket or a grant.
   * @throws HawserError SFT_CONFERENCE_ENDED, SFT_FULL, SFT_DRAINING, SFT_WORKER_DIED, SFT_TICKET_CONFERENCE when the anchor is another than before
   */
  open(conference: ConferenceId, anchor: DomainName): ConferenceHost {
    const existing = this.#hosts.get(conference);
    if (existing) {
      if (existing.state.anchor !== anchor) throw new HawserError('SFT_TICKET_CONFERENCE', 'another anchor');
      return existing;
    }
    if (this.#wasEnded(conference)) throw new HawserError('SFT_CONFERENCE_ENDED');
    const { domain, workers, mode, voices, maxConferences, onPresence, onSignalDropped, onFault } = this.#options;
    const ends = this.#options.drainsUntil();
    if (ends !== undefined && !this.#options.isAwaited(conference)) {
      throw new HawserError('SFT_DRAINING', `at ${new Date(ends).toISOString()} at the latest`);
    }
    if (this.#hosts.size >= maxConferences) throw new HawserError('SFT_FULL', 'conferences');
    const worker = workers.place(anchor === domain ? conference : anchor);
    const host = new ConferenceHost(conference, domain, anchor, worker, mode, voices, this.#options.now(), {
      onPresence,
      onSignalDropped,
      onFault,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#hosts.set(conference, host);
    const allowed = this.#allowed.get(conference);
    if (allowed) host.guests.state(allowed);
    const permissions = this.#permissions.get(conference);
    if (permissions) host.permit(permissions);
    return host;
  }

  /**
   * The conference that a grant opens to the SFT of another domain, begun if need be. The caller has checked the grant.
   * @throws HawserError SFT_LINK_GRANT_REFUSED when the homeserver has taken it back, and what `open` throws
   */
  admit({ conference, domain, domains, exp }: GrantClaims): ConferenceHost {
    const allowed = this.#allowed.get(conference)?.domains;
    if (allowed && !allowed.some((entry) => entry.domain === domain)) {
      throw new HawserError('SFT_LINK_GRANT_REFUSED', 'the domain is not in the conversation');
    }
    const host = this.open(conference, this.#options.domain);
    host.guests.admit(domain, domains, exp * 1_000 - this.#options.now());
    return host;
  }

  /** The homeserver says which domains may be in a conference; an older word changes nothing. */
  allow(statement: Allowed): void {
    const { conference, seq } = statement;
    if (this.#wasEnded(conference) || seq <= (this.#allowed.get(conference)?.seq ?? 0)) return;
    this.#allowed.set(conference, statement);
    const host = this.#hosts.get(conference);
    host?.guests.state(statement);
    host?.changed();
  }

  /** The homeserver says what participants may send. */
  permit(statement: Permissions): void {
    const { conference } = statement;
    if (this.#wasEnded(conference)) return;
    this.#permissions.set(conference, statement);
    const host = this.#hosts.get(conference);
    host?.permit(statement);
    host?.changed();
  }

  /** The homeserver will say everything anew; whatever it does not mention then has ended meanwhile. */
  homeLost(): void {
    for (const known of [this.#allowed, this.#permissions]) {
      for (const conference of known.keys()) if (!this.#hosts.has(conference)) known.delete(conference);
    }
  }

  /** Dials the anchor of a conference of another domain; does nothing when that is done already or not needed. */
  connect(host: ConferenceHost): void {
    if (host.isAnchor || host.closed || this.#uplinks.has(host.id)) return;
    if (!this.#links) throw new Error('no links');
    const { grantFor, onUplinkFailure } = this.#options;
    this.#uplinks.set(host.id, new Uplink({ host, links: this.#links, grantFor, onFailure: onUplinkFailure }));
  }

  linkClosed(link: Link, closing: Closing): void {
    for (const uplink of this.#uplinks.values()) uplink.linkClosed(link, closing.code);
  }

  /** The anchor of one conference has let go of it, as where a media worker of its failed. */
  dropped(link: Link, conference: ConferenceId): void {
    this.#uplinks.get(conference)?.dropped(link);
  }

  workerDied(worker: MediaWorker): void {
    for (const host of this.all) if (host.worker === worker) host.end('SFT_WORKER_DIED');
  }

  /** The call was ended for everybody: nobody can come back to it. */
  end(conference: ConferenceId): void {
    this.#allowed.delete(conference);
    this.#permissions.delete(conference);
    this.#ended.set(conference, this.#options.now() + REMEMBER_ENDED_MS);
    this.#hosts.get(conference)?.end('SFT_CONFERENCE_ENDED');
  }

  close(): void {
    for (const host of this.all) host.end('SFT_SHUTTING_DOWN');
  }

  #wasEnded(conference: ConferenceId): boolean {
    const now = this.#options.now();
    for (const [id, until] of this.#ended) if (until < now) this.#ended.delete(id);
    return this.#ended.has(conference);
  }

  #forget(host: ConferenceHost): void {
    this.#uplinks.get(host.id)?.close();
    this.#uplinks.delete(host.id);
    if (this.#hosts.get(host.id) === host) this.#hosts.delete(host.id);
    this.#options.onForgotten(host.id);
  }
}
