/** The connection of the domain's own SFT: it asks for grants and says who is present; it is told what is over. */

import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import { type Allowed, type Permissions, SFT_HOME } from '#signalling/sft-home.ts';
import type { World } from '../world.ts';
import type { OwnSft } from './calls.ts';
import type { Granted } from './grants.ts';
import { connected, due, lost, type SftWatch, stated } from './sft-watch.ts';

export interface SftDoorOptions {
  readonly domain: DomainName;
  readonly world: World;
  readonly grant: (conference: ConferenceId) => Promise<Granted>;
  /** Every call that the SFT anchors, with who may be in it. */
  readonly allowed: () => Promise<readonly Allowed[]>;
  /** Of every call in which something was decided. */
  readonly permissions: () => Promise<readonly Permissions[]>;
  readonly presence: (conference: ConferenceId, participants: readonly ParticipantId[]) => Promise<void>;
  /** Conferences in which people of this domain are, as last heard. */
  readonly attended: () => Promise<ConferenceId[]>;
  readonly onState: (connected: boolean) => void;
  /** @param until when it ends at the latest, ms since 1970 */
  readonly onDraining: (until: number) => void;
  readonly onFault: (error: unknown, id: string) => void;
}

type Connection = Rpc<typeof SFT_HOME, 'acceptor'>;

export class SftDoor implements OwnSft {
  readonly #options: SftDoorOptions;
  #watch: SftWatch;
  #current: Connection | undefined;
  #drainsUntil: number | undefined;

  constructor(options: SftDoorOptions) {
    this.#options = options;
    this.#watch = lost(options.world.now());
  }

  get isConnected(): boolean {
    return this.#current !== undefined;
  }

  get drainsUntil(): number | undefined {
    return this.#drainsUntil;
  }

  /** @param socket of a peer whose certificate names the SFT of this domain */
  accept(socket: Socket): void {
    const { domain, grant, world, onState, onDraining, onFault } = this.#options;
    let greeted = false;
    const sequences = new Map<ConferenceId, number>();
    const requireHello = () => {
      if (!greeted) throw new HawserError('SIG_ORDER', 'hello comes first');
    };
    const rpc: Connection = new Rpc({
      contract: SFT_HOME,
      side: 'acceptor',
      socket,
      onFault,
      onClose: () => this.#lost(rpc),
      requests: {
        hello: async () => {
          if (greeted) throw new HawserError('SIG_ORDER', 'hello comes once');
          greeted = true;
          // A newer connection of the SFT means that it has given up the older one, even if we have not noticed yet.
          this.#current?.close('normal', 'replaced');
          this.#current = rpc;
          this.#drainsUntil = undefined;
          onState(true);
          this.#watch = connected(world.now());
          this.#stateCalls(rpc).catch((error: unknown) => onFault(error, 'calls'));
          return { domain };
        },
        grant: async ({ conference }) => {
          requireHello();
          const { grant: token, anchor, link } = await grant(conference);
          return { grant: token, anchor, link };
        },
      },
      notifications: {
        draining: ({ until }) => {
          requireHello();
          if (rpc !== this.#current) return;
          this.#drainsUntil = until;
          onDraining(until);
        },
        presence: ({ conference, seq, participants }) => {
          requireHello();
          if (rpc !== this.#current || seq <= (sequences.get(conference) ?? 0)) return;
          if (participants.length > 0) sequences.set(conference, seq);
          else sequences.delete(conference);
          this.#watch = stated(this.#watch, conference);
          this.#state(conference, participants);
        },
      },
    });
  }

  endConference(conference: ConferenceId): void {
    this.#current?.notify('endConference', { conference });
  }

  allow(statement: Allowed): void {
    this.#current?.notify('allowed', statement);
  }

  permit(statement: Permissions): void {
    this.#current?.notify('permissions', statement);
  }

  mute(conference: ConferenceId, participants: readonly ParticipantId[]): void {
    this.#current?.notify('mute', { conference, participants: [...participants] });
  }

  removeParticipant(conference: ConferenceId, participant: ParticipantId): void {
    this.#current?.notify('removeParticipant', { conference, participant });
  }

  /** Empties the conferences that a vanished SFT left behind. To be called every second or so. */
  async sweep(): Promise<void> {
    if (this.#watch.deadline === undefined) return;
    const attended = await this.#options.attended();
    const [watch, left] = due(this.#watch, attended, this.#options.world.now());
    this.#watch = watch;
    for (const conference of left) this.#state(conference, []);
  }

  close(): void {
    this.#current?.close('normal', 'homeserver stops');
  }

  async #stateCalls(rpc: Connection): Promise<void> {
    for (const statement of await this.#options.allowed()) rpc.notify('allowed', statement);
    for (const statement of await this.#options.permissions()) rpc.notify('permissions', statement);
  }

  #lost(rpc: Connection): void {
    if (this.#current !== rpc) return;
    this.#current = undefined;
    this.#options.onState(false);
    this.#watch = lost(this.#options.world.now());
  }

  #state(conference: ConferenceId, participants: readonly ParticipantId[]): void {
    this.#options.presence(conference, participants).catch((error) => this.#options.onFault(error, 'presence'));
  }
}
