/** Groups in the database. */

import { setImmediate as breathe } from 'node:timers/promises';
import type { Changes } from '#mls/journal.ts';
import { membersOf } from '#mls/members.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import { membersIn, type PublicGroup } from '#mls/public-group.ts';
import { readPublicGroup, writePublicGroup } from '#mls/public-records.ts';
import { parseTree } from '#mls/wire.ts';
import type { DeviceId, GroupId, RoomId } from '#signalling/ids.ts';
import { inLists, inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';

/** Commits that are remembered by their request's id. */
const KEPT_COMMITS = 16;
/** How long the tree to a Welcome is kept, ms; whoever comes later joins by himself. */
const TREE_LIFE = 3_600_000;

export async function groupOf(db: Db, room: RoomId): Promise<GroupId | undefined> {
  const row = await db.selectFrom('groups').select('group_id').where('conversation_id', '=', room).executeTakeFirst();
  return row?.group_id;
}

/** @throws HawserError MLS_STATE_UNREADABLE */
export async function loadGroup(db: Db, group: GroupId): Promise<PublicGroup> {
  const rows = await db.selectFrom('group_records').select(['key', 'value']).where('group_id', '=', group).execute();
  const records = new Map(rows.map(({ key, value }) => [key, new Uint8Array(Buffer.from(value, 'base64url'))]));
  // SQLite answers in the same turn of the event loop, and a group of 1,500 devices takes a tenth of a second.
  return readPublicGroup(records, nodeEngine, breathe);
}

export async function insertGroup(tx: Db, room: RoomId, group: PublicGroup, now: number): Promise<void> {
  await tx
    .insertInto('groups')
    .values({ group_id: group.id, conversation_id: room, epoch: Number(group.epoch), created_at: now })
    .execute();
  await saveRecords(tx, group.id, writePublicGroup(group));
  await saveDevices(tx, group, []);
}

/** Makes `after` of `before`. False where another commit was first: then nothing was written. */
export async function updateGroup(tx: Db, before: PublicGroup, after: PublicGroup): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('groups')
    .set({ epoch: Number(after.epoch) })
    .where('group_id', '=', after.id)
    .where('epoch', '=', Number(before.epoch))
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) return false;
  await saveRecords(tx, after.id, writePublicGroup(after, before));
  if (after.epoch !== before.epoch) await saveDevices(tx, after, devicesIn(before));
  return true;
}

/** With everything that hangs on it, and the counts of what was said in its room. */
export async function deleteGroup(tx: Db, group: GroupId, room: RoomId): Promise<void> {
  await tx.deleteFrom('groups').where('group_id', '=', group).execute();
  await tx.deleteFrom('sent_numbers').where('conversation_id', '=', room).execute();
}

export function devicesIn(group: PublicGroup): DeviceId[] {
  return membersIn(group).map(({ identity }) => identity.device);
}

/** @param tree base64url, of a group of this hub */
export function devicesInTree(tree: string): DeviceId[] {
  return membersOf(parseTree(new Uint8Array(Buffer.from(tree, 'base64url')))).map(({ identity }) => identity.device);
}

export async function devicesOf(db: Db, group: GroupId): Promise<DeviceId[]> {
  const rows = await db.selectFrom('group_devices').select('device_id').where('group_id', '=', group).execute();
  return rows.map(({ device_id }) => device_id);
}

/** Devices that get nothing of the group any more although they are in it: their people were taken out, and may be back. */
export async function putOutOf(db: Db, group: GroupId): Promise<Set<DeviceId>> {
  const rows = await db
    .selectFrom('group_devices')
    .select('device_id')
    .where('group_id', '=', group)
    .where('put_out', '=', 1)
    .execute();
  return new Set(rows.map(({ device_id }) => device_id));
}

export async function setPutOut(tx: Db, group: GroupId, devices: readonly DeviceId[], isOut: boolean): Promise<void> {
  for (const part of inLists(devices)) {
    await tx
      .updateTable('group_devices')
      .set({ put_out: isOut ? 1 : 0 })
      .where('group_id', '=', group)
      .where('device_id', 'in', part)
      .execute();
  }
}

/** Groups in which a device is. */
export async function groupsWith(db: Db, device: DeviceId): Promise<GroupId[]> {
  const rows = await db.selectFrom('group_devices').select('group_id').where('device_id', '=', device).execute();
  return rows.map(({ group_id }) => group_id);
}

/** A device that is gone sends nothing any more. */
export async function forgetSender(db: Db, device: DeviceId): Promise<void> {
  await db.deleteFrom('sent_numbers').where('device_id', '=', device).execute();
}

export async function roomOf(db: Db, group: GroupId): Promise<RoomId | undefined> {
  const row = await db.selectFrom('groups').select('conversation_id').where('group_id', '=', group).executeTakeFirst();
  return row?.conversation_id;
}

export async function rememberCommit(
  tx: Db,
  group: GroupId,
  epoch: number,
  id: string,
  position: number,
): Promise<void> {
  await tx.insertInto('group_commits').values({ group_id: group, epoch, id, position }).execute();
  await tx
    .deleteFrom('group_commits')
    .where('group_id', '=', group)
    .where('epoch', '<=', epoch - KEPT_COMMITS)
    .execute();
}

export async function knownCommit(db: Db, group: GroupId, id: string) {
  return db
    .selectFrom('group_commits')
    .select(['position', 'epoch'])
    .where('group_id', '=', group)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** @param tree base64url */
export async function keepTree(tx: Db, group: GroupId, epoch: number, tree: string, now: number): Promise<void> {
  await tx
    .insertInto('group_trees')
    .values({ group_id: group, epoch, tree, expires_at: now + TREE_LIFE })
    .execute();
}

export async function keptTree(db: Db, group: GroupId, epoch: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('group_trees')
    .select('tree')
    .where('group_id', '=', group)
    .where('epoch', '=', epoch)
    .executeTakeFirst();
  return row?.tree;
}

export async function sweepTrees(db: Db, now: number): Promise<void> {
  await db.deleteFrom('group_trees').where('expires_at', '<=', now).execute();
}

/** In few statements: a commit that takes a whole domain out changes thousands of records. */
async function saveRecords(tx: Db, group: GroupId, changes: Changes): Promise<void> {
  const gone: string[] = [];
  const kept: { group_id: GroupId; key: string; value: string }[] = [];
  for (const [key, bytes] of changes) {
    if (bytes === undefined) gone.push(key);
    else kept.push({ group_id: group, key, value: Buffer.from(bytes).toString('base64url') });
  }
  for (const part of inLists(gone)) {
    await tx.deleteFrom('group_records').where('group_id', '=', group).where('key', 'in', part).execute();
  }
  for (const part of inParts(kept)) {
    await tx
      .insertInto('group_records')
      .values(part)
      .onConflict((c) => c.columns(['group_id', 'key']).doUpdateSet((e) => ({ value: e.ref('excluded.value') })))
      .execute();
  }
}

async function saveDevices(tx: Db, group: PublicGroup, before: readonly DeviceId[]): Promise<void> {
  const [old, now] = [new Set(before), new Set(devicesIn(group))];
  for (const part of inLists([...old.difference(now)])) {
    await tx.deleteFrom('group_devices').where('group_id', '=', group.id).where('device_id', 'in', part).execute();
  }
  for (const part of inParts([...now.difference(old)])) {
    const rows = part.map((device_id) => ({ group_id: group.id, device_id }));
    await tx.insertInto('group_devices').values(rows).execute();
  }
}
