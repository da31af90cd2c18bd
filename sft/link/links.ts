/**
 * All links of this SFT: those that peers dialled, and those that it dialled to join conferences of theirs. Two domains
 * have one link for each direction of joining, so that no tie needs to be broken when both dial at once.
 */
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import type { Closing, Socket } from '#signalling/rpc.ts';
import { Link, type LinkContext } from './link.ts';

/** Opens a mutually authenticated connection to the SFT of a domain. */
export type Dial = (peer: DomainName, url: string) => Promise<Socket>;

export interface LinksOptions {
  readonly context: Omit<LinkContext, 'onClosed'>;
  readonly dial: Dial;
  /** @throws HawserError with the code of the cut while the peer may not come back after it */
  readonly admit: (peer: DomainName) => void;
  /** How long a link without a conference is kept, ms. */
  readonly idleMs: number;
  /** @param conferences those that a link which ended carried until then */
  readonly onChange: (link: Link, closing: Closing | undefined, conferences: readonly ConferenceId[]) => void;
}

export class Links {
  readonly #options: LinksOptions;
  readonly #context: LinkContext;
  readonly #accepted = new Set<Link>();
  readonly #dialled = new Map<DomainName, Promise<Link>>();
  readonly #idle = new Map<Link, ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#context = { ...options.context, onClosed: (...ended) => this.#forget(...ended) };
  }

  /** Takes a connection of a peer that its certificate has named. */
  accept(peer: DomainName, socket: Socket): void {
    const link = Link.accept(peer, socket, this.#context);
    try {
      this.#options.admit(peer);
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      return link.close(error.code, error.detail);
    }
    this.#accepted.add(link);
    this.#options.onChange(link, undefined, []);
  }

  /** The link to an anchor: the one that stands, or a new one. */
  async to(peer: DomainName, url: string): Promise<Link> {
    if (this.#closed) throw new HawserError('SFT_SHUTTING_DOWN');
    this.#options.admit(peer);
    const existing = this.#dialled.get(peer);
    if (existing) {
      const link = await existing;
      if (link.isOpen) return this.#keep(link);
    }
    const dialling = this.#dial(peer, url);
    this.#dialled.set(peer, dialling);
    dialling.catch(() => this.#dialled.get(peer) === dialling && this.#dialled.delete(peer));
    return dialling;
  }

  /** Says that a conference on the link ended; an idle link is closed after a while. */
  release(link: Link): void {
    if (link.conferences.length > 0 || this.#idle.has(link)) return;
    const timer = setTimeout(() => link.conferences.length === 0 && link.close(), this.#options.idleMs);
    this.#idle.set(link, timer);
  }

  async all(): Promise<Link[]> {
    const dialled = await Promise.allSettled(this.#dialled.values());
    return [...this.#accepted, ...dialled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))];
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const link of await this.all()) link.close('SFT_SHUTTING_DOWN');
  }

  async #dial(peer: DomainName, url: string): Promise<Link> {
    const link = await Link.dial(peer, await this.#options.dial(peer, url), this.#context);
    if (this.#closed) {
      link.close();
      throw new HawserError('SFT_SHUTTING_DOWN');
    }
    this.#options.onChange(link, undefined, []);
    return link;
  }

  #keep(link: Link): Link {
    clearTimeout(this.#idle.get(link));
    this.#idle.delete(link);
    return link;
  }

  #forget(link: Link, closing: Closing, conferences: readonly ConferenceId[]): void {
    this.#keep(link);
    this.#accepted.delete(link);
    for (const [peer, dialled] of this.#dialled) {
      void dialled.then(
        (candidate) => candidate === link && this.#dialled.get(peer) === dialled && this.#dialled.delete(peer),
      );
    }
    this.#options.onChange(link, closing, conferences);
  }
}
