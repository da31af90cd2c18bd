/** The hub's view of a group: what it follows, and one attack for each thing that it refuses. */
import {
  base64ToBytes,
  type ClientState,
  type Commit,
  contentTypes,
  createCommit,
  defaultProposalTypes,
  type GroupInfo,
  nodeTypes,
  type Proposal,
  type RatchetTree,
  senderTypes,
} from 'ts-mls';
import { signGroupInfo } from 'ts-mls/internal/groupInfo.js';
import { makeKeyPackageRef } from 'ts-mls/internal/keyPackage.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeEngine } from '#mls/node-engine.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName, GroupId } from '#signalling/ids.ts';
import type { Engine } from './engine.ts';
import { Group } from './group.ts';
import { type CommitParts, checkApplication, membersIn, pendingIn, serveGroupInfo } from './public-group.ts';
import { proposeRemoval } from './public-proposal.ts';
import { CAPABILITIES, cipherSuite } from './suite.ts';
import {
  byValue,
  groupInfoMessage,
  groupInfoOf,
  joinInPlaceOf,
  keyPackageOf,
  secretsOf,
  signedCommit,
  unguarded,
  withLeafKey,
} from './testing/attacker.ts';
import { DAY, serialOf } from './testing/authority.ts';
import { TestHub } from './testing/hub.ts';
import { bytes, GROUP, MemoryStore, request, type TestDevice } from './testing/world.ts';
import { MAX_WIDTH } from './tree-check.ts';
import { hashTree, rootHash } from './tree-hash.ts';
import {
  leafAt,
  messageBytes,
  parseFramed,
  parseGroupInfo,
  parseKeyPackage,
  parseTree,
  parseWelcome,
  treeBytes,
} from './wire.ts';

const { hash, signature } = await cipherSuite();

const fail = (): never => {
  throw new Error('it is missing');
};

let hub: TestHub;
let alice: TestDevice;
let bob: TestDevice;
let carol: TestDevice;
let mallory: TestDevice;
beforeEach(async () => {
  hub = await TestHub.make();
  const { world } = hub;
  [alice, bob, carol, mallory] = await world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet', 'mallory/pc');
});

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof HawserError ? error.code : `uncoded ${error}`),
  );

const code = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof HawserError ? error.code : `uncoded ${error}`;
  }
};

/** These devices in a group that the hub follows. Leaf indexes are in this order. */
async function group(...devices: TestDevice[]): Promise<void> {
  await hub.world.group(...devices);
  await hub.follow(alice);
}

/** The members' own commit, made and not yet accepted. */
async function committed(device: TestDevice, add: readonly Uint8Array[] = [], remove: readonly TestDevice[] = []) {
  return device.group.commit({ add, remove: remove.map(({ id }) => id) }, request());
}

async function accepted(device: TestDevice, made: CommitParts & { id: string }, ...others: TestDevice[]) {
  await device.group.accepted(made.id);
  for (const other of others) await other.group.receive(made.commit);
}

const remove = (removed: number): Proposal => ({ proposalType: defaultProposalTypes.remove, remove: { removed } });

/** A commit of somebody who knows none of our rules, and the GroupInfo to it. */
async function malicious(device: TestDevice, ...extraProposals: Proposal[]): Promise<CommitParts> {
  const context = await unguarded();
  const state = secretsOf(device);
  const made = await createCommit({ context, state, extraProposals, wireAsPublicMessage: true });
  const welcome = made.welcome && messageBytes(made.welcome);
  return { commit: messageBytes(made.commit), groupInfo: await groupInfoOf(made.newState), welcome };
}

/** The content of a commit that was made rightly. */
function commitIn(parts: CommitParts): Commit {
  const { message } = parseFramed(parts.commit);
  if (!('publicMessage' in message) || message.publicMessage.content.contentType !== contentTypes.commit) {
    throw new Error('no commit');
  }
  return message.publicMessage.content.commit;
}

