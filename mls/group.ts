/**
 * An MLS group as this device sees it: the shell around the steps. One thing after the other; each step is stored before anything of it
 * leaves or is told; secrets that are over are wiped only then.
 */
import { mlsExporter } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, GroupId, ParticipantId } from '#signalling/ids.ts';
import { sameBytes, wipe } from './bytes.ts';
import { type CommitWishes, groupInfoBytes, type OutgoingCommit, outgoing, prepareCommit } from './commit.ts';
import { adoptPending, dropPending } from './handshake.ts';
import { type ExternalParts, joinByWelcome, makeGroup, prepareExternalJoin, type WelcomeParts } from './join.ts';
import { type Changes, type GroupStore, Journal } from './journal.ts';
import type { DeviceKeys } from './key-package.ts';
import { lapsedIn } from './lapsed.ts';
import { type Environment, withLibrary } from './library.ts';
import { identityOf, type Member, membersOf } from './members.ts';
import { encryptMessage } from './messages.ts';
import { participantsIn } from './participant.ts';
import { Queue } from './queue.ts';
import { type Records, stateFrom } from './read-records.ts';
import { receive, settleWaiting } from './receive.ts';
import { type GroupState, groupOf, memberState } from './state.ts';
import { forgetOld, type Received, type Step } from './step.ts';
import { certificatesIn, leafAt, leavesOf, treeBytes } from './wire.ts';

/** What the caller keeps of what was told, stored together with the state: a crash loses neither, or both. */
export type Note = (received: readonly Received[]) => Changes | Promise<Changes>;

export class Group {
  readonly id: GroupId;
  readonly #environment: Environment;
  readonly #journal: Journal;
  readonly #queue = new Queue();
  #state: GroupState;

  private constructor(state: GroupState, journal: Journal, environment: Environment) {
    this.id = groupOf(state);
    this.#state = state;
    this.#journal = journal;
    this.#environment = environment;
  }

  /** A new group with this device alone in it, at epoch 0. @throws {HawserError} see `makeGroup`; MLS_NOT_SAVED */
  static async create(id: GroupId, device: DeviceKeys, store: GroupStore, environment: Environment): Promise<Group> {
    return Group.#begin(await makeGroup(id, device, environment), store, environment);
  }

  /** @param also stored together with the new state @throws {HawserError} see `joinByWelcome`; MLS_NOT_SAVED */
  static async join(parts: WelcomeParts, store: GroupStore, environment: Environment, also?: Changes): Promise<Group> {
    return Group.#begin(await joinByWelcome(parts, environment), store, environment, also);
  }

  /**
   * Joins by an external commit. Until `accepted`, or until the commit comes back by `receive`, the group can do nothing else. When another
   * commit wins, throw it away and begin again with the GroupInfo of the new epoch.
   * @throws {HawserError} see `prepareExternalJoin`; MLS_NOT_SAVED
   */
  static async joinExternally(parts: ExternalParts, store: GroupStore, environment: Environment): Promise<Group> {
    return Group.#begin(await prepareExternalJoin(parts, environment), store, environment);
  }

  /** From what the store holds. @throws {HawserError} MLS_STATE_UNREADABLE */
  static load(records: Records, store: GroupStore, environment: Environment): Group {
    const state = stateFrom(records);
    return new Group(state, new Journal(store, state), environment);
  }

