/**
 * Holds every peer to its limits, over all links and conferences that it shares with this SFT: once a second it reads what
 * flows, lets the peer's account say what must be left out, refused or cut, and sees to it. What flows between two looks
 * is at most one second too much.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, SourceId } from '#signalling/ids.ts';
import type { LinkShed, ShedReason } from '#signalling/sft-link.ts';
import type { PeerLimits } from '#trust/peers-schema.ts';
import { type Room, type Side, takeWithin } from '../conference/conference.ts';
import { incomingLayers, layerKey, outgoingLayers, type WantedLayer } from '../conference/shares.ts';
import type { ConferenceHost } from '../server/conference-host.ts';
import { PeerAccount, type Reading, type Verdict, type WantedOnTrunk } from '../trunk/account.ts';
import { allot } from '../trunk/allotment.ts';
import { BackOff, type Refusal } from '../trunk/back-off.ts';
import type { Shed } from '../trunk/shedding.ts';
import type { Link } from './link.ts';
import { NOTHING_OUT, type ShedExchange } from './shed-exchange.ts';

/** A conference that is shared with a peer. */
export interface Shared {
  readonly host: ConferenceHost;
  readonly side: Side;
  readonly exchange: ShedExchange;
}

/** A layer that is left out, as administrators see it. */
export interface LeftOutLayer extends LinkShed {
  readonly conference: ConferenceId;
  /** `out`: of what this SFT sends to the peer. */
  readonly direction: 'out' | 'in';
  /** Who leaves it out. */
  readonly by: 'us' | 'peer';
}

export interface PeerState {
  readonly peer: DomainName;
  readonly limits: Required<PeerLimits>;
  /** bit/s of RTP in the last second. */
  readonly sending: number;
  readonly receiving: number;
  readonly shed: readonly LeftOutLayer[];
  /** Stated and not taken: by us of the peer's, and by the peer of ours. */
  readonly surplus: { readonly us: Room; readonly peer: Room };
  /** Why the peer may not connect now, and for how many ms more. */
  readonly refused: { readonly code: ErrorCode; readonly forMs: number } | undefined;
}

export interface LedgerEvents {
  /** The layers that are left out changed; these are new and these are over. */
  onShed(peer: DomainName, begun: readonly LeftOutLayer[], ended: readonly LeftOutLayer[]): void;
  onSurplus(peer: DomainName, surplus: PeerState['surplus']): void;
  onRefused(peer: DomainName, sources: readonly SourceId[]): void;
  onCut(peer: DomainName, code: ErrorCode, backOffMs: number): void;
  onFault(error: unknown, what: string): void;
}

export interface LedgerOptions {
  readonly limitsOf: (peer: DomainName) => Required<PeerLimits>;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly events: LedgerEvents;
}

interface Entry {
  readonly links: Set<Link>;
  account: PeerAccount;
  readonly backOff: BackOff;
  verdict: Verdict | undefined;
  shed: ReadonlyMap<string, LeftOutLayer>;
  surplus: PeerState['surplus'];
}

const LOOK_MS = 1_000;
const MEGA = 1_000_000;
const NO_SURPLUS = { us: NOTHING_OUT.surplus, peer: NOTHING_OUT.surplus };

