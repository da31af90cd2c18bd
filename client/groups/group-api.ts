/** What the homeserver is asked about groups, as bytes. */

import type { OutgoingCommit } from '#mls/commit.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { Nothing } from '#signalling/contract.ts';
import { Authority, Claimed } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { GroupState, GroupTree, JoinAnswer, TakenCommit } from '#signalling/groups.ts';
import type { DeviceId, DomainName, GroupId, RoomId, UserId } from '#signalling/ids.ts';
import { Delivery, type Entry, MAX_DELIVERED } from '#signalling/queue.ts';
import type { Account } from '../account.ts';
import type { Inbox } from '../inbox.ts';

export interface FetchedGroup {
  readonly group: GroupId;
  readonly groupInfo: Uint8Array;
  readonly tree: Uint8Array;
}

export interface FetchedAuthority {
  /** DER */
  readonly roots: readonly Uint8Array[];
  readonly revocations: readonly Uint8Array[];
  /** Ed25519, 32 bytes. */
  readonly hub: Uint8Array;
}

export interface ClaimedKeyPackage {
  readonly device: DeviceId;
  /** An MLSMessage. */
  readonly keyPackage: Uint8Array;
}

/** Resolves when everything that waits for this device at this moment is taken. @throws HawserError as `Inbox.reached` */
export async function untilTaken(
  api: Pick<GroupApi, 'entries'>,
  inbox: Pick<Inbox, 'position' | 'reached'>,
): Promise<void> {
  for (;;) {
    const entries = await api.entries(inbox.position);
    const last = entries.at(-1);
    if (!last) return;
    await inbox.reached(last.position);
    if (entries.length < MAX_DELIVERED) return;
  }
}

export class GroupApi {
  readonly #account: Pick<Account, 'call'>;

  constructor(account: Pick<Account, 'call'>) {
    this.#account = account;
  }

  /** @throws HawserError HOME_GROUP_EXISTS */
  async create(room: RoomId, { group, groupInfo, tree }: FetchedGroup): Promise<void> {
    const body = { group, groupInfo: toBase64Url(groupInfo), tree: toBase64Url(tree) };
    await this.#account.call({ method: 'POST', path: groupPath(room), body, answer: GroupState });
  }

  /** @throws HawserError HOME_NO_GROUP */
  async state(room: RoomId): Promise<FetchedGroup> {
    return fetched(await this.#account.call({ method: 'GET', path: groupPath(room), answer: GroupState }));
  }

  /**
   * Into the group of a call. Undefined where it is let in with others, by a Welcome to this key package.
   * @throws HawserError HOME_NO_GROUP
   */
  async join(room: RoomId, keyPackage: Uint8Array): Promise<FetchedGroup | undefined> {
    const body = { keyPackage: toBase64Url(keyPackage) };
    const path = `${groupPath(room)}/joins`;
    const { state } = await this.#account.call({ method: 'POST', path, body, answer: JoinAnswer });
    return state && fetched(state);
  }

  /** @throws HawserError HOME_NOT_FOUND where it is not kept any more */
  async tree(room: RoomId, epoch: bigint): Promise<Uint8Array> {
    const path = `${groupPath(room)}/trees/${epoch}`;
    return bytesOf((await this.#account.call({ method: 'GET', path, answer: GroupTree })).tree);
  }

  /** @throws HawserError MLS_EPOCH_PAST where another commit was first, MLS_PROPOSALS_PENDING */
  commit(room: RoomId, { id, commit, groupInfo, welcome }: OutgoingCommit): Promise<TakenCommit> {
    const body = {
      id,
      commit: toBase64Url(commit),
      groupInfo: toBase64Url(groupInfo),
      ...(welcome && { welcome: toBase64Url(welcome) }),
    };
    return this.#account.call({
      method: 'POST',
      path: `${groupPath(room)}/commits`,
      body,
      answer: TakenCommit,
    });
  }

  /** Resolves when it is this device's turn to commit; asked for after a lost race. @throws HawserError HOME_SLOW_DOWN */
  async turn(room: RoomId): Promise<void> {
    await this.#account.call({ method: 'POST', path: `${groupPath(room)}/turns`, body: {}, answer: Nothing });
  }

  async endTurn(room: RoomId): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: `${groupPath(room)}/turns` });
  }

  /** What waits for this device behind a position, in order; as much as the homeserver gives at once. */
  async entries(after: number): Promise<readonly Entry[]> {
    return (await this.#account.call({ method: 'GET', path: `queue?after=${after}`, answer: Delivery })).entries;
  }

  /** One key package of each device of a person, but this one. */
  async claim(user: UserId): Promise<ClaimedKeyPackage[]> {
    const answer = await this.#account.call({
      method: 'POST',
      path: 'key-packages/claim',
      body: { user },
      answer: Claimed,
    });
    return answer.keyPackages.map(({ device, keyPackage }) => ({ device, keyPackage: bytesOf(keyPackage) }));
  }

  async authority(domain: DomainName): Promise<FetchedAuthority> {
    const path = `authorities/${encodeURIComponent(domain)}`;
    const { roots, revocations, hub } = await this.#account.call({ method: 'GET', path, answer: Authority });
    return { roots: roots.map(bytesOf), revocations: revocations.map(bytesOf), hub: bytesOf(hub) };
  }
}

function fetched({ group, groupInfo, tree }: GroupState): FetchedGroup {
  return { group, groupInfo: bytesOf(groupInfo), tree: bytesOf(tree) };
}

function groupPath(room: RoomId): string {
  return `conversations/${encodeURIComponent(room)}/group`;
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (!bytes) throw new HawserError('SIG_SCHEMA', 'base64url');
  return bytes;
}
