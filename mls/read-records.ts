/** From the records of a store back to the state; the other half of `records.ts`. */
import { type ClientState, clientStateDecoder, type Decoder, decode, nodeTypes, type RatchetTree } from 'ts-mls';
import { uint32Decoder, uint64Decoder } from 'ts-mls/internal/codec/number.js';
import { optionalDecoder } from 'ts-mls/internal/codec/optional.js';
import { mapDecoders } from 'ts-mls/internal/codec/tlsDecoder.js';
import { varLenDataDecoder, varLenTypeDecoder } from 'ts-mls/internal/codec/variableLength.js';
import { groupContextDecoder } from 'ts-mls/internal/groupContext.js';
import { keyScheduleDecoder } from 'ts-mls/internal/keySchedule.js';
import { leafNodeDecoder } from 'ts-mls/internal/leafNode.js';
import { privateKeyPathDecoder } from 'ts-mls/internal/privateKeyPath.js';
import { ratchetTreeDecoder } from 'ts-mls/internal/ratchetTree.js';
import { type SecretTree, secretTreeDecoder } from 'ts-mls/internal/secretTree.js';
import { unappliedProposalsDecoder } from 'ts-mls/internal/unappliedProposals.js';
import { HawserError } from '#signalling/errors.ts';
import { parseDeviceId } from '#signalling/ids.ts';
import { textOf } from './bytes.ts';
import { identityOfDevice } from './identity.ts';
import type { PastEpoch } from './past.ts';
import { VERSION } from './records.ts';
import { type GroupState, NO_HISTORY, type Pending } from './state.ts';

export type Records = ReadonlyMap<string, Uint8Array>;

/** @throws {HawserError} MLS_STATE_UNREADABLE */
export function stateFrom(records: Records): GroupState {
  try {
    return read(records);
  } catch (error) {
    if (error instanceof HawserError && error.code === 'MLS_STATE_UNREADABLE') throw error;
    throw new HawserError('MLS_STATE_UNREADABLE', undefined, { cause: error });
  }
}

function read(records: Records): GroupState {
  const [version, active, epoch] = get(records, 'status', statusDecoder);
  if (version !== VERSION) throw new HawserError('MLS_STATE_UNREADABLE', 'another version wrote it');
  const pending = records.has('pending') ? pendingFrom(get(records, 'pending', pendingDecoder)) : undefined;
  const waiting = new Map<bigint, Uint8Array[]>();
  for (const [key, message] of inOrder(records, 'waiting/')) {
    const of = BigInt(key[1] ?? '');
    waiting.set(of, [...(waiting.get(of) ?? []), message.slice()]);
  }
  if (!records.has('keys')) return { current: undefined, past: new Map(), pending, waiting };
  const current = currentFrom(records, active === 1, epoch);
  return { current, past: pastFrom(records, current), pending, waiting };
}

const statusDecoder = mapDecoders([uint32Decoder, uint32Decoder, uint64Decoder], (...all) => all);
const keysDecoder = mapDecoders(
  [keyScheduleDecoder, privateKeyPathDecoder, varLenDataDecoder, varLenDataDecoder],
  (...all) => all,
);

function currentFrom(records: Records, active: boolean, epoch: bigint): ClientState {
  const [keySchedule, privatePath, signaturePrivateKey, confirmationTag] = get(records, 'keys', keysDecoder);
  const ratchetTree = get(records, `epoch/${epoch}/tree`, ratchetTreeDecoder);
  return {
    groupContext: get(records, `epoch/${epoch}/context`, groupContextDecoder),
    ratchetTree,
    secretTree: secretTreeFrom(records, epoch, ratchetTree.length),
    keySchedule,
    privatePath,
    signaturePrivateKey,
    confirmationTag,
    unappliedProposals: get(records, 'proposals', unappliedProposalsDecoder),
    historicalReceiverData: NO_HISTORY,
    groupActiveState: { kind: active ? 'active' : 'removedFromGroup' },
  };
}

/** A million leaves. */
const MAX_NODES = 1 << 21;

