/**
 * The media of one conference on one link: the layers that go out, the sources that come in, and the three statements
 * about them. Statements are whole and numbered, and made only when they differ from the last.
 */
import type { types } from 'mediasoup';
import type { ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { type Codec, renditionsOf, type SourceKind } from '#signalling/media-profile.ts';
import type { LinkDemand, LinkLevel, LinkParticipant, LinkSource, LinkStream } from '#signalling/sft-link.ts';
import type { SidePlan } from '../conference/plan.ts';
import { RETIRE_MS } from '../trunk/rotation.ts';
import type { Produced, Rendition, SourceMedia } from './source-media.ts';
import type { Trunk } from './trunk.ts';
import type { TrunkStream } from './trunk-stream.ts';

/** How a side's statements reach the peer. */
export interface Statements {
  sources(statement: { seq: number; participants: LinkParticipant[]; sources: LinkSource[] }): void;
  streams(statement: { seq: number; trunk: TrunkId; streams: LinkStream[] }): void;
  demand(statement: { seq: number } & Demand): void;
  levels(statement: { seq: number; levels: readonly LinkLevel[]; speaker?: ParticipantId }): void;
  /** No statement: said once, or dropped. */
  signal(note: { participant: ParticipantId; payload: string }): void;
}

interface Demand {
  readonly ready: number;
  readonly since: number;
  readonly demands: LinkDemand[];
}

export interface SideContext {
  /** Media of every source that is on this SFT now. */
  readonly catalogue: ReadonlyMap<SourceId, SourceMedia>;
  readonly announced: { readonly participants: LinkParticipant[]; readonly sources: LinkSource[] };
  /** Of a source that the side announced. */
  readonly announcement: (
    source: SourceId,
  ) => { kind: SourceKind; codec: Codec; participant: ParticipantId } | undefined;
  /** A source of the side can be received from now on, or no longer. */
  readonly onArrival: (source: SourceId, kind: SourceKind, renditions: readonly Produced[]) => Promise<void>;
  /** Whether a viewer or another side still has something of what arrived before. */
  readonly isUsed: (producer: types.Producer) => boolean;
  /** Something is no longer used that arrived before. */
  readonly onReleased: () => void;
  readonly onFault: (error: unknown, what: string) => void;
}

interface Sent {
  readonly source: SourceId;
  readonly media: SourceMedia;
  readonly trunk: Trunk;
  readonly streams: Map<Rendition, TrunkStream>;
  /** Number of the statement that was the first to offer it; undefined before that was made. */
  offeredIn: number | undefined;
}

/** What goes on flowing, until the far end has its successor in use or until `timer`. */
interface Superseded {
  readonly sent: Sent;
  /** Number of the statement that was the first not to offer it any more; undefined before that was made. */
  missingIn: number | undefined;
  readonly timer: ReturnType<typeof setTimeout>;
}

interface Received {
  readonly key: string;
  /** Participant and kind. */
  readonly owner: string;
  /** Empty where the peer's description was refused, so that it is not tried again until it changes. */
  readonly renditions: readonly Produced[];
}

/** A statement that is repeated only when it changes. */
class Statement<T extends object> {
  readonly #send: (statement: T & { seq: number }) => void;
  #seq = 0;
  #last = '';

  constructor(send: (statement: T & { seq: number }) => void) {
    this.#send = send;
  }

  /** @returns the number of the statement that says this */
  make(statement: T): number {
    const text = JSON.stringify(statement);
    if (text === this.#last) return this.#seq;
    this.#last = text;
    this.#seq += 1;
    this.#send({ seq: this.#seq, ...statement });
    return this.#seq;
  }
}

export class SideMedia {
  readonly #sources: Statement<{ participants: LinkParticipant[]; sources: LinkSource[] }>;
  readonly #streams: Statement<{ trunk: TrunkId; streams: LinkStream[] }>;
  readonly #demand: Statement<Demand>;
  readonly #levels: Statement<{ levels: readonly LinkLevel[]; speaker?: ParticipantId }>;
  readonly #sent = new Map<SourceId, Sent>();
  readonly #superseded = new Set<Superseded>();
  readonly #received = new Map<SourceId, Received>();
  /** What was received before, and is so until everybody has moved to what took its place. */
  readonly #leaving: { readonly source: SourceId; readonly received: Received }[] = [];
  readonly #trunks = new Map<TrunkId, Trunk>();
  #open = false;
  /** The one on which is sent. */
  #trunk: Trunk | undefined;
  /** See `demand` of the contract. */
  #ready = 0;
  #since = 0;

  constructor(statements: Statements) {
    this.#sources = new Statement((statement) => statements.sources(statement));
    this.#streams = new Statement((statement) => statements.streams(statement));
    this.#demand = new Statement((statement) => statements.demand(statement));
    this.#levels = new Statement((statement) => statements.levels(statement));
  }

  get trunk(): Trunk | undefined {
    return this.#trunk;
  }

  /** The peer knows of the conference: statements are understood from now on. */
  open(): void {
    this.#open = true;
  }

  /** Media goes over the trunk from now on. What another one carries moves without a gap. */
  attach(trunk: Trunk): void {
    for (const [id, { closed }] of this.#trunks) if (closed) this.#trunks.delete(id);
    this.#trunks.set(trunk.id, trunk);
    if (!trunk.isRetired) this.#trunk = trunk;
  }

  /** Whether anything of the producer is on its way to this side. */
  uses(producer: types.Producer): boolean {
    const all = [...this.#sent.values(), ...[...this.#superseded].map(({ sent }) => sent)];
    return all.some(({ media }) => media.renditions.some((each) => each.producer === producer));
  }

  /** States who speaks and how loud. @returns false while the peer does not know of the conference */
  stateLevels(levels: readonly LinkLevel[], speaker: ParticipantId | undefined): boolean {
    if (this.#open) this.#levels.make({ levels, ...(speaker && { speaker }) });
    return this.#open;
  }

  /** Brings the media into agreement with the plan and says to the peer what changed. */
  async apply(plan: SidePlan, context: SideContext): Promise<void> {
    if (!this.#open) return;
    const trunk = this.#trunk;
    this.#drop(plan, context);
    await this.#receive(plan, context);
    if (trunk && !trunk.closed) await this.#send(trunk, plan, context);
    this.#sources.make({ participants: context.announced.participants, sources: context.announced.sources });
    if (!trunk || trunk.closed) return;
    this.#offer(trunk);
    if (this.#leaving.length === 0) this.#since = this.#ready;
    const receivable = [...plan.demand].filter(([source]) => isOpen(this.#received.get(source)));
    const demands = receivable.map(([source, layers]) => ({ source, layers: [...layers] }));
    this.#demand.make({ ready: this.#ready, since: this.#since, demands });
  }

  close(): void {
    for (const sent of this.#sent.values()) stop(sent);
    for (const superseded of this.#superseded) this.#stopSuperseded(superseded);
    for (const received of this.#received.values()) close(received);
    for (const { received } of this.#leaving.splice(0)) close(received);
    this.#sent.clear();
    this.#received.clear();
  }

  /** Ends what is not announced any more, and what everybody has moved away from. */
  #drop(plan: SidePlan, context: SideContext): void {
    for (const [source, received] of this.#received) {
      if (plan.incoming.has(source)) continue;
      close(received);
      this.#received.delete(source);
    }
    for (const entry of this.#leaving.splice(0)) {
      const { source, received } = entry;
      const used = received.renditions.some(({ producer }) => !producer.closed && context.isUsed(producer));
      if (used && plan.incoming.has(source)) this.#leaving.push(entry);
      else close(received);
    }
  }

  async #receive(plan: SidePlan, context: SideContext): Promise<void> {
    const { trunk: id, seq } = plan.offer;
    const trunk = id === undefined ? undefined : this.#trunks.get(id);
    if (!trunk || trunk.closed) return;
    await Promise.all(
      [...plan.incoming].map(async ([source, streams]) => {
        const announced = context.announcement(source);
        if (!announced || streams.length === 0) return;
        // An id that was taken back and given to somebody else meanwhile is another source.
        const owner = `${announced.participant} ${announced.kind}`;
        const key = JSON.stringify([owner, trunk.id, streams]);
        const before = this.#received.get(source);
        if (before?.key === key) return;
        if (before?.owner === owner) this.#leaving.push({ source, received: before });
        else close(before);
        const renditions: Produced[] = [];
        try {
          for (const stream of renditionsOf(announced.codec, streams)) {
            const { participant, kind, codec } = announced;
            const producer = await trunk.receive(source, participant, kind, codec, stream);
            renditions.push({ layers: stream.layers.toSorted(), producer });
          }
          this.#received.set(source, { key, owner, renditions });
          await context.onArrival(source, announced.kind, renditions);
        } catch (error) {
          close({ renditions });
          this.#received.set(source, { key, owner, renditions: [] });
          context.onFault(error, 'receive');
        }
      }),
    );
    this.#ready = seq;
  }

  async #send(trunk: Trunk, plan: SidePlan, context: SideContext): Promise<void> {
    for (const [source, sent] of this.#sent) {
      const media = context.catalogue.get(source);
      if (plan.outgoing.has(source) && media === sent.media && sent.trunk === trunk) continue;
      this.#sent.delete(source);
      if (plan.outgoing.has(source) && media) this.#supersede(sent);
      else stop(sent);
    }
    for (const superseded of this.#superseded) {
      const { sent, missingIn = Number.POSITIVE_INFINITY } = superseded;
      const isOver = plan.receives.since >= missingIn || !plan.outgoing.has(sent.source);
      if (!isOver && !sent.media.closed && !sent.trunk.closed) continue;
      this.#stopSuperseded(superseded);
      context.onReleased();
    }
    await Promise.all(
      [...plan.outgoing].map(async ([source, { layers, wanted }]) => {
        const media = context.catalogue.get(source);
        const kind = context.announced.sources.find((candidate) => candidate.source === source)?.kind;
        if (!media || media.closed || !kind) return;
        try {
          const sent: Sent = this.#sent.get(source) ?? {
            source,
            media,
            trunk,
            streams: new Map(),
            offeredIn: undefined,
          };
          this.#sent.set(source, sent);
          // A key frame that came before the far end can receive it would be lost.
          const isReady = sent.offeredIn !== undefined && plan.receives.ready >= sent.offeredIn;
          const run = new Set(isReady ? wanted : []);
          for (const rendition of media.renditions) {
            if (!rendition.layers.every((layer) => layers.includes(layer))) continue;
            const stream = sent.streams.get(rendition) ?? (await trunk.send(source, kind, rendition));
            sent.streams.set(rendition, stream);
            await stream.run(run);
          }
        } catch (error) {
          if (!media.closed && !trunk.closed) context.onFault(error, 'send');
        }
      }),
    );
  }

  #offer(trunk: Trunk): void {
    const streams: LinkStream[] = [];
    for (const [source, sent] of this.#sent) {
      for (const { layers, ssrc, rtxSsrc } of sent.streams.values()) {
        streams.push({ source, layers: [...layers], ssrc, ...(rtxSsrc === undefined ? {} : { rtxSsrc }) });
      }
    }
    const seq = this.#streams.make({ trunk: trunk.id, streams });
    for (const sent of this.#sent.values()) sent.offeredIn ??= seq;
    for (const superseded of this.#superseded) superseded.missingIn ??= seq;
  }

  #supersede(sent: Sent): void {
    if (sent.media.closed || sent.trunk.closed) return stop(sent);
    const timer = setTimeout(() => this.#stopSuperseded(superseded), RETIRE_MS);
    const superseded: Superseded = { sent, missingIn: undefined, timer };
    this.#superseded.add(superseded);
  }

  #stopSuperseded(superseded: Superseded): void {
    clearTimeout(superseded.timer);
    this.#superseded.delete(superseded);
    stop(superseded.sent);
  }
}

function stop({ streams }: Sent): void {
  for (const stream of streams.values()) stream.close();
}

function isOpen(received: Received | undefined): boolean {
  return (
    received !== undefined &&
    received.renditions.length > 0 &&
    !received.renditions.some((each) => each.producer.closed)
  );
}

function close(received: Pick<Received, 'renditions'> | undefined): void {
  for (const { producer } of received?.renditions ?? []) producer.close();
}