describe('a hub follows', () => {
  it('additions, removals, renewals and joins, and says who came and went, and where', async () => {
    await alice.create();
    await hub.follow(alice);
    expect(membersIn(hub.state).map(({ identity }) => identity.device)).toEqual([alice.id]);
    const [one, two] = [await bob.keyPackage(), await carol.keyPackage()];
    const first = await committed(alice, [one.bytes, two.bytes]);
    const plan = await hub.take(first);
    const [toBob, toCarol] = await Promise.all(
      [one, two].map((each) => makeKeyPackageRef(parseKeyPackage(each.bytes), hash)),
    );
    expect(plan).toMatchObject({
      external: false,
      by: { leafIndex: 0, identity: { device: alice.id } },
      joined: [
        { leafIndex: 1, identity: { device: bob.id }, reference: toBob },
        { leafIndex: 2, identity: { device: carol.id }, reference: toCarol },
      ],
      left: [],
      spared: [],
    });
    await accepted(alice, first);
    const { tree } = serveGroupInfo(hub.state);
    const parts = { group: GROUP, welcome: first.welcome ?? fail(), tree, secrets: one.secrets };
    bob.group = await Group.join(parts, new MemoryStore(), bob.env);
    expect(bob.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);

    const second = await committed(bob, [], [carol]);
    expect(await hub.take(second)).toMatchObject({ by: { leafIndex: 1 }, left: [{ leafIndex: 2 }], joined: [] });
    await accepted(bob, second, alice);
    const third = await committed(alice);
    expect(await hub.take(third)).toMatchObject({ joined: [], left: [] });
    await accepted(alice, third, bob);

    for (const round of [1, 2]) {
      const ways = { group: GROUP, ...serveGroupInfo(hub.state), device: carol.keys, id: request() };
      carol.group = await Group.joinExternally(ways, new MemoryStore(), carol.env);
      const made = carol.group.pending ?? fail();
      expect(await hub.take(made)).toMatchObject({
        external: true,
        by: { leafIndex: 2, identity: { device: carol.id } },
        joined: [{ leafIndex: 2, identity: { device: carol.id }, reference: undefined }],
        left: round === 1 ? [] : [{ leafIndex: 2, identity: { device: carol.id } }],
      });
      await accepted(carol, made, alice, bob);
    }
    expect(hub.state.epoch).toBe(alice.group.epoch);
    expect(serveGroupInfo(hub.state).tree).toEqual(alice.group.tree());
  });

  it('a group from any epoch on, served as it was uploaded', async () => {
    await group(alice, bob, carol);
    for (const device of [bob, carol, alice]) {
      const made = await committed(device);
      await accepted(device, made, ...[alice, bob, carol].filter((each) => each !== device));
    }
    const parts = { groupInfo: await carol.group.groupInfo(), tree: carol.group.tree() };
    const state = await hub.begin(parts);
    expect([state.epoch, state.id]).toEqual([carol.group.epoch, GROUP]);
    expect(serveGroupInfo(state)).toEqual(parts);
  });
});

