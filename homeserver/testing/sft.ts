/** For tests: what the homeserver sees of an SFT. It says what it is told to say and notes what it hears. */
import { readFile } from 'node:fs/promises';
import type { Contract } from '#signalling/contract.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { Rpc } from '#signalling/rpc.ts';
import { type Allowed, type Permissions, SFT_HOME } from '#signalling/sft-home.ts';
import { dialSocket } from '#signalling/websocket.ts';
import type { TestDomain } from '#trust/testing.ts';

type Connection = Rpc<typeof SFT_HOME, 'dialler'>;

export class FakeSft {
  readonly rpc: Connection;
  readonly ended: ConferenceId[] = [];
  /** Whom the homeserver put out. */
  readonly removed: ParticipantId[] = [];
  /** Who may be in which conference, as last said. */
  readonly allowed = new Map<ConferenceId, Allowed>();
  /** What participants may send in which conference, as last said. */
  readonly permissions = new Map<ConferenceId, Permissions>();
  /** Whose microphones were to be muted. */
  readonly muted: ParticipantId[] = [];
  #seq = 0;

  private constructor(make: (sft: FakeSft) => Connection) {
    this.rpc = make(this);
  }

  /** @param contract that of an older one, where it speaks no other */
  static async connect(url: string, certificates: TestDomain, contract: Contract = SFT_HOME): Promise<FakeSft> {
    const socket = await dialSocket({
      url,
      contract,
      tls: {
        ca: await readFile(certificates.authority),
        cert: await readFile(certificates.sft.certificate),
        key: await readFile(certificates.sft.key),
        servername: certificates.domain,
        minVersion: 'TLSv1.3',
      },
    });
    const sft = new FakeSft(
      (self) =>
        new Rpc({
          contract: SFT_HOME,
          side: 'dialler',
          socket,
          requests: {},
          notifications: {
            allowed: (statement) => void self.allowed.set(statement.conference, statement),
            permissions: (statement) => void self.permissions.set(statement.conference, statement),
            mute: ({ participants }) => void self.muted.push(...participants),
            endConference: ({ conference }) => void self.ended.push(conference),
            removeParticipant: ({ participant }) => void self.removed.push(participant),
          },
        }),
    );
    await sft.rpc.request('hello', { software: 'test' });
    return sft;
  }

  grant(conference: ConferenceId) {
    return this.rpc.request('grant', { conference });
  }

  presence(conference: ConferenceId, participants: readonly ParticipantId[], seq?: number): void {
    this.#seq = seq ?? this.#seq + 1;
    this.rpc.notify('presence', { conference, seq: this.#seq, participants: [...participants] });
  }

  draining(until: number): void {
    this.rpc.notify('draining', { until });
  }

  close(): void {
    this.rpc.close();
  }
}
