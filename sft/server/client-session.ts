/**
 * One client's connection: first a ticket, then whatever the contract allows a participant. When the connection ends,
 * by whatever way, everything of the participant ends with it.
 */
import { randomBytes } from 'node:crypto';
import { CLIENT_SFT } from '#signalling/client-sft.ts';
import type { Params, RequestName, Result } from '#signalling/contract.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConferenceId, ParticipantId, SessionId, SourceId } from '#signalling/ids.ts';
import { type Closing, Rpc, type Socket } from '#signalling/rpc.ts';
import type { TicketClaims } from '#signalling/ticket.ts';
import type { RtpCapabilities } from '#signalling/webrtc.ts';
import { addLocal, checkPublish, checkSend, type LocalParticipant, stateWishes } from '../conference/conference.ts';
import { ClientMedia } from '../media/client-media.ts';
import type { Entrance, Lost } from '../media/client-transport.ts';
import { checkPublished } from '../media/codecs.ts';
import type { Client, ConferenceHost } from './conference-host.ts';
import type { Stay } from './returns.ts';

export type JoinStep = 'join' | 'connect' | 'media';

export interface InConference {
  readonly conference: ConferenceId;
  readonly participant: ParticipantId;
}

export interface SessionContext {
  /** @throws HawserError SFT_TICKET_… */
  readonly admit: (ticket: string, conference: ConferenceId) => Promise<TicketClaims>;
  /** @throws HawserError SFT_CONFERENCE_ENDED, SFT_FULL */
  readonly open: (claims: TicketClaims) => ConferenceHost;
  readonly entrance: Entrance;
  /** The participant is in: the anchor may be dialled. */
  readonly onJoined: (host: ConferenceHost, stay: Stay) => void;
  readonly onRefused: (code: ErrorCode) => void;
  readonly onPathLost: Lost;
  readonly onStep: (step: JoinStep, seconds: number, who: InConference) => void;
  readonly onClosed: (session: ClientSession, closing: Closing) => void;
  readonly onFault: (error: unknown, id: string) => void;
}

/** How long a connection may wait before it shows a ticket, ms. */
const JOIN_WITHIN_MS = 5_000;
/** How often somebody is let into a conference that ends here before he is in it. */
const MAX_TRIES = 3;

interface Joined {
  readonly host: ConferenceHost;
  readonly local: LocalParticipant;
  readonly media: ClientMedia;
  readonly client: Client;
}

type Do<M extends RequestName<typeof CLIENT_SFT>> = (
  joined: Joined,
  params: Params<typeof CLIENT_SFT, M>,
) => Promise<Result<typeof CLIENT_SFT, M>>;

export class ClientSession {
  readonly #context: SessionContext;
  readonly #rpc: Rpc<typeof CLIENT_SFT, 'acceptor'>;
  readonly #startedAt = performance.now();
  readonly #joinTimer: ReturnType<typeof setTimeout>;
  #state: 'new' | 'joining' | Joined = 'new';

