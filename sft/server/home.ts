/**
 * The connection to the homeserver of the own domain: grants come from it, presence goes to it. Calls that are going on
 * do not need it; while it is away only joining a conference of another domain waits.
 */
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import { type Allowed, type Permissions, SFT_HOME, SFT_HOME_V1 } from '#signalling/sft-home.ts';
import type { Grant } from '../link/uplink.ts';
import type { ConferenceHost } from './conference-host.ts';

export interface HomeOptions {
  readonly software: string;
  readonly dial: () => Promise<Socket>;
  /** Every conference now, to be stated again on a new connection. */
  readonly hosts: () => readonly ConferenceHost[];
  /** When the SFT ends at the latest, ms since 1970; undefined while it serves as ever. */
  readonly drainsUntil: () => number | undefined;
  readonly onAllowed: (statement: Allowed) => void;
  readonly onPermissions: (statement: Permissions) => void;
  readonly onMute: (conference: ConferenceId, participants: readonly ParticipantId[]) => void;
  readonly onEndConference: (conference: ConferenceId) => void;
  readonly onRemoveParticipant: (conference: ConferenceId, participant: ParticipantId) => void;
  readonly onState: (connected: boolean, error?: unknown) => void;
  readonly onFault: (error: unknown, id: string) => void;
  /** ms since 1970 */
  readonly now: () => number;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;
/** How long a join waits for a homeserver that is just being dialled, ms. */
const WAIT_MS = 3_000;

export class Home {
  readonly #options: HomeOptions;
  #rpc: Rpc<typeof SFT_HOME, 'dialler'> | undefined;
  #protocol = '';
  #waiting: (() => void)[] = [];
  #delayMs = FIRST_RETRY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #seq = 0;
  #closed = false;

  constructor(options: HomeOptions) {
    this.#options = options;
    void this.#connect();
  }

  get connected(): boolean {
    return this.#rpc?.isOpen === true;
  }

  /** @throws HawserError SFT_HOMESERVER_UNREACHABLE, or the homeserver's refusal */
  async grant(conference: ConferenceId): Promise<Grant> {
    if (!this.connected) await this.#arrival();
    if (!this.#rpc) throw new HawserError('SFT_HOMESERVER_UNREACHABLE');
    return this.#rpc.request('grant', { conference });
  }

  /** Says who of this domain is in the conference. */
  presence(host: ConferenceHost): void {
    // Greater than any before, also before a restart.
    this.#seq = Math.max(this.#seq + 1, this.#options.now());
    this.#rpc?.notify('presence', { conference: host.id, seq: this.#seq, participants: host.participants });
  }

  /** Says that no new conferences are taken. A homeserver of before that could be said hears it when somebody is refused here. */
  draining(): void {
    const until = this.#options.drainsUntil();
    if (until !== undefined && this.#protocol !== SFT_HOME_V1) this.#rpc?.notify('draining', { until });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#rpc?.close();
    this.#release();
  }

  async #connect(): Promise<void> {
    if (this.#closed) return;
    const { dial, software, hosts, onState, onFault } = this.#options;
    const { onAllowed, onPermissions, onMute, onEndConference, onRemoveParticipant } = this.#options;
    try {
      const socket = await dial();
      const rpc = new Rpc({
        contract: SFT_HOME,
        side: 'dialler',
        socket,
        requests: {},
        notifications: {
          allowed: onAllowed,
          permissions: onPermissions,
          mute: ({ conference, participants }) => onMute(conference, participants),
          endConference: ({ conference }) => onEndConference(conference),
          removeParticipant: ({ conference, participant }) => onRemoveParticipant(conference, participant),
        },
        onClose: () => this.#lost(),
        onFault,
      });
      if (this.#closed) return rpc.close();
      await rpc.request('hello', { software });
      this.#rpc = rpc;
      this.#protocol = socket.protocol;
      this.draining();
      this.#delayMs = FIRST_RETRY_MS;
      for (const host of hosts()) this.presence(host);
      this.#release();
      onState(true);
    } catch (error) {
      if (this.#closed) return;
      onState(false, error);
      this.#again();
    }
  }

  #lost(): void {
    if (this.#closed || !this.#rpc) return; // a connection that ended before its hello is dialled again by #connect
    this.#rpc = undefined;
    this.#options.onState(false);
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#delayMs);
    this.#delayMs = Math.min(LAST_RETRY_MS, this.#delayMs * 2);
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, WAIT_MS);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}