  static async #begin(state: GroupState, store: GroupStore, environment: Environment, also?: Changes): Promise<Group> {
    const journal = new Journal(store);
    await journal.save(state, also);
    return new Group(state, journal, environment);
  }

  /** Undefined before an external commit is accepted. */
  get epoch(): bigint | undefined {
    return this.#state.current?.groupContext.epoch;
  }

  /** Whether this device is in the group now. */
  get isMember(): boolean {
    return this.#state.current?.groupActiveState.kind === 'active';
  }

  /** The place of this device. @throws {HawserError} MLS_NOT_MEMBER */
  get leafIndex(): number {
    return memberState(this.#state).privatePath.leafIndex;
  }

  /** From left to right. @throws {HawserError} MLS_NOT_MEMBER */
  get members(): readonly Member[] {
    return membersOf(memberState(this.#state).ratchetTree);
  }

  /** The signature key of each device, 32 bytes: what people compare. @throws {HawserError} MLS_NOT_MEMBER */
  get signatureKeys(): ReadonlyMap<DeviceId, Uint8Array> {
    const leaves = leavesOf(memberState(this.#state).ratchetTree);
    return new Map(leaves.map(({ leaf }) => [identityOf(leaf).device, leaf.signaturePublicKey.slice()]));
  }

  /** Under which names SFTs know the members, by leaf: in the group of a call. @throws {HawserError} MLS_NOT_MEMBER */
  get participants(): ReadonlyMap<number, ParticipantId> {
    return participantsIn(memberState(this.#state).ratchetTree);
  }

  /** Leaves that the tree has room for: what SFrame derives the width of a sender's index from. @throws {HawserError} MLS_NOT_MEMBER */
  get treeWidth(): number {
    return (memberState(this.#state).ratchetTree.length + 1) / 2;
  }

  /** Whether the hub proposed something that has to be committed before anything else is sent. */
  get hasProposals(): boolean {
    return Object.keys(this.#state.current?.unappliedProposals ?? {}).length > 0;
  }

  /** Leaves that the hub proposed to remove in this epoch. Nobody commits his own removal. */
  get leaving(): ReadonlySet<number> {
    const proposed = Object.values(this.#state.current?.unappliedProposals ?? {});
    return new Set(proposed.flatMap(({ proposal }) => ('remove' in proposal ? [proposal.remove.removed] : [])));
  }

  /** The own commit that waits for the hub's answer: after a start it is sent again. */
  get pending(): OutgoingCommit | undefined {
    return this.#state.pending && outgoing(this.#state.pending);
  }

  /**
   * Takes what the hub delivered. What `note` makes of it is stored with the state, so that the delivery may be acknowledged.
   * @param bytes an MLSMessage
   * @param at when the hub accepted it: see `Rules.at`
   * @throws {HawserError} any of the MLS codes; then nothing changed
   */
  receive(bytes: Uint8Array, note?: Note, at?: number): Promise<readonly Received[]> {
    const own = bytes.slice();
    return this.#step(() => receive(this.#state, own, { ...this.#environment, at }), note);
  }

  /**
   * An application message as bytes for the hub.
   * @param authenticatedData readable by the hub and protected from change
   * @param note stored with the state that cannot make the same message again
   * @throws {HawserError} MLS_NOT_MEMBER, MLS_PROPOSALS_PENDING, MLS_NOT_SAVED
   */
  async send(
    content: Uint8Array,
    authenticatedData: Uint8Array = new Uint8Array(),
    note?: (bytes: Uint8Array) => Changes,
  ): Promise<Uint8Array> {
    const [own, data] = [content.slice(), authenticatedData.slice()];
    let sent: Uint8Array = new Uint8Array();
    await this.#step(
      async () => {
        const { state, bytes, wipe: over } = await encryptMessage(this.#state, own, data, this.#environment);
        sent = bytes;
        return { state, received: [], wipe: over };
      },
      note && (() => note(sent)),
    );
    return sent;
  }

  /**
   * A commit for the hub; it changes nothing until the hub accepted it.
   * @param id a fresh request id
   * @throws {HawserError} see `prepareCommit`; MLS_NOT_SAVED
   */
  async commit(wishes: CommitWishes, id: string): Promise<OutgoingCommit> {
    let made: OutgoingCommit | undefined;
    await this.#step(async () => {
      const state = await prepareCommit(this.#state, wishes, id, this.#environment);
      made = state.pending && outgoing(state.pending);
      return { state, received: [], wipe: [] };
    });
    if (made === undefined) throw new HawserError('MLS_NO_PENDING_COMMIT');
    return made;
  }

  /** The hub accepted the commit of that id. @throws {HawserError} MLS_NO_PENDING_COMMIT, MLS_NOT_SAVED */
  accepted(id: string, note?: Note): Promise<readonly Received[]> {
    return this.#step(() => {
      this.#checkPending(id);
      return settleWaiting(adoptPending(this.#state, this.#environment), this.#environment);
    }, note);
  }

  /** The hub refused it, and not because another commit won: that one comes by `receive`. @throws {HawserError} as `accepted` */
  async refused(id: string): Promise<void> {
    await this.#step(async () => {
      this.#checkPending(id);
      return dropPending(this.#state);
    });
  }

  /** RFC 9420, section 8.5. Bytes of the current epoch. @throws {HawserError} MLS_NOT_MEMBER */
  export(label: string, context: Uint8Array, length: number): Promise<Uint8Array> {
    return this.#queue.run(() => {
      const { exporterSecret } = memberState(this.#state).keySchedule;
      return withLibrary(this.#environment, 'MLS_REFUSED', ({ cipherSuite }) =>
        mlsExporter(exporterSecret, label, context, length, cipherSuite),
      );
    });
  }

  /** RFC 9420, section 8.7: the same 32 bytes for all who see the same group; people can compare a code made of it. */
  get epochAuthenticator(): Uint8Array {
    return memberState(this.#state).keySchedule.epochAuthenticator.slice();
  }

  /** For the hub, where it asks for them again. @throws {HawserError} MLS_NOT_MEMBER */
  groupInfo(): Promise<Uint8Array> {
    return this.#queue.run(async () => groupInfoBytes(memberState(this.#state), this.#environment));
  }

  /** The tree of the current epoch, or of the one that the pending commit makes. @throws {HawserError} MLS_NOT_MEMBER */
  tree(of: 'current' | 'pending' = 'current'): Uint8Array {
    const { pending } = this.#state;
    if (of === 'current') return treeBytes(memberState(this.#state).ratchetTree);
    if (pending === undefined) throw new HawserError('MLS_NO_PENDING_COMMIT');
    return treeBytes(pending.next.ratchetTree);
  }

  /**
   * Members whose certificates have ended or were taken back. As long as there is one, nothing may be sent: see `Leaves`.
   * @throws {HawserError} MLS_NOT_MEMBER
   */
  lapsed(): Promise<readonly Member[]> {
    return lapsedIn(memberState(this.#state).ratchetTree, this.#environment);
  }

  /** Whether this device shows these certificates in the group; with others it should renew its leaf. @throws {HawserError} MLS_NOT_MEMBER */
  shows(certificates: readonly Uint8Array[]): boolean {
    const { ratchetTree, privatePath } = memberState(this.#state);
    const leaf = leafAt(ratchetTree, privatePath.leafIndex);
    const shown = leaf === undefined ? [] : certificatesIn(leaf);
    return (
      shown.length === certificates.length &&
      shown.every((each, index) => sameBytes(each, certificates[index] ?? new Uint8Array()))
    );
  }

  #checkPending(id: string): void {
    if (this.#state.pending?.id !== id) throw new HawserError('MLS_NO_PENDING_COMMIT');
  }

  #step(work: () => Promise<Step>, note?: Note): Promise<readonly Received[]> {
    return this.#queue.run(async () => {
      const { state, received, wipe: over } = forgetOld(await work(), this.#environment.now());
      await this.#journal.save(state, await note?.(received));
      this.#state = state;
      wipe(over);
      return received;
    });
  }
}