/** What people are told while pictures of a peer are left out for the reason; for other reasons nothing. */
const NOTICE: Partial<Record<ShedReason, ErrorCode>> = {
  'send-limit': 'SFT_PICTURES_LIMITED',
  'receive-limit': 'SFT_PICTURES_LIMITED',
  loss: 'SFT_PICTURES_BRAKED',
  delay: 'SFT_PICTURES_BRAKED',
};

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #peers = new Map<DomainName, Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#later();
  }

  /** @throws HawserError with the code of the cut while the peer may not come back */
  admit(peer: DomainName): void {
    const refusal = this.#refusal(peer);
    if (refusal) throw new HawserError(refusal.code, `refused for ${Math.ceil(this.#left(refusal) / 1_000)} s more`);
  }

  /** A link stands; it counts from now on. */
  follow(link: Link): void {
    this.#entry(link.peer).links.add(link);
  }

  forget(link: Link): void {
    this.#peers.get(link.peer)?.links.delete(link);
  }

  /**
   * Before a conference with the peer begins.
   * @throws HawserError SFT_LINK_LIMIT
   */
  admitConference(peer: DomainName, conference: ConferenceId): void {
    const shared = this.#sharedWith(peer).filter(({ host }) => host.id !== conference);
    if (shared.length >= this.#options.limitsOf(peer).conferences)
      throw new HawserError('SFT_LINK_LIMIT', 'conferences');
  }

  /** What there is room for on one side, given what the others of the peer have. */
  roomFor(peer: DomainName, side: Side): Room {
    const limits = this.#options.limitsOf(peer);
    const others = this.#sharedWith(peer).filter((each) => each.side !== side);
    const taken = (count: (side: Side) => number) => others.reduce((sum, each) => sum + count(each.side), 0);
    return {
      participants: Math.max(0, limits.participants - taken((each) => each.participants.size)),
      sources: Math.max(0, limits.sources - taken((each) => each.sources.size)),
    };
  }

  get state(): PeerState[] {
    return [...this.#peers].map(([peer, { verdict, shed, surplus }]) => {
      const refusal = this.#refusal(peer);
      return {
        peer,
        limits: this.#options.limitsOf(peer),
        sending: Math.round(verdict?.sending ?? 0),
        receiving: Math.round(verdict?.receiving ?? 0),
        shed: [...shed.values()],
        surplus,
        refused: refusal && { code: refusal.code, forMs: Math.ceil(this.#left(refusal)) },
      };
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #later(): void {
    this.#timer = setTimeout(() => void this.#lookAtAll(), LOOK_MS);
  }

  async #lookAtAll(): Promise<void> {
    await Promise.all(
      [...this.#peers].map(async ([peer, entry]) => {
        try {
          await this.#look(peer, entry);
        } catch (error) {
          this.#options.events.onFault(error, 'ledger');
        }
      }),
    );
    if (!this.#closed) this.#later();
  }

  async #look(peer: DomainName, entry: Entry): Promise<void> {
    const { limitsOf, now, events } = this.#options;
    if (entry.links.size === 0) {
      entry.verdict = undefined;
      entry.account = new PeerAccount();
      this.#tell(peer, entry, []);
      if (entry.backOff.forgiven(now())) this.#peers.delete(peer);
      return;
    }
    const trunks = await readTrunks(entry.links);
    const shared = this.#sharedWith(peer);
    const limits = limitsOf(peer);
    this.#makeRoom(limits, shared);
    const budget = { send: limits.sendMbit * MEGA, receive: limits.receiveMbit * MEGA };
    const reading = readingOf(shared, trunks, [...entry.links]);
    const verdict = entry.account.look(reading, budget, now());
    entry.verdict = verdict;
    if (verdict.refuse.length > 0) {
      await this.#refuse(entry, verdict.refuse);
      events.onRefused(peer, verdict.refuse);
    }
    for (const each of shared) {
      this.#apply(peer, each, reading, verdict);
    }
    this.#tell(peer, entry, shared);
    if (verdict.cut) this.#cut(peer, entry, verdict.cut);
  }

  /** The limits may have changed since the statements came, or another conference of the peer may have ended. */
  #makeRoom({ participants, sources }: Required<PeerLimits>, shared: readonly Shared[]): void {
    const sides = shared.map(({ side }) => side);
    const people = allot(
      participants,
      sides.map((side) => ({ stated: side.stated.participants.size, taken: side.participants.size })),
    );
    const things = allot(
      sources,
      sides.map((side) => ({ stated: side.stated.sources.size, taken: side.sources.size })),
    );
    for (const [i, { host, side }] of shared.entries()) {
      if (takeWithin(host.state, side, { participants: people[i] ?? 0, sources: things[i] ?? 0 })) host.changed();
    }
  }

  #apply(peer: DomainName, { host, side, exchange }: Shared, reading: Reading, verdict: Verdict): void {
    const outgoing = shedOf(reading.outgoing, verdict.outgoing, host.id);
    const incoming = shedOf(reading.incoming, verdict.incoming, host.id);
    host.leaveOut(peer, {
      outgoing: new Set(outgoing.map(({ source, layer }) => layerKey(source, layer))),
      incoming: new Set(incoming.map(({ source, layer }) => layerKey(source, layer))),
    });
    exchange.state({ layers: [...outgoing, ...incoming], surplus: surplusOf(side) });
    // Pictures from the peer are missing here where we do not ask for them, and where the peer does not send them.
    const theirs = exchange.far.layers.filter(({ source }) => side.sources.has(source));
    host.miss(side, new Set([...incoming, ...theirs].map(({ source }) => source)));
    const codes = [...incoming, ...theirs].flatMap(({ reason }) => NOTICE[reason] ?? []);
    host.stand(peer, new Set(surplusOf(side).participants > 0 ? [...codes, 'SFT_LINK_LIMIT'] : codes));
  }

  /** Says to the administrator what changed. */
  #tell(peer: DomainName, entry: Entry, shared: readonly Shared[]): void {
    const shed = new Map<string, LeftOutLayer>();
    for (const each of shared) for (const layer of layersLeftOut(each)) shed.set(JSON.stringify(layer), layer);
    const before = entry.shed;
    entry.shed = shed;
    const begun = [...shed].flatMap(([key, layer]) => (before.has(key) ? [] : [layer]));
    const ended = [...before].flatMap(([key, layer]) => (shed.has(key) ? [] : [layer]));
    if (begun.length + ended.length > 0) this.#options.events.onShed(peer, begun, ended);
    const surplus = {
      us: sumOf(shared.map(({ side }) => surplusOf(side))),
      peer: sumOf(shared.map(({ exchange }) => exchange.far.surplus)),
    };
    if (JSON.stringify(surplus) === JSON.stringify(entry.surplus)) return;
    entry.surplus = surplus;
    this.#options.events.onSurplus(peer, surplus);
  }

  async #refuse(entry: Entry, sources: readonly SourceId[]): Promise<void> {
    for (const link of entry.links) {
      for (const trunk of await link.trunks()) for (const source of sources) trunk.refuse(source);
    }
  }

  #cut(peer: DomainName, entry: Entry, code: ErrorCode): void {
    const now = this.#options.now();
    const { until } = entry.backOff.cut(code, now);
    this.#options.events.onCut(peer, code, Math.round(until - now));
    for (const link of [...entry.links]) link.close(code);
  }

  #sharedWith(peer: DomainName): Shared[] {
    return [...(this.#peers.get(peer)?.links ?? [])].flatMap((link) => link.shared);
  }

  #refusal(peer: DomainName): Refusal | undefined {
    return this.#peers.get(peer)?.backOff.refusal(this.#options.now());
  }

  #left({ until }: Refusal): number {
    return until - this.#options.now();
  }

  #entry(peer: DomainName): Entry {
    const existing = this.#peers.get(peer);
    if (existing) return existing;
    const entry: Entry = {
      links: new Set(),
      account: new PeerAccount(),
      backOff: new BackOff(),
      verdict: undefined,
      shed: new Map(),
      surplus: NO_SURPLUS,
    };
    this.#peers.set(peer, entry);
    return entry;
  }
}