describe('a commit is refused', () => {
  it('when it is late, early, repeated, for another group, or none', async () => {
    await group(alice, bob);
    const [own, lost] = [await committed(alice), await committed(bob)];
    await hub.take(own);
    expect(await codeOf(hub.try(own))).toBe('MLS_EPOCH_PAST');
    expect(await codeOf(hub.try(lost))).toBe('MLS_EPOCH_PAST');
    await accepted(alice, own, bob);
    const next = await committed(alice);
    await alice.group.accepted(next.id);
    const future = await committed(alice);
    expect(await codeOf(hub.try(future))).toBe('MLS_EPOCH_FUTURE');
    const groupId = bytes('mimi://alpha.example/g/ZZECAwQFBgcICQoLDA0ODw');
    const state = secretsOf(bob);
    const elsewhere = { ...state, groupContext: { ...state.groupContext, groupId } };
    const context = await unguarded();
    const foreign = await createCommit({ context, state: elsewhere, wireAsPublicMessage: true });
    expect(await codeOf(hub.try({ ...next, commit: messageBytes(foreign.commit) }))).toBe('MLS_WRONG_GROUP');
    const dark = await createCommit({ context, state });
    expect(await codeOf(hub.try({ ...next, commit: messageBytes(dark.commit) }))).toBe('MLS_UNSUPPORTED');
    expect(await codeOf(hub.try({ ...next, commit: await bob.group.send(bytes('x')) }))).toBe('MLS_UNSUPPORTED');
    expect(await codeOf(hub.try(next))).toBe('accepted');
  });

  it('when its signature is not the sender’s', async () => {
    await group(alice, bob, mallory);
    const state = secretsOf(mallory);
    // He says that he is bob, and signs with his own key.
    const path = { ...state.privatePath, leafIndex: 1 };
    const good = await malicious(mallory);
    const forged = await signedCommit({ ...state, privatePath: path }, commitIn(good));
    expect(await codeOf(hub.try({ ...good, commit: messageBytes(forged) }))).toBe('MLS_REFUSED');
    const nobody = await signedCommit({ ...state, privatePath: { ...path, leafIndex: 77 } }, commitIn(good));
    expect(await codeOf(hub.try({ ...good, commit: messageBytes(nobody) }))).toBe('MLS_REFUSED');
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });

  it('when a device that joins removes somebody else, or is in the group already, or cannot be encrypted to', async () => {
    const tablet = await hub.world.device('mallory/tablet');
    await group(alice, bob, tablet);
    const parts = serveGroupInfo(hub.state);
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts, bob.id)))).toBe('MLS_FOREIGN_REMOVAL');
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts, tablet.id)))).toBe('MLS_FOREIGN_REMOVAL');
    expect(await codeOf(hub.try(await joinInPlaceOf(tablet, parts)))).toBe('MLS_REFUSED');
    const few = { ...CAPABILITIES, credentials: [] };
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts, undefined, few)))).toBe('MLS_REFUSED');
    const zero = await withLeafKey(new Uint8Array(32));
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts, undefined, undefined, zero)))).toBe('MLS_REFUSED');
    hub.world.policy.admits = ({ user }) => user !== 'mimi://alpha.example/u/mallory';
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts)))).toBe('MLS_NOT_ADMITTED');
    hub.world.policy.admits = () => true;
    expect(await codeOf(hub.try(await joinInPlaceOf(mallory, parts)))).toBe('accepted');
  });

  it('when its sender may not do what it does, or is revoked', async () => {
    await group(alice, bob, mallory);
    hub.world.policy.mayRemove = (by, whom) => by.user === whom.user;
    expect(await codeOf(hub.try(await malicious(mallory, remove(1))))).toBe('MLS_NOT_ADMITTED');
    const context = { proposalType: defaultProposalTypes.group_context_extensions } as const;
    const extensions: Proposal = { ...context, groupContextExtensions: { extensions: [] } };
    const made = await malicious(mallory);
    const odd = await signedCommit(secretsOf(mallory), { ...commitIn(made), proposals: [byValue(extensions)] });
    expect(await codeOf(hub.try({ ...made, commit: messageBytes(odd) }))).toBe('MLS_PROPOSAL_REFUSED');
    await hub.world.domain(mallory.id).revoke([serialOf(mallory.keys.certificates[0] ?? fail())]);
    expect(await codeOf(hub.try(made))).toBe('MLS_CREDENTIAL_REVOKED');
  });

  it('when somebody is removed twice, or without new keys', async () => {
    await group(alice, bob, mallory);
    const state = secretsOf(mallory);
    const good = await malicious(mallory, remove(1));
    const { path } = commitIn(good);
    const twice = await signedCommit(state, { proposals: [byValue(remove(1)), byValue(remove(1))], path });
    expect(await codeOf(hub.try({ ...good, commit: messageBytes(twice) }))).toBe('MLS_REFUSED');
    const bare = await signedCommit(state, { proposals: [byValue(remove(1))], path: undefined });
    expect(await codeOf(hub.try({ ...good, commit: messageBytes(bare) }))).toBe('MLS_REFUSED');
    const empty = await signedCommit(state, { proposals: [], path: undefined });
    expect(await codeOf(hub.try({ ...good, commit: messageBytes(empty) }))).toBe('MLS_REFUSED');
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });

  it('when its path has another shape, is not encrypted to all, brings known keys, or belongs to another tree', async () => {
    await group(alice, bob, carol, mallory);
    // So that there are parents with keys.
    const renewal = await committed(alice);
    await hub.take(renewal);
    await accepted(alice, renewal, bob, carol, mallory);
    const good = await malicious(mallory);
    const { path } = commitIn(good);
    if (path === undefined) throw new Error('no path');
    const [low, top] = path.nodes;
    const [root] = hub.state.hashed.tree.flatMap((node) => (node?.nodeType === nodeTypes.parent ? [node.parent] : []));
    if (low === undefined || top === undefined || root === undefined) throw new Error('no nodes');
    const own = leafAt(hub.state.hashed.tree, 3) ?? fail();
    const paths = {
      short: { ...path, nodes: [low] },
      long: { ...path, nodes: [low, top, top] },
      'for fewer': { ...path, nodes: [{ ...low, encryptedPathSecret: [] }, top] },
      'cut off': {
        ...path,
        nodes: [
          { ...low, encryptedPathSecret: low.encryptedPathSecret.map((each) => ({ ...each, ciphertext: bytes('x') })) },
          top,
        ],
      },
      'with another key': { ...path, nodes: [{ ...low, hpkePublicKey: path.leafNode.signaturePublicKey }, top] },
      'with a key of the tree': { ...path, nodes: [{ ...low, hpkePublicKey: root.hpkePublicKey }, top] },
      'with one key twice': { ...path, nodes: [{ ...low, hpkePublicKey: top.hpkePublicKey }, top] },
      'with a bad key': { ...path, nodes: [{ ...low, hpkePublicKey: new Uint8Array(32) }, top] },
      'with its old leaf key': { ...path, leafNode: { ...path.leafNode, hpkePublicKey: own.hpkePublicKey } },
      'with another signature': { ...path, leafNode: { ...path.leafNode, signature: own.signature } },
      'with another parent hash': { ...path, leafNode: { ...path.leafNode, parentHash: new Uint8Array(32) } },
    };
    for (const [name, wrong] of Object.entries(paths)) {
      const commit = messageBytes(await signedCommit(secretsOf(mallory), { proposals: [], path: wrong }));
      expect([name, await codeOf(hub.try({ ...good, commit }))]).toEqual([name, 'MLS_REFUSED']);
    }
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });

  it('when it adds a device whose keys are there already, or whose key package is not good', async () => {
    await group(alice, bob, mallory);
    const { world } = hub;
    const taken = leafAt(hub.state.hashed.tree, 1) ?? fail();
    const { publicPackage: fresh } = await keyPackageOf(carol, world.now);
    const good = await malicious(mallory, { proposalType: 1, add: { keyPackage: fresh } });
    const wrongs = {
      stolen: [
        { ...fresh, leafNode: { ...fresh.leafNode, hpkePublicKey: taken.hpkePublicKey } },
        'MLS_KEY_PACKAGE_REFUSED',
      ],
      old: [(await keyPackageOf(carol, world.now, world.now - DAY)).publicPackage, 'MLS_KEY_PACKAGE_REFUSED'],
      again: [(await keyPackageOf(bob, world.now)).publicPackage, 'MLS_REFUSED'],
    } as const;
    for (const [name, [keyPackage, wanted]] of Object.entries(wrongs)) {
      const proposals = [byValue({ proposalType: 1, add: { keyPackage } })];
      const commit = messageBytes(await signedCommit(secretsOf(mallory), { proposals, path: undefined }));
      expect([name, await codeOf(hub.try({ ...good, commit }))]).toEqual([name, wanted]);
    }
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });
});

