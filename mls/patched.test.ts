/**
 * One test for each mend of `patches/ts-mls`: each fails on the library as npm has it, and says which patch is missing. The library is
 * called here without our guards, which would hide its faults.
 */
import { createRequire } from 'node:module';
import {
  type ClientState,
  contentTypes,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPub,
  defaultExtensionTypes,
  defaultProposalTypes,
  encode,
  type GroupContextExtension,
  generateKeyPackageWithKey,
  joinGroup,
  joinGroupExternal,
  type KeyPackage,
  type MlsContext,
  type MlsFramedMessage,
  mlsMessageDecoder,
  mlsMessageEncoder,
  nodeTypes,
  type PrivateKeyPackage,
  type Proposal,
  processMessage,
  proposeExternal,
  type RatchetTree,
  unsafeTestingAuthenticationService,
} from 'ts-mls';
import { validateRatchetTree } from 'ts-mls/internal/clientState.js';
import { initializeEpoch } from 'ts-mls/internal/keySchedule.js';
import { calculateParentHash, verifyParentHashes } from 'ts-mls/internal/parentHash.js';
import { encryptSenderData } from 'ts-mls/internal/privateMessage.js';
import { addLeafNodeMutable } from 'ts-mls/internal/ratchetTree.js';
import { reuseGuardDecoder } from 'ts-mls/internal/sender.js';
import { treeHashRoot } from 'ts-mls/internal/treeHash.js';
import { toLeafIndex, toNodeIndex } from 'ts-mls/internal/treemath.js';
import { createUpdatePath } from 'ts-mls/internal/updatePath.js';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES, cipherSuite } from './suite.ts';
import { byValue, commitWithWrongKey, publicly, signedCommit, withProposal } from './testing/attacker.ts';
import { toHex } from './testing/hex.ts';

const cs = await cipherSuite();
const context: MlsContext = { cipherSuite: cs, authService: unsafeTestingAuthenticationService };
const LIFETIME = { notBefore: 0n, notAfter: 1n << 40n };

interface Device {
  readonly keyPackage: KeyPackage;
  readonly privateKeys: PrivateKeyPackage;
  readonly keys: { signKey: Uint8Array; publicKey: Uint8Array };
}

async function device(keys?: Device['keys']): Promise<Device> {
  const signatureKeyPair = keys ?? (await cs.signature.keygen());
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey({
    credential: { credentialType: 1, identity: new Uint8Array() },
    capabilities: { ...CAPABILITIES, credentials: [1] },
    lifetime: LIFETIME,
    extensions: [],
    signatureKeyPair,
    cipherSuite: cs,
  });
  return { keyPackage: publicPackage, privateKeys: privatePackage, keys: signatureKeyPair };
}

async function create(extensions: GroupContextExtension[] = []): Promise<ClientState> {
  const { keyPackage, privateKeys } = await device();
  return createGroup({ context, groupId: new Uint8Array(16), keyPackage, privateKeyPackage: privateKeys, extensions });
}

const add = ({ keyPackage }: Device): Proposal => ({ proposalType: defaultProposalTypes.add, add: { keyPackage } });
const remove = (removed: number): Proposal => ({ proposalType: defaultProposalTypes.remove, remove: { removed } });

const commit = (state: ClientState, ...extraProposals: Proposal[]) =>
  createCommit({ context, state, extraProposals, wireAsPublicMessage: true });

async function process(state: ClientState, message: MlsFramedMessage): Promise<ClientState> {
  // As it would come over the network: commits hand out objects that share parts with the committer's state.
  const copy = mlsMessageDecoder(encode(mlsMessageEncoder, message), 0)?.[0];
  if (!copy || !('publicMessage' in copy || 'privateMessage' in copy)) throw new Error('not a message');
  return (await processMessage({ context, state, message: copy })).newState;
}

/** A group of that many members, all in one epoch; the first commits everything. */
async function group(size: number): Promise<ClientState[]> {
  const states = [await create()];
  for (let joined = 1; joined < size; joined++) await grow(states);
  return states;
}

