/**
 * The state as records of a key-value store, so that each step writes what it changed and no more. A message writes the ratchet of its
 * sender (some 200 bytes); a commit writes the tree of the new epoch once (1.3 MB for 1,000 members) and no message ever does.
 *
 * | key | value | changes |
 * | --- | --- | --- |
 * | `status` | version, whether this device is a member, current epoch | at a commit |
 * | `keys` | key schedule, private keys of the path, signature key | at a commit |
 * | `proposals` | what the hub proposed in this epoch | at a proposal |
 * | `epoch/<n>/context` | GroupContext | never |
 * | `epoch/<n>/tree` | the tree, current epoch only | never |
 * | `epoch/<n>/leaves` | past epochs: the leaves that differ from the epoch after it, and when it ended | never |
 * | `epoch/<n>/seed/<node>`, `epoch/<n>/ratchet/<node>` | parts of the secret tree | at a message |
 * | `pending` | own commit without an answer | at a commit |
 * | `waiting/<n>/<i>` | a message that came early | when it comes and goes |
 *
 * The values hold secrets in the clear; whoever stores them encrypts them. This file knows no library but the encoders.
 */
import { type ClientState, clientStateEncoder, encode, type RatchetTree } from 'ts-mls';
import { uint32Encoder, uint64Encoder } from 'ts-mls/internal/codec/number.js';
import { optionalEncoder } from 'ts-mls/internal/codec/optional.js';
import { composeBufferEncoders } from 'ts-mls/internal/codec/tlsEncoder.js';
import { varLenDataEncoder, varLenTypeEncoder } from 'ts-mls/internal/codec/variableLength.js';
import { groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { keyScheduleEncoder } from 'ts-mls/internal/keySchedule.js';
import { leafNodeEncoder } from 'ts-mls/internal/leafNode.js';
import { privateKeyPathEncoder } from 'ts-mls/internal/privateKeyPath.js';
import { type SecretTree, secretTreeEncoder } from 'ts-mls/internal/secretTree.js';
import { unappliedProposalsEncoder } from 'ts-mls/internal/unappliedProposals.js';
import { utf8 } from './bytes.ts';
import type { PastEpoch } from './past.ts';
import type { GroupState, Pending } from './state.ts';
import { leafAt, treeBytes } from './wire.ts';

export const VERSION = 1;

/** One record: the value that it stands for, by which a change is recognised, and how to write it. */
export interface RecordPart {
  readonly source: unknown;
  readonly write: () => Uint8Array;
}

export type RecordParts = ReadonlyMap<string, RecordPart>;

/** The records of a state. Nothing is encoded before `write` is called. */
export function recordsOf(state: GroupState): RecordParts {
  const parts = new Map<string, RecordPart>();
  const { current, past, pending, waiting } = state;
  if (current !== undefined) putCurrent(parts, current);
  else parts.set('status', { source: undefined, write: () => statusBytes(false, 0n) });
  let newer = current?.ratchetTree ?? [];
  for (const [epoch, each] of [...past].sort(([a], [b]) => (a < b ? 1 : -1))) {
    putPast(parts, epoch, each, newer);
    newer = each.data.ratchetTree;
  }
  if (pending !== undefined) parts.set('pending', { source: pending, write: () => pendingBytes(pending) });
  for (const [epoch, messages] of waiting) {
    for (const [index, message] of messages.entries()) {
      parts.set(`waiting/${epoch}/${index}`, { source: message, write: () => message });
    }
  }
  return parts;
}

function putCurrent(parts: Map<string, RecordPart>, current: ClientState): void {
  const { groupContext, ratchetTree, secretTree, keySchedule, groupActiveState, unappliedProposals } = current;
  const { epoch } = groupContext;
  const active = groupActiveState.kind === 'active';
  parts.set('status', { source: `${active} ${epoch}`, write: () => statusBytes(active, epoch) });
  parts.set('keys', {
    source: keySchedule,
    write: () =>
      encode(composeBufferEncoders([keyScheduleEncoder, privateKeyPathEncoder, varLenDataEncoder, varLenDataEncoder]), [
        keySchedule,
        current.privatePath,
        current.signaturePrivateKey,
        current.confirmationTag,
      ]),
  });
  parts.set('proposals', {
    source: unappliedProposals,
    write: () => encode(unappliedProposalsEncoder, unappliedProposals),
  });
  parts.set(`epoch/${epoch}/context`, { source: groupContext, write: () => encode(groupContextEncoder, groupContext) });
  parts.set(`epoch/${epoch}/tree`, { source: ratchetTree, write: () => treeBytes(ratchetTree) });
  putSecretTree(parts, epoch, secretTree);
}

function putPast(
  parts: Map<string, RecordPart>,
  epoch: bigint,
  { data, endedAt }: PastEpoch,
  newer: RatchetTree,
): void {
  const { groupContext, ratchetTree, secretTree, senderDataSecret } = data;
  parts.set(`epoch/${epoch}/context`, { source: groupContext, write: () => encode(groupContextEncoder, groupContext) });
  parts.set(`epoch/${epoch}/leaves`, {
    source: ratchetTree,
    write: () =>
      encode(composeBufferEncoders([uint64Encoder, varLenDataEncoder, uint32Encoder, differencesEncoder]), [
        BigInt(endedAt),
        senderDataSecret,
        ratchetTree.length,
        differences(ratchetTree, newer),
      ]),
  });
  putSecretTree(parts, epoch, secretTree);
}

const differencesEncoder = varLenTypeEncoder(composeBufferEncoders([uint32Encoder, optionalEncoder(leafNodeEncoder)]));

/** The leaves of a tree that are not those of the epoch after it. By identity: unchanged leaves are shared. */
function differences(tree: RatchetTree, newer: RatchetTree) {
  const changed: [number, ReturnType<typeof leafAt>][] = [];
  for (let index = 0; index * 2 < tree.length; index++) {
    const leaf = leafAt(tree, index);
    if (leaf !== leafAt(newer, index)) changed.push([index, leaf]);
  }
  return changed;
}

function putSecretTree(parts: Map<string, RecordPart>, epoch: bigint, { leafWidth, ...tree }: SecretTree): void {
  for (const [node, seed] of Object.entries(tree.intermediateNodes)) {
    parts.set(`epoch/${epoch}/seed/${node}`, { source: seed, write: () => seed });
  }
  for (const [node, ratchet] of Object.entries(tree.leafNodes)) {
    const alone: SecretTree = { leafWidth, intermediateNodes: {}, leafNodes: { [node]: ratchet } };
    parts.set(`epoch/${epoch}/ratchet/${node}`, { source: ratchet, write: () => encode(secretTreeEncoder, alone) });
  }
}

function statusBytes(active: boolean, epoch: bigint): Uint8Array {
  return encode(composeBufferEncoders([uint32Encoder, uint32Encoder, uint64Encoder]), [VERSION, active ? 1 : 0, epoch]);
}

function pendingBytes({ id, commit, welcome, groupInfo, next, plan }: Pending): Uint8Array {
  const blobs = composeBufferEncoders([varLenDataEncoder, varLenDataEncoder, varLenDataEncoder, varLenDataEncoder]);
  return encode(composeBufferEncoders([blobs, varLenDataEncoder, clientStateEncoder]), [
    [utf8(id), commit, welcome ?? new Uint8Array(), groupInfo],
    utf8(JSON.stringify(planJson(plan))),
    next,
  ]);
}

/** The plan names devices and places only; the rest of an identity follows from the device. */
function planJson({ external, by, joined, left }: Pending['plan']) {
  return {
    external,
    by: by.device,
    joined: joined.map(({ device }) => device),
    left: left.map(({ leafIndex, identity }) => [leafIndex, identity.device]),
  };
}