/** A GroupInfo with something else in it, signed as the member would. */
async function resigned(device: TestDevice, parts: CommitParts, changes: Partial<GroupInfo>): Promise<CommitParts> {
  const info = { ...parseGroupInfo(parts.groupInfo), ...changes };
  const signed = await signGroupInfo(info, secretsOf(device).signaturePrivateKey, signature);
  return { ...parts, groupInfo: groupInfoMessage(signed) };
}

describe('a GroupInfo is refused', () => {
  it('when it is not that of the epoch which the commit makes, or not by the committer', async () => {
    await group(alice, bob, mallory);
    const good = await malicious(mallory);
    const info = parseGroupInfo(good.groupInfo);
    const { groupContext, extensions } = info;
    const wrong = new Uint8Array(32);
    const cases: Record<string, CommitParts> = {
      'of the epoch before': { ...good, groupInfo: await mallory.group.groupInfo() },
      'of another commit': { ...good, groupInfo: (await malicious(mallory)).groupInfo },
      'tree hash': await resigned(mallory, good, { groupContext: { ...groupContext, treeHash: wrong } }),
      transcript: await resigned(mallory, good, { groupContext: { ...groupContext, confirmedTranscriptHash: wrong } }),
      epoch: await resigned(mallory, good, { groupContext: { ...groupContext, epoch: 99n } }),
      extensions: await resigned(mallory, good, { groupContext: { ...groupContext, extensions: [] } }),
      tag: await resigned(mallory, good, { confirmationTag: wrong }),
      signer: await resigned(bob, good, { signer: 1 }),
      signature: await resigned(bob, good, {}),
      'no external key': await resigned(mallory, good, { extensions: [] }),
      'an extension more': await resigned(mallory, good, { extensions: [...extensions, ...extensions] }),
      'a bare key': await resigned(mallory, good, {
        extensions: extensions.map((each) => ({ ...each, extensionData: each.extensionData.slice(1) })),
      }),
    };
    for (const [name, parts] of Object.entries(cases)) {
      expect([name, await codeOf(hub.try(parts))]).toEqual([name, 'MLS_GROUP_INFO_REFUSED']);
    }
    const useless = extensions.map((each) => ({ ...each, extensionData: Uint8Array.of(32, ...wrong) }));
    expect(await codeOf(hub.try(await resigned(mallory, good, { extensions: useless })))).toBe('MLS_REFUSED');
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });
});