  constructor(socket: Socket, context: SessionContext) {
    this.#context = context;
    this.#joinTimer = setTimeout(() => this.#rpc.close('SIG_ORDER', 'join first'), JOIN_WITHIN_MS);
    const joined =
      <M extends RequestName<typeof CLIENT_SFT>>(run: Do<M>) =>
      async (params: Params<typeof CLIENT_SFT, M>) =>
        run(this.#joined(), params);
    this.#rpc = new Rpc({
      contract: CLIENT_SFT,
      side: 'acceptor',
      socket,
      requests: {
        join: (params) => this.#join(params),
        connect: joined<'connect'>(async ({ media }, { transport, dtlsParameters }) => {
          await media.connect(transport, dtlsParameters);
          this.#step('connect');
          return {};
        }),
        receive: joined<'receive'>(async ({ host, local, media }, { capabilities }) => {
          media.receive(capabilities);
          local.receives = true;
          host.changed();
          return {};
        }),
        publish: joined<'publish'>((state, params) => this.#publish(state, params)),
        unpublish: joined<'unpublish'>(async ({ host, local, media }, { source }) => {
          ownSource(local, source);
          local.sources.delete(source);
          media.unpublish(source);
          host.changed();
          return {};
        }),
        mute: joined<'mute'>(async ({ host, local, media }, { source, muted }) => {
          const own = ownSource(local, source);
          if (!muted) checkSend(host.state, local, own.kind);
          own.muted = muted;
          host.changed();
          await media.mute(source, muted);
          return {};
        }),
        ready: joined<'ready'>(async ({ host, media }, { consumer }) => {
          await media.ready(consumer);
          host.changed();
          this.#step('media');
          return {};
        }),
        leave: joined<'leave'>(async () => {
          // The answer goes out before the connection ends.
          setImmediate(() => this.#rpc.close('normal', 'left'));
          return {};
        }),
      },
      notifications: {
        wishes: ({ seq, wishes }) => {
          const { host, local } = this.#joined();
          if (stateWishes(local, seq, wishes)) host.changed();
        },
        hand: ({ raised }) => {
          const { host, local } = this.#joined();
          local.hand = raised;
          host.changed();
        },
        signal: ({ payload }) => {
          const { host, local } = this.#joined();
          host.signal(local.participant, payload);
        },
      },
      onClose: (closing) => this.#closed(closing),
      onFault: context.onFault,
    });
  }

  close(code: ErrorCode): void {
    this.#rpc.close(code);
  }

  /** Who is in which conference by this connection; undefined before the ticket was taken. */
  get stay(): Stay | undefined {
    if (typeof this.#state === 'string') return undefined;
    const { host, local } = this.#state;
    return { conference: host.id, participant: local.participant };
  }

  #joined(): Joined {
    if (typeof this.#state === 'string') throw new HawserError('SIG_ORDER', 'join first');
    return this.#state;
  }

  async #join(params: Params<typeof CLIENT_SFT, 'join'>): Promise<Result<typeof CLIENT_SFT, 'join'>> {
    if (this.#state !== 'new') throw new HawserError('SIG_ORDER', 'joined already');
    this.#state = 'joining';
    clearTimeout(this.#joinTimer);
    try {
      const claims = await this.#context.admit(params.ticket, params.conference);
      const { host, media } = await this.#enter(claims);
      host.client(claims.participant)?.onEnd('SFT_REPLACED');
      const local = addLocal(host.state, claims.participant, claims.may);
      const client = this.#client(claims.participant, media);
      this.#state = { host, local, media, client };
      host.addClient(client);
      this.#context.onJoined(host, { conference: host.id, participant: claims.participant });
      this.#step('join');
      return {
        session: randomBytes(16).toString('base64url') as SessionId,
        conference: host.id,
        participant: claims.participant,
        domain: host.state.domain,
        anchor: host.state.anchor,
        capabilities: host.worker.router.rtpCapabilities as RtpCapabilities,
        send: media.offer('send'),
        receive: media.offer('receive'),
        roster: host.roster,
      };
    } catch (error) {
      const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
      this.#context.onRefused(code);
      // Told twice: in the answer, and as the reason why the connection ends.
      setImmediate(() => this.#rpc.close(code));
      throw error;
    }
  }

  /** Media first, then the state: whoever vanishes between the two leaves nothing to take back. */
  async #enter(claims: TicketClaims) {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const host = this.#context.open(claims);
      const media = await this.#openMedia(host, claims.participant);
      if (!host.closed) return { host, media };
      // The last one who was here has left meanwhile. Where the call is not over, it begins here anew.
      media.close();
    }
    throw new HawserError('SFT_CONFERENCE_ENDED');
  }

  async #openMedia(host: ConferenceHost, participant: ParticipantId): Promise<ClientMedia> {
    try {
      const media = await ClientMedia.open(host.worker, participant, this.#context.entrance, {
        onConsumer: (consumer) => this.#rpc.notify('consumer', consumer),
        onConsumerClosed: (consumer) => this.#rpc.notify('consumerClosed', { consumer }),
        onFlow: () => host.changed(),
        onLayer: (consumer, layer) =>
          this.#rpc.notify('layer', { consumer, ...(layer === undefined ? {} : { layer }) }),
        onLost: (protocol) => {
          this.#context.onPathLost(protocol);
          this.#rpc.close('SIG_TIMEOUT', 'media path lost');
        },
        onFault: this.#context.onFault,
      });
      if (this.#rpc.isOpen) return media;
      media.close();
      throw new HawserError('SIG_CLOSED');
    } catch (error) {
      host.changed(); // a conference that nobody came into is forgotten
      throw error;
    }
  }

  #client(participant: ParticipantId, media: ClientMedia): Client {
    return {
      participant,
      media,
      onRoster: (roster) => this.#rpc.notify('roster', roster),
      onSpeaker: (speaker) => this.#rpc.notify('speaker', speaker === undefined ? {} : { participant: speaker }),
      onNotice: (code, domain, over) =>
        this.#rpc.notify('notice', { code, ...(domain === undefined ? {} : { domain }), ...(over ? { over } : {}) }),
      onSilenced: (source) => this.#rpc.notify('silenced', { source }),
      onLayers: (source, layers) => this.#rpc.notify('layers', { source, layers: [...layers] }),
      onSignal: (from, payload) => this.#rpc.notify('signalled', { participant: from, payload }),
      onEnd: (code) => this.#rpc.close(code),
    };
  }

  async #publish(
    { host, local, media }: Joined,
    { kind, renditions, muted }: Params<typeof CLIENT_SFT, 'publish'>,
  ): Promise<Result<typeof CLIENT_SFT, 'publish'>> {
    checkPublish(host.state, local, kind);
    const { codec, layers } = checkPublished(kind, renditions);
    const source = randomBytes(12).toString('base64url') as SourceId;
    // In the state before the first wait, so that two calls at once cannot both pass the check.
    local.sources.set(source, { source, participant: local.participant, kind, codec, layers, muted });
    try {
      const produced = await media.publish(source, kind, renditions, muted);
      await host.addSource(source, kind, local.participant, produced);
    } catch (error) {
      local.sources.delete(source);
      host.changed();
      throw error;
    }
    return { source };
  }

  #step(step: JoinStep): void {
    const { host, local } = this.#joined();
    const who = { conference: host.id, participant: local.participant };
    this.#context.onStep(step, (performance.now() - this.#startedAt) / 1_000, who);
  }

  #closed(closing: Closing): void {
    clearTimeout(this.#joinTimer);
    if (typeof this.#state !== 'string') this.#state.host.removeClient(this.#state.client, closing.code);
    this.#context.onClosed(this, closing);
  }
}

/** @throws HawserError SFT_UNKNOWN_SOURCE */
function ownSource(local: LocalParticipant, source: SourceId) {
  const own = local.sources.get(source);
  if (!own) throw new HawserError('SFT_UNKNOWN_SOURCE');
  return own;
}
