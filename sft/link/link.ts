/**
 * The control connection to one peer, from `hello` on. It carries the statements of every conference that the two SFTs
 * share, and owns the trunks between them: their keys travel here, and when the link ends they end.
 */
import { randomBytes } from 'node:crypto';
import type { Note, Params } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, TrunkId } from '#signalling/ids.ts';
import type { MediaAddress } from '#signalling/media-profile.ts';
import { type Closing, type NotificationHandlers, Rpc, type Socket } from '#signalling/rpc.ts';
import {
  CONSENT_MS,
  DEMAND_SPACING_MS,
  HEARTBEAT_MS,
  type Hello,
  LINK_VERSIONS,
  SFT_LINK,
  SIGNAL_VERSION,
} from '#signalling/sft-link.ts';
import { LINK_SIGNALS } from '#signalling/signal.ts';
import {
  type Room,
  type Side,
  stateDemand,
  stateLevels,
  stateSources,
  stateStreams,
} from '../conference/conference.ts';
import { Pace, type SignalDrop } from '../conference/signals.ts';
import type { Statements } from '../media/side-media.ts';
import { Trunk, type TrunkOptions } from '../media/trunk.ts';
import type { MediaWorker } from '../media/worker.ts';
import type { ConferenceHost } from '../server/conference-host.ts';
import { isDue, LEAST_AGE_MS, type RotationLimits } from '../trunk/rotation.ts';
import type { Shared } from './ledger.ts';
import { Newest } from './newest.ts';
import { ShedExchange } from './shed-exchange.ts';

export type LinkStep = 'greeted' | 'joined' | 'let in' | 'left' | 'trunk stands' | 'trunk is replaced';

export interface LinkContext {
  readonly hello: Hello;
  readonly trunks: TrunkOptions;
  readonly rotation: RotationLimits;
  readonly workers: () => readonly MediaWorker[];
  /** Whether the administrator approved that media of this peer comes from and goes to the address. */
  readonly mayReach: (peer: DomainName, ip: string) => boolean;
  /**
   * The conference that a grant opens to a peer.
   * @throws HawserError SFT_LINK_GRANT_REFUSED, SFT_CONFERENCE_ENDED, SFT_FULL
   */
  readonly admit: (peer: DomainName, conference: ConferenceId, grant: string) => Promise<ConferenceHost>;
  /** @throws HawserError SFT_LINK_LIMIT where the peer has as many conferences as it may have */
  readonly admitConference: (peer: DomainName, conference: ConferenceId) => void;
  /** How much of what the peer states is taken. */
  readonly roomFor: (peer: DomainName, side: Side) => Room;
  /** The peer, which anchors the conference, has let go of it, and it is not over. */
  readonly onDropped: (link: Link, conference: ConferenceId) => void;
  readonly onSignalDropped: (drop: SignalDrop) => void;
  /** For whoever looks for a fault. */
  readonly onStep: (peer: DomainName, step: LinkStep, conference?: ConferenceId) => void;
  readonly onFault: (error: unknown, id: string) => void;
  /** With the conferences that it carried until then. */
  readonly onClosed: (link: Link, closing: Closing, conferences: readonly ConferenceId[]) => void;
}

interface Attachment extends Shared {
  farWorker: number | undefined;
}

type DemandNote = Omit<Note<typeof SFT_LINK, 'demand'>, 'conference'>;
type TrunkWish = Params<typeof SFT_LINK, 'trunk'>;
type AnyRpc = Rpc<typeof SFT_LINK, 'dialler'> | Rpc<typeof SFT_LINK, 'acceptor'>;

/** Why an anchor lets go of conferences that go on. */
const COMES_BACK: readonly string[] = ['SFT_WORKER_DIED', 'SFT_SHUTTING_DOWN'];

/** How often it is looked whether a trunk is due, ms. */
const ROTATION_CHECK_MS = 1_000;

/**
 * Heartbeats, one silence after which consent to send is over, and room for the levels of 200 conferences and the bursts
 * of a large one.
 */