describe('a Welcome is refused', () => {
  it('unless it addresses whom the commit adds, each once', async () => {
    await group(alice, bob);
    const packages = await Promise.all([carol, mallory].map(async (each) => (await each.keyPackage()).bytes));
    const good = await committed(alice, packages);
    await alice.group.refused(good.id);
    const other = await committed(alice, packages.slice(0, 1));
    await alice.group.refused(other.id);
    const welcome = parseWelcome(good.welcome ?? fail());
    const [first, second] = welcome.secrets;
    if (first === undefined || second === undefined) throw new Error('no secrets');
    const having = (secrets: typeof welcome.secrets) =>
      messageBytes({ version: 1, wireformat: 3, welcome: { ...welcome, secrets } });
    const stranger = { ...second, newMember: new Uint8Array(32) };
    const cases = {
      none: undefined,
      'for one of two': other.welcome,
      'for a stranger': having([first, stranger]),
      'for a stranger too': having([first, second, stranger]),
      'for one twice': having([first, first]),
      'for both, one twice': having([first, second, second]),
    };
    for (const [name, wrong] of Object.entries(cases)) {
      const answer = await codeOf(hub.try({ ...good, welcome: wrong }));
      expect([name, answer]).toEqual([name, 'MLS_WELCOME_REFUSED']);
    }
    const renewal = await committed(bob);
    expect(await codeOf(hub.try({ ...renewal, welcome: good.welcome }))).toBe('MLS_WELCOME_REFUSED');
    expect(await codeOf(hub.try(good))).toBe('accepted');
  });
});