async function readTrunks(links: ReadonlySet<Link>): Promise<Reading['trunks']> {
  const all = await Promise.all([...links].map((link) => link.standingTrunks()));
  const readings = await Promise.all(
    all.flat().map(async (trunk) => {
      try {
        const [totals, streams] = await Promise.all([trunk.bytes(), trunk.streams('running')]);
        return [{ trunk: trunk.id, totals, streams }];
      } catch (error) {
        if (trunk.closed) return [];
        throw error;
      }
    }),
  );
  return readings.flat();
}

function readingOf(shared: readonly Shared[], trunks: Reading['trunks'], links: readonly Link[]) {
  const outgoing: WantedOnTrunk[] = [];
  const incoming: WantedOnTrunk[] = [];
  const demanded = new Set<SourceId>();
  for (const { host, side } of shared) {
    const trunk = host.side(side.peer)?.media.trunk?.id;
    const asked = host.asked(side.peer);
    const place = (layer: WantedLayer) => ({
      ...layer,
      key: layerKey(layer.source, layer.layer),
      trunk,
      conference: host.id,
    });
    outgoing.push(...outgoingLayers(host.state, side, host.speaker, host.crossing).map(place));
    incoming.push(...incomingLayers(side, asked, host.speaker).map(place));
    for (const source of host.demanded(side.peer)) demanded.add(source);
  }
  const demandChanges = Math.max(0, ...links.map((link) => link.countDemandChanges()));
  return { outgoing, incoming, demanded, trunks, demandChanges };
}

function shedOf(wanted: readonly WantedOnTrunk[], shed: Shed, conference: ConferenceId): LinkShed[] {
  return wanted.flatMap((layer) => {
    const out = layer.conference === conference ? shed.get(layer.key) : undefined;
    return out ? [{ source: layer.source, layer: layer.layer, reason: out.reason }] : [];
  });
}

/** Of both sides of the link: what we leave out, and what the peer says that it does. */
function layersLeftOut({ host, side, exchange }: Shared): LeftOutLayer[] {
  const direction = (source: SourceId) => (side.sources.has(source) ? 'in' : 'out');
  const place = (by: 'us' | 'peer') => (layer: LinkShed) =>
    ({ conference: host.id, ...layer, direction: direction(layer.source), by }) as const;
  return [...exchange.own.layers.map(place('us')), ...exchange.far.layers.map(place('peer'))];
}

function surplusOf(side: Side): Room {
  return {
    participants: side.stated.participants.size - side.participants.size,
    sources: side.stated.sources.size - side.sources.size,
  };
}

function sumOf(rooms: readonly Room[]): Room {
  return rooms.reduce(
    (sum, room) => ({ participants: sum.participants + room.participants, sources: sum.sources + room.sources }),
    NOTHING_OUT.surplus,
  );
}
