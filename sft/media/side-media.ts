/**
 * The media of one conference on one link: the layers that go out, the sources that come in, and the three statements
 * about them. Statements are whole and numbered, and made only when they differ from the last.
 */
import type { ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { type Codec, renditionsOf, type SourceKind } from '#signalling/media-profile.ts';
import type { LinkDemand, LinkLevel, LinkParticipant, LinkSource, LinkStream } from '#signalling/sft-link.ts';
import type { SidePlan } from '../conference/plan.ts';
import { layersToRun } from '../trunk/guard.ts';
import type { Produced, SourceMedia } from './source-media.ts';
import type { Trunk } from './trunk.ts';
import type { TrunkStream } from './trunk-stream.ts';

/** How a side's statements reach the peer. */
export interface Statements {
  sources(statement: { seq: number; participants: LinkParticipant[]; sources: LinkSource[] }): void;
  streams(statement: { seq: number; trunk: TrunkId; streams: LinkStream[] }): void;
  demand(statement: { seq: number; demands: LinkDemand[] }): void;
  levels(statement: { seq: number; levels: readonly LinkLevel[]; speaker?: ParticipantId }): void;
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
  readonly onFault: (error: unknown, what: string) => void;
}

interface Sent {
  readonly media: SourceMedia;
  /** By the layers that each can carry, as the rendition names them. */
  readonly streams: Map<readonly number[], TrunkStream>;
}

interface Received {
  readonly key: string;
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

  make(statement: T): void {
    const text = JSON.stringify(statement);
    if (text === this.#last) return;
    this.#last = text;
    this.#seq += 1;
    this.#send({ seq: this.#seq, ...statement });
  }
}

export class SideMedia {
  readonly #sources: Statement<{ participants: LinkParticipant[]; sources: LinkSource[] }>;
  readonly #streams: Statement<{ trunk: TrunkId; streams: LinkStream[] }>;
  readonly #demand: Statement<{ demands: LinkDemand[] }>;
  readonly #levels: Statement<{ levels: readonly LinkLevel[]; speaker?: ParticipantId }>;
  readonly #sent = new Map<SourceId, Sent>();
  readonly #received = new Map<SourceId, Received>();
  #open = false;
  #trunk: Trunk | undefined;

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

  attach(trunk: Trunk): void {
    this.#trunk = trunk;
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
    if (trunk && !trunk.closed) {
      await this.#receive(trunk, plan, context);
      await this.#send(trunk, plan, context);
    }
    this.#sources.make({ participants: context.announced.participants, sources: context.announced.sources });
    if (!trunk || trunk.closed) return;
    this.#streams.make({ trunk: trunk.id, streams: this.#streamsSent() });
    const receivable = [...plan.demand].filter(([source]) => isOpen(this.#received.get(source)));
    this.#demand.make({ demands: receivable.map(([source, layers]) => ({ source, layers: [...layers] })) });
  }

  close(): void {
    for (const { streams } of this.#sent.values()) for (const stream of streams.values()) stream.close();
    for (const received of this.#received.values()) close(received);
    this.#sent.clear();
    this.#received.clear();
  }

  async #receive(trunk: Trunk, plan: SidePlan, context: SideContext): Promise<void> {
    for (const [source, received] of this.#received) {
      if (plan.incoming.has(source)) continue;
      close(received);
      this.#received.delete(source);
    }
    await Promise.all(
      [...plan.incoming].map(async ([source, streams]) => {
        const announced = context.announcement(source);
        if (!announced || streams.length === 0) return;
        // An id that was taken back and given to somebody else meanwhile is another source.
        const key = JSON.stringify([announced.participant, announced.kind, streams]);
        const before = this.#received.get(source);
        if (before?.key === key) return;
        close(before);
        const renditions: Produced[] = [];
        try {
          for (const carrying of renditionsOf(announced.codec, streams)) {
            const { participant, kind, codec } = announced;
            const producer = await trunk.receive(source, participant, kind, codec, carrying);
            renditions.push({ layers: carrying.flatMap(({ layers }) => layers).sort(), producer });
          }
          this.#received.set(source, { key, renditions });
          await context.onArrival(source, announced.kind, renditions);
        } catch (error) {
          close({ renditions });
          this.#received.set(source, { key, renditions: [] });
          context.onFault(error, 'receive');
        }
      }),
    );
  }

  async #send(trunk: Trunk, plan: SidePlan, context: SideContext): Promise<void> {
    for (const [source, sent] of this.#sent) {
      if (plan.outgoing.has(source) && context.catalogue.get(source) === sent.media) continue;
      for (const stream of sent.streams.values()) stream.close();
      this.#sent.delete(source);
    }
    await Promise.all(
      [...plan.outgoing].map(async ([source, { layers, wanted }]) => {
        const media = context.catalogue.get(source);
        const kind = context.announced.sources.find((candidate) => candidate.source === source)?.kind;
        if (!media || media.closed || !kind) return;
        try {
          const sent = this.#sent.get(source) ?? { media, streams: new Map<readonly number[], TrunkStream>() };
          this.#sent.set(source, sent);
          for (const rendition of media.renditions) {
            const offered = rendition.streams.filter((carried) => carried.every((layer) => layers.includes(layer)));
            for (const carried of offered) {
              if (!sent.streams.has(carried)) {
                sent.streams.set(carried, await trunk.send(source, kind, rendition, carried));
              }
            }
            const asked = wanted.filter((layer) => rendition.layers.includes(layer));
            const run = new Set(layersToRun(asked, rendition.live));
            await Promise.all(offered.map((carried) => sent.streams.get(carried)?.run(run)));
          }
        } catch (error) {
          if (!media.closed && !trunk.closed) context.onFault(error, 'send');
        }
      }),
    );
  }

  #streamsSent(): LinkStream[] {
    const streams: LinkStream[] = [];
    for (const [source, sent] of this.#sent) {
      for (const { layers, ssrc, rtxSsrc } of sent.streams.values()) {
        streams.push({ source, layers: [...layers], ssrc, ...(rtxSsrc === undefined ? {} : { rtxSsrc }) });
      }
    }
    return streams;
  }
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