describe('what the hub proposes', () => {
  it('is looked at once for all of them: members take each', async () => {
    await group(alice, bob, carol);
    let verified = 0;
    const engine: Engine = {
      ...nodeEngine,
      verify: (...signed) => {
        verified += 1;
        return nodeEngine.verify(...signed);
      },
    };
    const { messages, state } = await proposeRemoval(hub.state, [1, 2], hub.signer, { ...hub.environment, engine });
    expect([messages.length, verified]).toEqual([2, 1]);
    expect(pendingIn(state).map(({ leafIndex }) => leafIndex)).toEqual([1, 2]);
    for (const message of messages) expect(await alice.group.receive(message)).toEqual([{ kind: 'proposal' }]);
  });

  it('has to be in the next commit of a member, and is told again where a device joined meanwhile', async () => {
    await group(alice, bob, carol);
    const early = await committed(alice);
    await alice.group.refused(early.id);
    const proposals = await hub.propose(1);
    expect(pendingIn(hub.state)).toMatchObject([{ leafIndex: 1, identity: { device: bob.id } }]);
    expect(await hub.propose(1)).toEqual([]);
    expect(await codeOf(hub.try(early))).toBe('MLS_PROPOSALS_PENDING');
    expect(await codeOf(hub.propose(9))).toBe('MLS_UNKNOWN_DEVICE');
    const others = { sign: async (message: Uint8Array) => (await hub.signer.sign(message)).map((byte) => byte ^ 1) };
    expect(await codeOf(proposeRemoval(hub.state, [2], others, hub.environment))).toBe('MLS_REFUSED');

    const joining = await hub.try(await joinInPlaceOf(mallory, serveGroupInfo(hub.state)));
    expect(joining.plan.spared).toMatchObject([{ leafIndex: 1, identity: { device: bob.id } }]);
    expect(pendingIn(joining.state)).toEqual([]);

    for (const message of proposals) {
      for (const { group: each } of [alice, carol]) expect(await each.receive(message)).toEqual([{ kind: 'proposal' }]);
    }
    // The hub may remove whom members may not.
    hub.world.policy.mayRemove = () => false;
    const made = await committed(alice);
    expect(await hub.take(made)).toMatchObject({ left: [{ leafIndex: 1, identity: { device: bob.id } }], spared: [] });
    await accepted(alice, made, carol);
    expect(pendingIn(hub.state)).toEqual([]);
    expect(carol.group.epochAuthenticator).toEqual(alice.group.epochAuthenticator);
  });

  it('cannot be taken up by a device that joins, nor be made up', async () => {
    await group(alice, bob);
    await hub.propose(1);
    const [known = ''] = Object.keys(hub.state.pending);
    const refer = (reference: Uint8Array) => ({ proposalOrRefType: 2, reference }) as const;
    const real = refer(base64ToBytes(known));
    const invented = refer(new Uint8Array(32));
    const own = await malicious(alice);
    for (const [proposals, wanted] of [
      [[invented], 'MLS_PROPOSALS_PENDING'],
      [[real, invented], 'MLS_REFUSED'],
      [[real, real], 'MLS_REFUSED'],
    ] as const) {
      const commit = await signedCommit(secretsOf(alice), { ...commitIn(own), proposals: [...proposals] });
      expect(await codeOf(hub.try({ ...own, commit: messageBytes(commit) }))).toBe(wanted);
    }
    const joining = await joinInPlaceOf(mallory, serveGroupInfo(hub.state));
    const content = commitIn(joining);
    const sender = { senderType: senderTypes.new_member_commit } as const;
    const taken = { ...content, proposals: [real, ...content.proposals] };
    const commit = await signedCommit(secretsOf(alice), taken, sender, mallory.keys.signatureKey);
    expect(await codeOf(hub.try({ ...joining, commit: messageBytes(commit) }))).toBe('MLS_REFUSED');
  });
});

/** A tree that a member made up, and the GroupInfo that he signed for it. */
async function forged(device: TestDevice, change: (tree: RatchetTree, state: ClientState) => void) {
  const state = secretsOf(device);
  const changed = parseTree(treeBytes(state.ratchetTree));
  change(changed, state);
  const tree = treeBytes(changed);
  const treeHash = rootHash(await hashTree(parseTree(tree), hash));
  return { groupInfo: await groupInfoOf({ ...state, groupContext: { ...state.groupContext, treeHash } }), tree };
}