const LINK_LIMITS = { pingMs: HEARTBEAT_MS, silenceMs: CONSENT_MS, messagesPerSecond: 2_500, requestTimeoutMs: 5_000 };

export class Link {
  readonly peer: DomainName;
  readonly dialled: boolean;
  readonly #context: LinkContext;
  readonly #attachments = new Map<ConferenceId, Attachment>();
  readonly #trunks = new Map<string, Promise<Trunk>>();
  /** Trunks whose place another one has taken, until nothing on them is needed any more; at most one a pair. */
  readonly #retired = new Map<string, Trunk>();
  readonly #rotating = new Set<string>();
  readonly #rotationTimer: ReturnType<typeof setInterval>;
  readonly #rpc: AnyRpc;
  /** Demand, theirs and ours, is taken and made at most so often: each statement may cost a key frame. */
  readonly #demanded = new Newest<ConferenceId, DemandNote>(DEMAND_SPACING_MS, (conference, note) =>
    this.#stated(conference, ({ side }) => stateDemand(side, note)),
  );
  readonly #demanding = new Newest<ConferenceId, DemandNote>(DEMAND_SPACING_MS * 1.25, (conference, note) =>
    (this.#rpc as Rpc<typeof SFT_LINK, 'dialler'>).notify('demand', { conference, ...note }),
  );
  /** What people say to everybody, in each direction. */
  readonly #signals = {
    in: new Pace(LINK_SIGNALS, performance.now()),
    out: new Pace(LINK_SIGNALS, performance.now()),
  };
  #hello: Hello | undefined;

  private constructor(peer: DomainName, socket: Socket, side: 'dialler' | 'acceptor', context: LinkContext) {
    this.peer = peer;
    this.dialled = side === 'dialler';
    this.#context = context;
    const common = {
      contract: SFT_LINK,
      socket,
      limits: LINK_LIMITS,
      onClose: (closing: Closing) => this.#closed(closing),
      onFault: context.onFault,
    };
    const notifications = this.#notifications();
    const look = () => void this.rotate((trunk) => isDue(trunk, context.rotation)).catch(() => undefined);
    this.#rotationTimer = setInterval(look, ROTATION_CHECK_MS);
    if (side === 'acceptor') {
      this.#rpc = new Rpc({ ...common, side, notifications, requests: this.#requests() });
    } else {
      const ended = ({ conference, code }: { conference: ConferenceId; code: string }) => this.#ended(conference, code);
      const rotate = ({ trunk: id }: { trunk: TrunkId }) =>
        void this.rotate((trunk) => trunk.id === id && trunk.ageMs >= LEAST_AGE_MS).catch(() => undefined);
      this.#rpc = new Rpc({ ...common, side, notifications: { ...notifications, ended, rotate }, requests: {} });
    }
  }

  /** The peer was identified by its certificate already. */
  static accept(peer: DomainName, socket: Socket, context: LinkContext): Link {
    return new Link(peer, socket, 'acceptor', context);
  }

  /** @throws HawserError what the peer answers, SIG_UNSUPPORTED_VERSION, SIG_TIMEOUT */
  static async dial(peer: DomainName, socket: Socket, context: LinkContext): Promise<Link> {
    const link = new Link(peer, socket, 'dialler', context);
    try {
      link.#meet(await link.#dialler.request('hello', context.hello));
    } catch (error) {
      link.close();
      throw error;
    }
    return link;
  }

  get isOpen(): boolean {
    return this.#rpc.isOpen;
  }

  get rttMs(): number | undefined {
    return this.#rpc.rttMs;
  }

  /** Time since the last sign of life, ms. */
  get silentForMs(): number {
    return this.#rpc.silentForMs;
  }

  /** What the peer said of itself; undefined before its hello. */
  get remote(): Hello | undefined {
    return this.#hello;
  }

  get conferences(): ConferenceId[] {
    return [...this.#attachments.keys()];
  }

  async trunks(): Promise<Trunk[]> {
    const settled = await Promise.allSettled(this.#trunks.values());
    const standing = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return [...standing, ...this.#retired.values()];
  }

  /**
   * Puts new trunks, with new keys and ports, in the place of those that are to go; media moves without a gap. The side that
   * accepted the link asks the other one to do it.
   * @returns how many trunks that was
   * @throws HawserError the peer's refusal, SFT_FULL, SIG_TIMEOUT
   */
  async rotate(due: (trunk: Trunk) => boolean = () => true): Promise<number> {
    let rotated = 0;
    for (const [key, opening] of [...this.#trunks]) {
      const trunk = await opening.catch(() => undefined);
      if (!trunk || trunk.isRetired || this.#isRotating(key) || !due(trunk)) continue;
      if (this.dialled) await this.#rotate(key, trunk);
      // The peer would pass over it in silence. Its trunk is the older one of the two: it opened it before it asked for ours.
      else if (trunk.ageMs < LEAST_AGE_MS) throw new HawserError('SIG_ORDER', 'the trunk was opened just now');
      else (this.#rpc as Rpc<typeof SFT_LINK, 'acceptor'>).notify('rotate', { trunk: trunk.id });
      rotated += 1;
    }
    return rotated;
  }

  /** Those that could be opened and are not closed. */
  async standingTrunks(): Promise<Trunk[]> {
    return (await this.trunks()).filter(({ closed }) => !closed);
  }

  /** The conferences that both sides are in. */
  get shared(): readonly Shared[] {
    return [...this.#attachments.values()].filter(({ farWorker }) => farWorker !== undefined);
  }

  /** Statements of demand since the last call, of the conference with the most of them. */
  countDemandChanges(): number {
    return this.#demanded.countMost();
  }

  /**
   * Joins a conference of the peer. Resolves when the trunk stands.
   * @throws HawserError the peer's refusal, SFT_LINK_LIMIT, SFT_LINK_ADDRESS, SFT_LINK_SRTP, SIG_TIMEOUT, SIG_CLOSED, and
   * SFT_LINK_LOST where the peer let go of the conference, or it ended here, before the trunk stood
   */
  async join(host: ConferenceHost, grant: string): Promise<void> {
    this.#context.admitConference(this.peer, host.id);
    // The side exists before the peer answers: its first statements may arrive together with the answer.
    const attachment = this.#attach(host);
    try {
      const answer = await this.#dialler.request('join', { conference: host.id, grant, worker: host.worker.index });
      attachment.farWorker = answer.worker;
      host.side(this.peer)?.media.open();
      host.changed();
      this.#step('joined', host.id);
      const trunk = await this.#openTrunk(host.worker, answer.worker);
      this.#step('trunk stands', host.id);
      if (this.#attachments.get(host.id) !== attachment) throw new HawserError('SFT_LINK_LOST', 'let go of meanwhile');
      host.side(this.peer)?.media.attach(trunk);
      host.changed();
    } catch (error) {
      if (this.#attachments.get(host.id) === attachment) this.leave(host.id);
      throw error;
    }
  }

  /** Leaves a conference of the peer; its trunk ends with its last conference. */
  leave(conference: ConferenceId): void {
    this.#detach(conference);
    if (this.isOpen) this.#dialler.request('leave', { conference }).catch(() => undefined);
  }

  close(code: Closing['code'] = 'normal', detail = ''): void {
    this.#rpc.close(code, detail);
  }

  get #dialler(): Rpc<typeof SFT_LINK, 'dialler'> {
    if (!this.dialled) throw new HawserError('SIG_ORDER', 'only the side that dialled joins');
    return this.#rpc as Rpc<typeof SFT_LINK, 'dialler'>;
  }

  #meet(hello: Hello): void {
    if (hello.domain !== this.peer) throw new HawserError('TRUST_WRONG_NAME', 'hello');
    const { min, max } = hello.versions;
    if (min > LINK_VERSIONS.max || max < LINK_VERSIONS.min) {
      throw new HawserError('SIG_UNSUPPORTED_VERSION', `here ${LINK_VERSIONS.min} to ${LINK_VERSIONS.max}`);
    }
    this.#hello = hello;
    this.#step('greeted');
  }

  #step(step: LinkStep, conference?: ConferenceId): void {
    this.#context.onStep(this.peer, step, conference);
  }

  /** The newest that both sides speak. */
  get #version(): number {
    return Math.min(this.#hello?.versions.max ?? LINK_VERSIONS.min, LINK_VERSIONS.max);
  }

  #requests() {
    const greeted = () => {
      if (!this.#hello) throw new HawserError('SIG_ORDER', 'hello first');
      return this.#hello;
    };
    return {
      hello: async (hello: Hello) => {
        if (this.#hello) throw new HawserError('SIG_ORDER', 'hello was said');
        this.#meet(hello);
        return this.#context.hello;
      },
      join: async ({ conference, grant, worker }: { conference: ConferenceId; grant: string; worker: number }) => {
        if (!greeted().workers.some(({ index }) => index === worker)) throw new HawserError('SIG_SCHEMA', 'worker');
        const host = await this.#context.admit(this.peer, conference, grant);
        if (!this.isOpen) throw new HawserError('SIG_CLOSED');
        try {
          this.#context.admitConference(this.peer, conference);
        } catch (error) {
          host.changed(); // a conference that nobody came into is forgotten
          throw error;
        }
        const attachment = this.#attach(host);
        attachment.farWorker = worker;
        const { media } = host.side(this.peer) ?? {};
        media?.open();
        const trunk = await this.#trunks.get(pair(host.worker.index, worker));
        if (trunk) media?.attach(trunk);
        host.changed();
        this.#step('let in', conference);
        return { worker: host.worker.index };
      },
      trunk: async (wish: TrunkWish) => {
        greeted();
        const trunk = await this.#acceptTrunk(wish);
        this.#step(wish.replaces === undefined ? 'trunk stands' : 'trunk is replaced');
        return { address: trunk.address, srtp: trunk.srtp };
      },
      leave: async ({ conference }: { conference: ConferenceId }) => {
        this.#detach(conference);
        this.#step('left', conference);
        return {};
      },
    };
  }

  #notifications(): Pick<
    NotificationHandlers<typeof SFT_LINK, 'acceptor'>,
    'sources' | 'streams' | 'demand' | 'levels' | 'shed' | 'signal'
  > {
    return {
      sources: (note) =>
        this.#stated(note.conference, ({ host, side }) =>
          stateSources(host.state, side, note, this.#context.roomFor(this.peer, side)),
        ),
      streams: (note) => this.#stated(note.conference, ({ side }) => stateStreams(side, note)),
      demand: (note) => this.#attachments.has(note.conference) && this.#demanded.take(note.conference, note),
      shed: (note) => this.#attachments.get(note.conference)?.exchange.hear(note),
      levels: (note) => {
        const attachment = this.#attachments.get(note.conference);
        if (attachment && stateLevels(attachment.side, note, performance.now())) attachment.host.levelsChanged();
      },
      signal: ({ conference, participant, payload }) => {
        const attachment = this.#attachments.get(conference);
        if (attachment && this.#paced('in')) attachment.host.signal(participant, payload, attachment.side);
      },
    };
  }

  /** The anchor lets go of a conference: it is over, or failed there and can be joined again. */
  #ended(conference: ConferenceId, code: string): void {
    const { host } = this.#attachments.get(conference) ?? {};
    if (!host) return;
    if (!COMES_BACK.includes(code)) return host.end(code === 'SFT_LINK_GRANT_ENDED' ? code : 'SFT_CONFERENCE_ENDED');
    this.#detach(conference);
    this.#context.onDropped(this, conference);
  }

  /** Of a conference that was just left or ended statements may still be under way: they mean nothing. */
  #stated(conference: ConferenceId, take: (attachment: Attachment) => boolean): void {
    const attachment = this.#attachments.get(conference);
    if (attachment && take(attachment)) attachment.host.changed();
  }

  #statements(conference: ConferenceId): Statements {
    const rpc = this.#rpc as Rpc<typeof SFT_LINK, 'dialler'>; // both sides may send these
    return {
      sources: (statement) => rpc.notify('sources', { conference, ...statement }),
      streams: (statement) => rpc.notify('streams', { conference, ...statement }),
      demand: (statement) => this.#demanding.take(conference, statement),
      levels: ({ levels, ...statement }) => rpc.notify('levels', { conference, ...statement, levels: [...levels] }),
      signal: (note) =>
        this.#version >= SIGNAL_VERSION && this.#paced('out') && rpc.notify('signal', { conference, ...note }),
    };
  }

  #paced(direction: 'in' | 'out'): boolean {
    const passes = this.#signals[direction].take(performance.now());
    if (!passes) this.#context.onSignalDropped(`link-${direction}`);
    return passes;
  }

  #attach(host: ConferenceHost): Attachment {
    const { side } = host.attach(this.peer, this.#statements(host.id), (code) => {
      this.#attachments.delete(host.id);
      this.#closeIdleTrunks();
      if (this.dialled) this.leave(host.id);
      else if (this.isOpen) {
        (this.#rpc as Rpc<typeof SFT_LINK, 'acceptor'>).notify('ended', { conference: host.id, code });
      }
    });
    const exchange = new ShedExchange((note) =>
      (this.#rpc as Rpc<typeof SFT_LINK, 'dialler'>).notify('shed', { conference: host.id, ...note }),
    );
    const attachment: Attachment = { host, side, exchange, farWorker: undefined };
    this.#attachments.set(host.id, attachment);
    return attachment;
  }

  #detach(conference: ConferenceId): void {
    const attachment = this.#attachments.get(conference);
    if (!attachment) return;
    this.#attachments.delete(conference);
    attachment.host.detach(this.peer, attachment.side);
    this.#closeIdleTrunks();
  }

  #closeIdleTrunks(): void {
    const used = new Set(
      [...this.#attachments.values()].map(({ host, farWorker }) => pair(host.worker.index, farWorker)),
    );
    for (const [key, trunk] of this.#trunks) {
      if (used.has(key)) continue;
      this.#trunks.delete(key);
      trunk.then((opened) => opened.close()).catch(() => undefined);
    }
    for (const [key, trunk] of this.#retired) if (!used.has(key)) trunk.close();
  }

  /** The trunk of a pair of workers; conferences that join at the same time share it. */
  #openTrunk(worker: MediaWorker, farWorker: number): Promise<Trunk> {
    const key = pair(worker.index, farWorker);
    const existing = this.#trunks.get(key);
    if (existing) return existing;
    const opening = this.#negotiate(worker, farWorker);
    this.#trunks.set(key, opening);
    opening.catch(() => this.#trunks.get(key) === opening && this.#trunks.delete(key));
    return opening;
  }

  #isRotating(key: string): boolean {
    return this.#rotating.has(key) || this.#retired.has(key);
  }

  async #rotate(key: string, old: Trunk): Promise<void> {
    this.#rotating.add(key);
    try {
      const fresh = await this.#negotiate(old.worker, farOf(key), old.id);
      this.#replace(key, old, fresh);
    } catch (error) {
      // Where the peer did not refuse, it may send on a trunk already that is not here: both begin anew.
      const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
      if (code !== 'SIG_ORDER' && code !== 'SFT_FULL') this.close(code);
      throw error;
    } finally {
      this.#rotating.delete(key);
    }
  }

  /** From now on media goes over the fresh trunk; what is on the old one moves. */
  #replace(key: string, old: Trunk, fresh: Trunk): void {
    if (!this.isOpen || !this.#trunks.has(key)) return fresh.close(); // the last conference of the pair has ended meanwhile
    this.#trunks.set(key, Promise.resolve(fresh));
    this.#retired.set(key, old);
    old.retire(() => this.#retired.get(key) === old && this.#retired.delete(key));
    this.#attachTrunk(key, fresh);
  }

  #attachTrunk(key: string, trunk: Trunk): void {
    for (const { host, farWorker } of this.#attachments.values()) {
      if (pair(host.worker.index, farWorker) !== key) continue;
      host.side(this.peer)?.media.attach(trunk);
      host.changed();
    }
  }

  async #negotiate(worker: MediaWorker, farWorker: number, replaces?: TrunkId): Promise<Trunk> {
    const id = randomBytes(12).toString('base64url') as TrunkId;
    const trunk = await Trunk.open(id, worker, this.#context.trunks);
    try {
      const { address, srtp } = await this.#dialler.request('trunk', {
        trunk: id,
        from: worker.index,
        to: farWorker,
        address: trunk.address,
        srtp: trunk.srtp,
        ...(replaces !== undefined && { replaces }),
      });
      this.#checkAddress(address);
      await trunk.connect(address, srtp);
      if (!this.isOpen) throw new HawserError('SIG_CLOSED');
      return trunk;
    } catch (error) {
      trunk.close();
      throw error;
    }
  }

  async #acceptTrunk(wish: TrunkWish): Promise<Trunk> {
    const key = pair(wish.to, wish.from);
    const joined = [...this.#attachments.values()].find(
      ({ host, farWorker }) => host.worker.index === wish.to && farWorker === wish.from,
    );
    const worker = joined?.host.worker;
    if (!worker) throw new HawserError('SIG_ORDER', 'join a conference first');
    if (wish.replaces !== undefined) return this.#acceptRotation(key, worker, wish);
    if (this.#trunks.has(key)) throw new HawserError('SIG_ORDER', 'the trunk of these workers stands');
    this.#checkAddress(wish.address);
    const opening = this.#openFor(worker, wish);
    this.#trunks.set(key, opening);
    try {
      const trunk = await opening;
      this.#attachTrunk(key, trunk);
      return trunk;
    } catch (error) {
      this.#trunks.delete(key);
      throw error;
    }
  }

  async #acceptRotation(key: string, worker: MediaWorker, wish: TrunkWish): Promise<Trunk> {
    if (this.#isRotating(key)) throw new HawserError('SIG_ORDER', 'the trunk is being replaced');
    this.#rotating.add(key);
    try {
      const old = await this.#trunks.get(key);
      if (!old || old.id !== wish.replaces) throw new HawserError('SIG_ORDER', 'there is no such trunk');
      if (old.ageMs < LEAST_AGE_MS) throw new HawserError('SIG_ORDER', 'the trunk was opened just now');
      this.#checkAddress(wish.address);
      const fresh = await this.#openFor(worker, wish);
      this.#replace(key, old, fresh);
      return fresh;
    } finally {
      this.#rotating.delete(key);
    }
  }

  async #openFor(worker: MediaWorker, { trunk: id, address, srtp }: TrunkWish): Promise<Trunk> {
    const trunk = await Trunk.open(id, worker, this.#context.trunks);
    try {
      await trunk.connect(address, srtp);
    } catch (error) {
      trunk.close();
      throw error;
    }
    return trunk;
  }

  #checkAddress(address: MediaAddress): void {
    if (!this.#context.mayReach(this.peer, address.ip)) throw new HawserError('SFT_LINK_ADDRESS', address.ip);
  }

  #closed(closing: Closing): void {
    this.#demanded.close();
    this.#demanding.close();
    clearInterval(this.#rotationTimer);
    const { conferences } = this;
    for (const { host, side } of this.#attachments.values()) host.detach(this.peer, side);
    this.#attachments.clear();
    this.#closeIdleTrunks();
    this.#context.onClosed(this, closing, conferences);
  }
}

function pair(own: number, far: number | undefined): string {
  return `${own} ${far}`;
}

function farOf(key: string): number {
  return Number(key.split(' ')[1]);
}
