/** What the hub proposes to the members of a group: who goes, and who comes in. To be called in the turn of the room, in which no commit comes in between. */
import { type HubEnvironment, lapsedMembers, membersIn } from '#mls/public-group.ts';
import { type HubSigner, type Proposed, proposeAddition, proposeRemoval } from '#mls/public-proposal.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, RoomId } from '#signalling/ids.ts';
import { whenIdle } from '../idle.ts';
import type { Queues } from '../qs/queues.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import * as table from './group-table.ts';
import { type Held, type HeldGroups, type People, strangersIn } from './held-groups.ts';

export interface ProposalsOptions {
  readonly writer: Pick<Writer, 'run'>;
  readonly queues: Pick<Queues, 'appendAll'>;
  readonly signer: HubSigner;
  readonly world: Pick<World, 'now'>;
  readonly held: Pick<HeldGroups, 'put'>;
  /** @throws HawserError HOME_NO_GROUP */
  readonly load: (room: RoomId) => Promise<Held>;
  readonly environment: (people: People) => HubEnvironment;
  /** Judges credentials, once more with what their domain says now where one is refused. */
  readonly judge: <T>(people: People, work: () => Promise<T>) => Promise<T>;
  readonly isClosed: () => boolean;
}

/** Proposals in one transaction: to make and to write one takes a third of a millisecond, in which nobody else is served. */
const MOST_PROPOSED = 64;
/**
 * Not more often than this, because it takes 15 ms for a group of 500. Whoever is revoked is proposed at once; this finds whose time is
 * over, and what a crash has left undone. ms
 */
const LOOK_EVERY = 60_000;

export class Proposals {
  readonly #options: ProposalsOptions;
  /** When a group was last searched for members who lapsed, ms since 1970. */
  readonly #looked = new Map<RoomId, number>();

  constructor(options: ProposalsOptions) {
    this.#options = options;
  }

  /** The group is not held in memory any more. */
  forget(room: RoomId): void {
    this.#looked.delete(room);
  }

  /**
   * To remove devices that are in the group, some at a time, so that nobody else waits for thousands. Where the process ends, whoever
   * reads the group next finds the rest.
   */
  async remove(room: RoomId, devices: readonly DeviceId[]): Promise<void> {
    for (let at = 0; at < devices.length; at += MOST_PROPOSED) {
      if (at > 0) await whenIdle();
      if (this.#options.isClosed()) return;
      const wanted = new Set(devices.slice(at, at + MOST_PROPOSED));
      const held = await this.#options.load(room);
      const leaves = membersIn(held.group).filter(({ identity }) => wanted.has(identity.device));
      const indexes = leaves.map(({ leafIndex }) => leafIndex);
      await this.#write(held, await proposeRemoval(held.group, indexes, ...this.#as(held)));
    }
  }

  /**
   * Whoever is no member any more, or was none for a while: who is back gets nothing with the devices that he had, until they join anew.
   */
  async removeStrangers(room: RoomId): Promise<void> {
    const { load, isClosed } = this.#options;
    // The change by which they are out, to read a large group, and each part: all take their time, in which nobody else is served.
    await whenIdle();
    for (;;) {
      await load(room);
      await whenIdle();
      const strangers = strangersIn(await load(room));
      if (strangers.length === 0 || isClosed()) return;
      await this.remove(room, strangers.slice(0, MOST_PROPOSED));
    }
  }

  /** Whose certificates have ended or were taken back. */
  async removeLapsed(room: RoomId): Promise<void> {
    const { world, load, judge, environment } = this.#options;
    const now = world.now();
    if (Math.abs(now - (this.#looked.get(room) ?? Number.NEGATIVE_INFINITY)) < LOOK_EVERY) return;
    this.#looked.set(room, now);
    const held = await load(room);
    const lapsed = await judge(held, () => lapsedMembers(held.group, environment(held)));
    await this.remove(
      room,
      lapsed.map(({ identity }) => identity.device),
    );
  }

  /**
   * To let devices in, each with a key package that was made for this group. One that cannot come in any more is left out, and hears nothing:
   * it asks again.
   * @returns how many are proposed now
   */
  async add(room: RoomId, keyPackages: readonly Uint8Array[]): Promise<number> {
    const held = await this.#options.load(room);
    const messages: Uint8Array[] = [];
    let { group } = held;
    for (const keyPackage of keyPackages) {
      try {
        const proposed = await this.judgeAddition({ ...held, group }, keyPackage);
        group = proposed.state;
        messages.push(...proposed.messages);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
      }
    }
    await this.#write(held, { state: group, messages });
    return messages.length;
  }

  /** What it would be to let a device in. @throws HawserError as `proposeAddition` */
  judgeAddition(held: Held, keyPackage: Uint8Array): Promise<Proposed> {
    return this.#options.judge(held, () => proposeAddition(held.group, [keyPackage], ...this.#as(held)));
  }

  #as(people: People): [HubSigner, HubEnvironment] {
    return [this.#options.signer, this.#options.environment(people)];
  }

  async #write(before: Held, { state, messages }: Proposed): Promise<void> {
    const { writer, queues, world, held } = this.#options;
    if (messages.length === 0) return; // proposed already
    await writer.run(async (tx) => {
      if (!(await table.updateGroup(tx, before.group, state))) throw new HawserError('MLS_EPOCH_PAST');
      const proposal = { audience: state.id, kind: 'proposal', at: world.now() } as const;
      await queues.appendAll(
        tx,
        messages.map((message) => ({ ...proposal, payload: textOf(message) })),
      );
    });
    held.put({ ...before, group: state });
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