describe('a group is not begun', () => {
  const parentOf = (tree: RatchetTree, index: number) => {
    const node = tree[index];
    return node?.nodeType === nodeTypes.parent ? node.parent : fail();
  };
  const setParent = (tree: RatchetTree, index: number, changes: object) => {
    tree[index] = { nodeType: nodeTypes.parent, parent: { ...parentOf(tree, index), ...changes } };
  };
  const leaf = (tree: RatchetTree, leafIndex: number) => leafAt(tree, leafIndex) ?? fail();
  const setLeaf = (tree: RatchetTree, leafIndex: number, changes: object) => {
    tree[leafIndex * 2] = { nodeType: nodeTypes.leaf, leaf: { ...leaf(tree, leafIndex), ...changes } };
  };

  const why = (promise: Promise<unknown>) =>
    promise.then(
      () => 'accepted',
      (error: unknown) => (error instanceof HawserError ? (error.detail ?? error.code) : `uncoded ${error}`),
    );

  it('from a tree that nobody could have made', async () => {
    await group(alice, bob, carol, mallory);
    for (const device of [alice, carol]) {
      const made = await committed(device);
      await accepted(device, made, ...[alice, bob, carol, mallory].filter((each) => each !== device));
    }
    // Nodes: leaves 0 2 4 6, parents 1 (of alice and bob, made by alice), 5 and 3 (made by carol).
    const cases: [(tree: RatchetTree) => void, string][] = [
      [
        (tree) => setParent(tree, 1, { hpkePublicKey: leaf(tree, 3).signaturePublicKey }),
        'nobody below a parent made it',
      ],
      [(tree) => setParent(tree, 5, { parentHash: new Uint8Array(32) }), 'nobody below a parent made it'],
      [(tree) => setLeaf(tree, 1, { signature: leaf(tree, 0).signature }), 'nobody below a parent made it'],
      [(tree) => tree.splice(5, 1, undefined), 'nobody below a parent made it'],
      [(tree) => setParent(tree, 3, { unmergedLeaves: [99] }), 'an unmerged leaf is not below its parent'],
      [(tree) => setParent(tree, 5, { unmergedLeaves: [0] }), 'an unmerged leaf is not below its parent'],
      [(tree) => setParent(tree, 3, { unmergedLeaves: [3] }), 'an unmerged leaf is missing in a parent between'],
      [(tree) => setParent(tree, 5, { unmergedLeaves: [2] }), 'a parent hash is of another tree'],
      [(tree) => setParent(tree, 5, { unmergedLeaves: [3, 3] }), 'the unmerged leaves are not in order'],
      [(tree) => tree.splice(2, 1, undefined), 'a parent has nobody on one side'],
      [(tree) => tree.splice(1, 1, tree[0]), 'a leaf stands in the place of a parent, or a parent in that of a leaf'],
      [(tree) => tree.push(...new Array(2 * MAX_WIDTH).fill(undefined), tree[0]), 'a tree of 16383 nodes'],
    ];
    expect(await why(hub.begin(await forged(mallory, () => undefined)))).toBe('accepted');
    for (const [change, reason] of cases) expect(await why(hub.begin(await forged(mallory, change)))).toBe(reason);
  });

  it('with a leaf that nobody could have made', async () => {
    await group(alice, bob, mallory);
    const odd = [{ extensionType: 0xf00d, extensionData: bytes('x') }];
    const cases: [(tree: RatchetTree) => void, string][] = [
      [(tree) => setLeaf(tree, 1, { signature: leaf(tree, 0).signature }), 'the signature of a leaf is wrong'],
      [(tree) => setLeaf(tree, 1, { hpkePublicKey: leaf(tree, 0).hpkePublicKey }), 'a key is in the tree already'],
      [
        (tree) => setLeaf(tree, 1, { signaturePublicKey: leaf(tree, 0).signaturePublicKey }),
        'a key is in the tree already',
      ],
      [(tree) => setLeaf(tree, 1, { hpkePublicKey: new Uint8Array(32) }), 'nobody can encrypt to a key'],
      [
        (tree) => setLeaf(tree, 1, { capabilities: { ...CAPABILITIES, credentials: [] } }),
        'the capabilities of a leaf are too few',
      ],
      [(tree) => setLeaf(tree, 1, { extensions: odd }), 'a leaf has an extension that it cannot read'],
      [
        (tree) => setLeaf(tree, 1, { signaturePublicKey: new Uint8Array(32) }),
        'the leaf is the certificate of another key',
      ],
      [
        (tree) => setLeaf(tree, 1, { credential: leaf(tree, 0).credential }),
        'the leaf is the certificate of another key',
      ],
    ];
    for (const [change, reason] of cases) expect(await why(hub.begin(await forged(mallory, change)))).toBe(reason);
  });

  it('from another tree, by a stranger, for another hub, or with people who do not belong to it', async () => {
    await group(alice, bob, mallory);
    const good = { groupInfo: await alice.group.groupInfo(), tree: alice.group.tree() };
    const state = secretsOf(mallory);
    const made = await committed(alice);
    expect(await codeOf(hub.begin({ ...good, groupInfo: made.groupInfo }))).toBe('MLS_GROUP_INFO_REFUSED');
    const absent = { ...state, privatePath: { ...state.privatePath, leafIndex: 5 } };
    expect(await codeOf(hub.begin({ ...good, groupInfo: await groupInfoOf(absent) }))).toBe('MLS_GROUP_INFO_REFUSED');
    const masked = { ...state, privatePath: { ...state.privatePath, leafIndex: 1 } };
    expect(await codeOf(hub.begin({ ...good, groupInfo: await groupInfoOf(masked) }))).toBe('MLS_GROUP_INFO_REFUSED');
    const free = { ...state, groupContext: { ...state.groupContext, extensions: [] } };
    expect(await codeOf(hub.begin({ ...good, groupInfo: await groupInfoOf(free) }))).toBe('MLS_REFUSED');
    const groupId = bytes('mimi://beta.example/g/AAECAwQFBgcICQoLDA0ODw' satisfies string as GroupId);
    const beta = { ...state, groupContext: { ...state.groupContext, groupId } };
    expect(await codeOf(hub.begin({ ...good, groupInfo: await groupInfoOf(beta) }))).toBe('MLS_WRONG_GROUP');
    hub.world.policy.admits = ({ domain }) => domain !== ('beta.example' as DomainName);
    expect(await codeOf(hub.begin(good))).toBe('MLS_NOT_ADMITTED');
    hub.world.policy.admits = () => true;
    await hub.world.domain(bob.id).revoke([serialOf(bob.keys.certificates[0] ?? fail())]);
    expect(await codeOf(hub.begin(good))).toBe('MLS_CREDENTIAL_REVOKED');
    await hub.world.domain(bob.id).revoke([]);
    expect(await codeOf(hub.begin(good))).toBe('accepted');
  });
});