/** The first member adds one. */
async function grow(states: ClientState[]): Promise<void> {
  const [first] = states;
  if (first === undefined) throw new Error('an empty group');
  const joiner = await device();
  const result = await commit(first, add(joiner));
  for (const [index, state] of states.entries()) {
    states[index] = index === 0 ? result.newState : await process(state, result.commit);
  }
  states.push(await welcomed(result, joiner));
}

async function welcomed(
  { newState, welcome }: Awaited<ReturnType<typeof commit>>,
  joiner: Device,
): Promise<ClientState> {
  if (welcome === undefined) throw new Error('no Welcome');
  const { keyPackage, privateKeys } = joiner;
  return joinGroup({ context, welcome: welcome.welcome, keyPackage, privateKeys, ratchetTree: newState.ratchetTree });
}

function at<T>(list: readonly (T | undefined)[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no ${index}`);
  return found;
}

const authenticator = (state: ClientState) => toHex(state.keySchedule.epochAuthenticator);

/** Members 0, 1 and 2 renewed their keys, so that the tree has parents; then one more was added. */
async function churned(): Promise<ClientState[]> {
  const states = await group(3);
  for (const committer of [0, 1, 2]) {
    const result = await commit(at(states, committer));
    for (const [index, state] of states.entries()) {
      states[index] = index === committer ? result.newState : await process(state, result.commit);
    }
  }
  return states;
}

describe('01-unmerged-leaves', () => {
  it('joins a churned tree', async () => {
    const states: (ClientState | undefined)[] = await group(8);
    const everybody = async (committer: number, ...proposals: Proposal[]) => {
      const result = await commit(at(states, committer), ...proposals);
      for (const [index, state] of states.entries()) {
        if (state !== undefined)
          states[index] = index === committer ? result.newState : await process(state, result.commit);
      }
      return result;
    };
    states[1] = undefined;
    await everybody(0, remove(1));
    states[6] = undefined;
    await everybody(0, remove(6));
    await everybody(2);
    await everybody(4);
    // Both halves of the tree have a parent and a free leaf below it. The first newcomer is unmerged in his half and at the root, the
    // second in the other half and at the root, so that no two of these lists are the same.
    for (const place of [1, 6]) {
      const joiner = await device();
      states[place] = await welcomed(await everybody(0, add(joiner)), joiner);
    }
    expect(new Set(states.map((state) => state && authenticator(state))).size).toBe(1);
  });

  it('refuses an unmerged leaf outside the tree', async () => {
    const { ratchetTree, groupContext } = at(await churned(), 0);
    const forged: RatchetTree = ratchetTree.map((node) =>
      node?.nodeType === nodeTypes.parent ? { ...node, parent: { ...node.parent, unmergedLeaves: [99] } } : node,
    );
    const life = { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false };
    const { authService } = context;
    const error = await validateRatchetTree(forged, groupContext, life, authService, groupContext.treeHash, cs);
    expect(error?.message).toContain('Unmerged leaf');
  });
});

describe('02-external-pub', () => {
  it('writes external_pub with its inner length', async () => {
    const state = await create();
    const info = await createGroupInfoWithExternalPub(state, [], cs);
    const extension = info.extensions.find((each) => each.extensionType === defaultExtensionTypes.external_pub);
    const { publicKey } = await cs.hpke.deriveKeyPair(state.keySchedule.externalSecret);
    const key = await cs.hpke.exportPublicKey(publicKey);
    expect(extension?.extensionData).toEqual(Uint8Array.of(key.length, ...key));
    const { keyPackage, privateKeys } = await device();
    const tree = state.ratchetTree;
    const joined = await joinGroupExternal({ context, groupInfo: info, keyPackage, privateKeys, tree, resync: false });
    const message = publicly(joined.publicMessage);
    expect(authenticator(await process(state, message))).toBe(authenticator(joined.newState));
  });
});

describe('03-sender', () => {
  it('says who sent an application message', async () => {
    const states = await group(3);
    const sent = await createApplicationMessage({ context, state: at(states, 2), message: Uint8Array.of(1) });
    const now = await processMessage({ context, state: at(states, 0), message: sent.message });
    expect(now).toMatchObject({ kind: 'applicationMessage', senderLeafIndex: 2 });
    const later = await process(at(states, 0), (await commit(at(states, 1))).commit);
    const late = await processMessage({ context, state: later, message: sent.message });
    expect(late).toMatchObject({ kind: 'applicationMessage', senderLeafIndex: 2 });
  });
});

describe('04-path-required', () => {
  it('sends a path with a single removal', async () => {
    const states = await group(3);
    const { commit: message, newState } = await commit(at(states, 0), remove(2));
    expect('publicMessage' in message && message.publicMessage.content).toMatchObject({ commit: { path: {} } });
    expect(authenticator(await process(at(states, 1), message))).toBe(authenticator(newState));
    // Whoever was removed must not come to the keys of the epoch without him.
    const follows = await process(at(states, 2), message).then(authenticator, () => 'refused');
    expect(follows).not.toBe(authenticator(newState));
  });

  it('refuses a single removal without a path', async () => {
    const [alice, bob] = await group(3);
    if (alice === undefined || bob === undefined) throw new Error('no group');
    const message = await signedCommit(alice, { proposals: [byValue(remove(2))], path: undefined });
    await expect(process(bob, message)).rejects.toThrow('Update path is required');
  });
});

describe('05-external-senders', () => {
  it('writes external_senders as a vector', async () => {
    const hub = await cs.signature.keygen();
    const credential = { credentialType: 1, identity: Uint8Array.of(7) } as const;
    const other = { signaturePublicKey: new Uint8Array(32).fill(9), credential };
    const sender = { signaturePublicKey: hub.publicKey, credential };
    const extension = { extensionType: defaultExtensionTypes.external_senders, extensionData: [other, sender] };
    const alice = await create([extension]);
    const joiner = await device();
    const added = await commit(alice, add(joiner));
    const bob = await welcomed(added, joiner);
    expect(bob.groupContext.extensions).toEqual([extension]);
    const info = await createGroupInfoWithExternalPub(bob, [], cs);
    const written = encode(mlsMessageEncoder, { version: 1, wireformat: 4, groupInfo: info });
    const inner = [32, ...hub.publicKey, 0, 1, 1, 7];
    // Type 5, the length of the data, the length of the vector, and two senders of 37 bytes in it.
    const wanted = [0, 5, 0x40, 76, 0x40, 74, 32, ...other.signaturePublicKey, 0, 1, 1, 7, ...inner];
    expect(toHex(written)).toContain(toHex(Uint8Array.from(wanted)));

    const proposal = await proposeExternal(info, remove(1), hub.publicKey, hub.signKey, cs);
    if (!('publicMessage' in proposal)) throw new Error('not public');
    expect(proposal.publicMessage.content.sender).toMatchObject({ senderIndex: 1 });
    const asked = await process(added.newState, proposal);
    const done = await commit(asked);
    expect(done.newState.ratchetTree).toHaveLength(1);
  });
});

describe('06-unique-keys', () => {
  it('refuses a leaf with the key of another member', async () => {
    const [alice, bob] = await group(2);
    if (alice === undefined || bob === undefined) throw new Error('no group');
    const twin = await device({ signKey: bob.signaturePrivateKey, publicKey: at(leavesOf(bob), 1).signaturePublicKey });
    const groupInfo = await createGroupInfoWithExternalPub(alice, [], cs);
    const { keyPackage, privateKeys } = twin;
    const tree = alice.ratchetTree;
    const joined = await joinGroupExternal({ context, groupInfo, keyPackage, privateKeys, tree, resync: false });
    const message = publicly(joined.publicMessage);
    await expect(process(alice, message)).rejects.toThrow('a key of another member');
  });
});

describe('07-path-keys', () => {
  it('refuses a path whose keys are not those of the tree', async () => {
    const [alice, bob, carol] = await churned();
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('no group');
    const message = await commitWithWrongKey(alice);
    await expect(process(bob, message)).rejects.toThrow('does not belong to the public key');
  });
});

describe('08-top-of-path', () => {
  it('goes on when one half of the tree is empty', async () => {
    const states = await group(4);
    const out = await commit(at(states, 2), remove(0), remove(1));
    const rest = [out.newState, await process(at(states, 3), out.commit)];
    const next = await commit(at(rest, 0));
    expect(authenticator(await process(at(rest, 1), next.commit))).toBe(authenticator(next.newState));
  });
});

describe('09-ranges', () => {
  it('refuses sender data that point outside the tree', async () => {
    const [alice, bob] = await group(2);
    if (alice === undefined || bob === undefined) throw new Error('no group');
    const { message } = await createApplicationMessage({ context, state: alice, message: Uint8Array.of(1) });
    if (!('privateMessage' in message)) throw new Error('not private');
    const { privateMessage } = message;
    const { groupId, epoch } = bob.groupContext;
    const aad = { groupId, epoch, contentType: contentTypes.application } as const;
    const reuseGuard = reuseGuardDecoder(new Uint8Array(4), 0)?.[0];
    if (reuseGuard === undefined) throw new Error('no guard');
    const data = { leafIndex: 5000, generation: 0, reuseGuard };
    const key = bob.keySchedule.senderDataSecret;
    const encryptedSenderData = await encryptSenderData(key, data, aad, privateMessage.ciphertext, cs);
    const forged = { ...message, privateMessage: { ...privateMessage, encryptedSenderData } };
    await expect(process(bob, forged)).rejects.toThrow('did not point to a non-blank leaf');
  });

  it('finds at once that its own leaf was cut off', async () => {
    const states = await group(3);
    const { commit: message } = await commit(at(states, 0), remove(2));
    await expect(process(at(states, 2), message)).rejects.toThrow('outside the tree');
  });

  it('refuses an external commit that removes a leaf outside the tree', async () => {
    const [alice] = await group(2);
    if (alice === undefined) throw new Error('no group');
    const { keyPackage, privateKeys } = await device();
    const groupInfo = await createGroupInfoWithExternalPub(alice, [], cs);
    const tree = alice.ratchetTree;
    const { publicMessage } = await joinGroupExternal({
      context,
      groupInfo,
      keyPackage,
      privateKeys,
      tree,
      resync: false,
    });
    const message = await withProposal(alice, publicMessage, remove(5000), privateKeys.signaturePrivateKey);
    await expect(process(alice, message)).rejects.toThrow('remove empty leaf');
  });
});

describe('10-internals', () => {
  it('opens the parts of the library to Node', () => {
    // By Node's own resolver: the one of the tests does not mind what a package exports.
    const { resolve } = createRequire(import.meta.url);
    expect(resolve('ts-mls/internal/keySchedule.js')).toMatch(/keySchedule\.js$/);
  });
});

describe('12-added-leaves', () => {
  it('removes and adds at once', async () => {
    const states = await churned();
    const joiners = [await device(), await device()];
    const result = await commit(at(states, 0), remove(1), ...joiners.map(add));
    const after = [result.newState, await process(at(states, 2), result.commit)];
    for (const joiner of joiners) after.push(await welcomed(result, joiner));
    expect(new Set(after.map(authenticator)).size).toBe(1);
    const next = await commit(at(after, 2));
    expect(authenticator(await process(at(after, 1), next.commit))).toBe(authenticator(next.newState));
  });

  it('tells the removed device nothing', async () => {
    const states = await churned();
    const { commit: message } = await commit(at(states, 0), remove(1), add(await device()));
    if (!('publicMessage' in message) || message.publicMessage.content.contentType !== contentTypes.commit) {
      throw new Error('no commit');
    }
    // Who is left: the committer itself and one more, for whom there is one ciphertext.
    const { path } = message.publicMessage.content.commit;
    expect(path?.nodes.map(({ encryptedPathSecret }) => encryptedPathSecret.length)).toEqual([0, 1]);
  });
});

describe('13-sole-member', () => {
  it('locks out who is removed by the only member that remains', async () => {
    const [alice, bob] = await group(2);
    if (alice === undefined || bob === undefined) throw new Error('no group');
    const { newState } = await commit(alice, remove(1));
    // What the removed one can compute: from his own init secret, and without a secret of the path, of which he got none.
    const zeros = new Uint8Array(cs.kdf.size);
    const guess = await initializeEpoch(bob.keySchedule.initSecret, zeros, newState.groupContext, zeros, cs.kdf);
    expect(toHex(guess.keySchedule.epochAuthenticator)).not.toBe(authenticator(newState));
    const joiner = await device();
    const next = await commit(newState, add(joiner));
    expect(authenticator(await welcomed(next, joiner))).toBe(authenticator(next.newState));
  });
});

describe('14-tree-hashes', () => {
  /** A tree in which every member renewed his keys, and a hash that remembers nothing yet and counts. */
  async function populated(size: number) {
    const devices = await Promise.all(Array.from({ length: size }, () => device()));
    const { groupContext } = await create();
    let tree: RatchetTree = [];
    for (const { keyPackage } of devices) {
      if (tree.length === 0) tree.push({ nodeType: nodeTypes.leaf, leaf: keyPackage.leafNode });
      else addLeafNodeMutable(tree, keyPackage.leafNode);
    }
    for (const [index, { keys }] of devices.entries()) {
      const leaf = toLeafIndex(index);
      [tree] = await createUpdatePath(tree, tree.slice(), leaf, groupContext, keys.signKey, cs);
    }
    let count = 0;
    const digest = (data: Uint8Array) => {
      count++;
      return cs.hash.digest(data);
    };
    const counted = async (work: (hash: typeof cs.hash) => Promise<unknown>) => {
      count = 0;
      await work(hash);
      return count;
    };
    const hash = { ...cs.hash, digest };
    return { tree, counted };
  }

  it('hashes what changed only', async () => {
    const { tree, counted } = await populated(32);
    expect(await counted((hash) => treeHashRoot(tree, hash))).toBe(63);
    const changed = tree.with(10, undefined);
    // The leaf, and the five parents above it.
    expect(await counted((hash) => treeHashRoot(changed, hash))).toBe(6);
    expect(await counted((hash) => treeHashRoot(tree, hash))).toBeLessThanOrEqual(6);
    const fresh = await counted((hash) => calculateParentHash(tree, toNodeIndex(0), hash));
    expect(fresh).toBeLessThanOrEqual(2);
  });

  it('verifies a tree in time linear in its size', async () => {
    const [small, large] = [await populated(16), await populated(32)];
    const verified = ({ tree, counted }: typeof small) =>
      counted(async (hash) => expect(await verifyParentHashes(tree, hash)).toBe(true));
    const [few, many] = [await verified(small), await verified(large)];
    expect(many / few).toBeLessThan(2.5);
  });
});

describe('15-last-leaf', () => {
  it('lets the only member come back from outside', async () => {
    const former = await device();
    const state = await createGroup({
      ...{ context, groupId: new Uint8Array(16), extensions: [] },
      ...{ keyPackage: former.keyPackage, privateKeyPackage: former.privateKeys },
    });
    const groupInfo = await createGroupInfoWithExternalPub(state, [], cs);
    const { keyPackage, privateKeys } = await device(former.keys);
    const tree = state.ratchetTree;
    const joined = await joinGroupExternal({ context, groupInfo, keyPackage, privateKeys, tree, resync: true });
    expect(joined.newState.ratchetTree).toHaveLength(1);
    expect(joined.newState.groupContext.epoch).toBe(1n);
    const next = await device();
    const result = await commit(joined.newState, add(next));
    expect(authenticator(await welcomed(result, next))).toBe(authenticator(result.newState));
  });
});

const leavesOf = (state: ClientState) =>
  state.ratchetTree.flatMap((node) => (node?.nodeType === nodeTypes.leaf ? [node.leaf] : []));