const pastDecoder = mapDecoders(
  [
    uint64Decoder,
    varLenDataDecoder,
    uint32Decoder,
    varLenTypeDecoder(mapDecoders([uint32Decoder, optionalDecoder(leafNodeDecoder)], (...all) => all)),
  ],
  (...all) => all,
);

/** Backwards from the current epoch, as each is stored as its difference from the one after it. */
function pastFrom(records: Records, current: ClientState): Map<bigint, PastEpoch> {
  const past = new Map<bigint, PastEpoch>();
  let newer = current.ratchetTree;
  for (let epoch = current.groupContext.epoch - 1n; records.has(`epoch/${epoch}/leaves`); epoch--) {
    const [endedAt, senderDataSecret, width, changed] = get(records, `epoch/${epoch}/leaves`, pastDecoder);
    if (width > MAX_NODES) throw new Error('a tree of a past epoch');
    // Reading messages takes leaves only, so that no parent of a past epoch is kept.
    const ratchetTree: RatchetTree = Array.from({ length: width }, (_, index) =>
      index % 2 === 0 ? newer[index] : undefined,
    );
    for (const [index, leaf] of changed) {
      ratchetTree[index * 2] = leaf === undefined ? undefined : { nodeType: nodeTypes.leaf, leaf };
    }
    const groupContext = get(records, `epoch/${epoch}/context`, groupContextDecoder);
    const secretTree = secretTreeFrom(records, epoch, width);
    const data = { groupContext, ratchetTree, secretTree, senderDataSecret, resumptionPsk: new Uint8Array() };
    past.set(epoch, { data, endedAt: Number(endedAt) });
    newer = ratchetTree;
  }
  return past;
}

function secretTreeFrom(records: Records, epoch: bigint, nodes: number): SecretTree {
  const tree: SecretTree = { leafWidth: (nodes + 1) / 2, intermediateNodes: {}, leafNodes: {} };
  for (const [key, seed] of inOrder(records, `epoch/${epoch}/seed/`)) {
    tree.intermediateNodes[Number(key[3])] = seed.slice();
  }
  for (const [key] of inOrder(records, `epoch/${epoch}/ratchet/`)) {
    Object.assign(tree.leafNodes, get(records, key.join('/'), secretTreeDecoder).leafNodes);
  }
  return tree;
}

const pendingDecoder = mapDecoders(
  [varLenDataDecoder, varLenDataDecoder, varLenDataDecoder, varLenDataDecoder, varLenDataDecoder, clientStateDecoder],
  (...all) => all,
);

function pendingFrom([id, commit, welcome, groupInfo, plan, next]: DecodedPending): Pending {
  return {
    id: textOf(id) ?? '',
    commit,
    welcome: welcome.length === 0 ? undefined : welcome,
    groupInfo,
    next: { ...next, historicalReceiverData: NO_HISTORY },
    plan: planFrom(JSON.parse(textOf(plan) ?? '')),
  };
}

type DecodedPending = typeof pendingDecoder extends Decoder<infer T> ? T : never;

function planFrom(json: {
  external: boolean;
  by: string;
  joined: string[];
  left: [number, string][];
}): Pending['plan'] {
  return {
    external: json.external,
    by: identityNamed(json.by),
    joined: json.joined.map(identityNamed),
    left: json.left.map(([leafIndex, device]) => ({ leafIndex, identity: identityNamed(device) })),
  };
}

function identityNamed(text: string) {
  const device = parseDeviceId(text);
  if (device === undefined) throw new Error('a device');
  return identityOfDevice(device);
}

function get<T>(records: Records, key: string, decoder: Decoder<T>): T {
  const bytes = records.get(key);
  // A copy, because what is decoded are views, and secrets in it are overwritten in their time.
  const value = bytes && decode(decoder, bytes.slice());
  if (value === undefined) throw new HawserError('MLS_STATE_UNREADABLE', key.replaceAll(/\d+/g, 'n'));
  return value;
}

/** The records under a prefix with their keys in parts, in the order of the last part, which is a number. */
function inOrder(records: Records, prefix: string): [readonly string[], Uint8Array][] {
  return [...records]
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]): [string[], Uint8Array] => [key.split('/'), value])
    .sort(([a], [b]) => Number(a.at(-1)) - Number(b.at(-1)));
}