describe('an application message', () => {
  it('is taken in its epoch and the two after it, in its group only', async () => {
    await group(alice, bob);
    const first = await alice.group.send(bytes('hello'));
    const epoch = hub.state.epoch;
    for (const expected of [epoch, epoch, epoch, 'MLS_EPOCH_PAST']) {
      if (typeof expected === 'bigint') expect(checkApplication(hub.state, first)).toBe(expected);
      else expect(code(() => checkApplication(hub.state, first))).toBe(expected);
      const made = await committed(alice);
      await hub.take(made);
      await accepted(alice, made, bob);
    }
    const made = await committed(alice);
    expect(code(() => checkApplication(hub.state, made.commit))).toBe('MLS_UNSUPPORTED');
    await alice.group.accepted(made.id);
    const early = await alice.group.send(bytes('early'));
    expect(code(() => checkApplication(hub.state, early))).toBe('MLS_EPOCH_FUTURE');
    const other = { ...hub.state, id: 'mimi://alpha.example/g/ZZECAwQFBgcICQoLDA0ODw' as GroupId };
    expect(code(() => checkApplication(other, early))).toBe('MLS_WRONG_GROUP');
    expect(code(() => checkApplication(hub.state, bytes('x')))).toBe('MLS_MALFORMED');
  });
});
