/** One attack for each guard, by somebody who has all the keys that he could have. */
import {
  createCommit,
  createProposal,
  defaultProposalTypes,
  type MlsContext,
  type Proposal,
  proposeExternal,
  protocolVersions,
  wireformats,
} from 'ts-mls';
import { beforeEach, describe, expect, it } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { Group } from './group.ts';
import { participantExtension } from './participant.ts';
import { KEEP_NEWEST_EPOCHS, KEEP_PAST_EPOCHS } from './past.ts';
import { CAPABILITIES } from './suite.ts';
import {
  byValue,
  joinInPlaceOf,
  keyPackageOf,
  secretsOf,
  signedCommit,
  unguarded,
  withLeafKey,
} from './testing/attacker.ts';
import { DAY, serialOf } from './testing/authority.ts';
import { bytes, GROUP, request, type TestDevice, text, World } from './testing/world.ts';
import { MAX_EPOCHS_AHEAD, MAX_MESSAGES } from './waiting.ts';
import { messageBytes, parseFramed, parseGroupInfo, parseKeyPackage } from './wire.ts';

let world: World;
let alice: TestDevice;
let bob: TestDevice;
let mallory: TestDevice;
beforeEach(async () => {
  world = await World.make();
  [alice, bob, mallory] = await world.devices('alice/laptop', 'bob@beta/phone', 'mallory/pc');
});

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof HawserError ? error.code : `uncoded ${error}`),
  );

const remove = (removed: number): Proposal => ({ proposalType: defaultProposalTypes.remove, remove: { removed } });

async function maliciousCommit(device: TestDevice, ...extraProposals: Proposal[]): Promise<Uint8Array> {
  const context = await unguarded();
  const { commit } = await createCommit({
    context,
    state: secretsOf(device),
    extraProposals,
    wireAsPublicMessage: true,
  });
  return messageBytes(commit);
}

/** An external commit of a device that takes whom it likes for its former self. */
async function externalCommit(
  device: TestDevice,
  through: TestDevice,
  victim?: DeviceId,
  capabilities = CAPABILITIES,
  base?: MlsContext,
): Promise<Uint8Array> {
  const parts = { groupInfo: await through.group.groupInfo(), tree: through.group.tree() };
  return (await joinInPlaceOf(device, parts, victim, capabilities, base)).commit;
}

const packageBytes = (keyPackage: Awaited<ReturnType<typeof keyPackageOf>>['publicPackage']) =>
  messageBytes({ version: protocolVersions.mls10, wireformat: wireformats.mls_key_package, keyPackage });

describe('a device that joins by itself', () => {
  it('cannot remove somebody else, nor another device of its own user', async () => {
    const tablet = await world.device('mallory/tablet');
    await world.group(alice, bob, tablet);
    expect(await codeOf(alice.group.receive(await externalCommit(mallory, alice, bob.id)))).toBe('MLS_FOREIGN_REMOVAL');
    expect(await codeOf(alice.group.receive(await externalCommit(mallory, alice, tablet.id)))).toBe(
      'MLS_FOREIGN_REMOVAL',
    );
    expect(await codeOf(alice.group.receive(await externalCommit(mallory, alice)))).toBe('accepted');
  });

  it('cannot be in the group twice', async () => {
    await world.group(alice, bob, mallory);
    mallory.keys = await world.domain(mallory.id).device(mallory.id);
    expect(await codeOf(alice.group.receive(await externalCommit(mallory, alice)))).toBe('MLS_REFUSED');
    expect(await codeOf(alice.group.receive(await externalCommit(mallory, alice, mallory.id)))).toBe('accepted');
  });

  it('cannot stop the group by a leaf that nobody can commit beside, or encrypt to', async () => {
    await world.group(alice, bob);
    for (const wrong of [{ credentials: [] }, { ciphersuites: [] }, { versions: [] }]) {
      const commit = await externalCommit(mallory, alice, undefined, { ...CAPABILITIES, ...wrong });
      expect(await codeOf(alice.group.receive(commit))).toBe('MLS_REFUSED');
    }
    // Too short, and the point zero, which imports well and gives no secret with any key.
    for (const key of [new Uint8Array(31).fill(9), new Uint8Array(32)]) {
      const commit = await externalCommit(mallory, alice, undefined, CAPABILITIES, await withLeafKey(key));
      const before = alice.group.epochAuthenticator;
      expect(await codeOf(alice.group.receive(commit))).toBe('MLS_REFUSED');
      expect(alice.group.epochAuthenticator).toEqual(before);
    }
  });

  it('keeps what others say in its first epoch before the hub has answered', async () => {
    await world.group(alice, bob);
    const commit = await mallory.joinExternally(alice);
    await alice.group.receive(commit);
    const early = await alice.group.send(bytes('welcome'));
    expect(await mallory.group.receive(early)).toEqual([{ kind: 'waiting', epoch: 2n }]);
    mallory.reload();
    const kinds = (await mallory.group.accepted(mallory.group.pending?.id ?? '')).map(({ kind }) => kind);
    expect(kinds).toEqual(['commit', 'message']);
    // Another commit of the epoch that it wanted to leave from means that it lost.
    const [late] = await world.devices('late/pc');
    await late.joinExternally(bob);
    const { commit: other } = await bob.group.commit({}, request());
    expect(await codeOf(late.group.receive(other))).toBe('MLS_NOT_MEMBER');
  });

  it('cannot join where the conversation does not admit it, or when it is revoked', async () => {
    await world.group(alice, bob);
    const commit = await externalCommit(mallory, alice);
    world.policy.admits = ({ user }) => user !== 'mimi://alpha.example/u/mallory';
    expect(await codeOf(alice.group.receive(commit))).toBe('MLS_NOT_ADMITTED');
    world.policy.admits = () => true;
    await world.domain(mallory.id).revoke([serialOf(mallory.keys.certificates[0] ?? new Uint8Array())]);
    expect(await codeOf(alice.group.receive(commit))).toBe('MLS_CREDENTIAL_REVOKED');
    expect(alice.group.epoch).toBe(1n);
  });
});

describe('a commit of a member', () => {
  it('is refused when it contains what is not used here', async () => {
    await world.group(alice, bob, mallory);
    const state = secretsOf(mallory);
    const { keyPackage } = { keyPackage: parseKeyPackage((await mallory.keyPackage()).bytes) };
    const psk = { psktype: 1, pskId: bytes('x'), pskNonce: new Uint8Array(32) } as const;
    const proposals: Proposal[] = [
      { proposalType: defaultProposalTypes.psk, psk: { preSharedKeyId: psk } },
      { proposalType: defaultProposalTypes.group_context_extensions, groupContextExtensions: { extensions: [] } },
      {
        proposalType: defaultProposalTypes.reinit,
        reinit: { groupId: bytes(GROUP), version: 1, cipherSuite: 1, extensions: [] },
      },
      { proposalType: defaultProposalTypes.external_init, externalInit: { kemOutput: new Uint8Array(32) } },
      { proposalType: 0xf0f0, proposalData: bytes('x') },
    ];
    for (const proposal of proposals) {
      const commit = await signedCommit(state, { proposals: [byValue(proposal)], path: undefined });
      expect(await codeOf(alice.group.receive(messageBytes(commit)))).toBe('MLS_PROPOSAL_REFUSED');
    }
    for (const removed of [2, 5000]) {
      const commit = await signedCommit(state, { proposals: [byValue(remove(removed))], path: undefined });
      expect(await codeOf(alice.group.receive(messageBytes(commit)))).toBe('MLS_REFUSED');
    }
    const reference = { proposalOrRefType: 2, reference: new Uint8Array(32) } as const;
    const unknown = await signedCommit(state, { proposals: [reference], path: undefined });
    expect(await codeOf(alice.group.receive(messageBytes(unknown)))).toBe('MLS_REFUSED');
    const twin = await signedCommit(state, {
      proposals: [byValue({ proposalType: 1, add: { keyPackage } })],
      path: undefined,
    });
    expect(await codeOf(alice.group.receive(messageBytes(twin)))).toBe('MLS_REFUSED');
  });

  it('removes only whom the policy lets him', async () => {
    await world.group(alice, bob, mallory);
    world.policy.mayRemove = (by, whom) => by.user === whom.user;
    expect(await codeOf(alice.group.receive(await maliciousCommit(mallory, remove(1))))).toBe('MLS_NOT_ADMITTED');
    expect(await codeOf(alice.group.commit({ remove: [bob.id] }, request()))).toBe('MLS_NOT_ADMITTED');
  });

  it('is refused once he is revoked, and his lapse is shown', async () => {
    await world.group(alice, bob, mallory);
    const commit = await maliciousCommit(mallory);
    await world.domain(mallory.id).revoke([serialOf(mallory.keys.certificates[0] ?? new Uint8Array())]);
    expect(await codeOf(alice.group.receive(commit))).toBe('MLS_CREDENTIAL_REVOKED');
    expect((await alice.group.lapsed()).map(({ identity }) => identity.device)).toEqual([mallory.id]);
  });

  it('cannot make another device of his leaf', async () => {
    const other = await world.device('mallory/other');
    await world.group(alice, bob, mallory);
    const state = secretsOf(mallory);
    // The path's leaf is made from the leaf in the tree: here that of the other device, with its key.
    const tree = state.ratchetTree.slice();
    const { publicPackage } = await keyPackageOf(other, world.now);
    tree[4] = { nodeType: 1, leaf: publicPackage.leafNode };
    const context = await unguarded();
    const forged = { ...state, ratchetTree: tree, signaturePrivateKey: other.keys.signatureKey };
    const { commit } = await createCommit({ context, state: forged, wireAsPublicMessage: true });
    expect(await codeOf(alice.group.receive(messageBytes(commit)))).toBe('MLS_REFUSED');
  });

  it('cannot make another participant of his leaf', async () => {
    const named = (byte: number) => toBase64Url(new Uint8Array(16).fill(byte)) as ParticipantId;
    for (const [at, device] of [alice, bob, mallory].entries())
      device.keys = { ...device.keys, participant: named(at) };
    await world.group(alice, bob, mallory);
    const state = secretsOf(mallory);
    const tree = state.ratchetTree.slice();
    const own = tree[4];
    if (own?.nodeType !== 1) throw new Error('no leaf');
    tree[4] = { ...own, leaf: { ...own.leaf, extensions: [participantExtension(named(9))] } };
    const made = await createCommit({
      context: await unguarded(),
      state: { ...state, ratchetTree: tree },
      wireAsPublicMessage: true,
    });
    const refused = alice.group.receive(messageBytes(made.commit));
    await expect(refused).rejects.toThrow('a leaf became another participant');
  });

  it('must be readable by the hub, in this group and in this epoch', async () => {
    await world.group(alice, bob, mallory);
    const context = await unguarded();
    const state = secretsOf(mallory);
    const dark = await createCommit({ context, state });
    expect(await codeOf(alice.group.receive(messageBytes(dark.commit)))).toBe('MLS_UNSUPPORTED');
    const groupId = bytes('mimi://alpha.example/g/ZZECAwQFBgcICQoLDA0ODw');
    const elsewhere = { ...state, groupContext: { ...state.groupContext, groupId } };
    const foreign = await createCommit({ context, state: elsewhere, wireAsPublicMessage: true });
    expect(await codeOf(alice.group.receive(messageBytes(foreign.commit)))).toBe('MLS_WRONG_GROUP');
    const old = await maliciousCommit(mallory);
    const { id } = await alice.group.commit({}, request());
    await alice.group.accepted(id);
    expect(await codeOf(alice.group.receive(old))).toBe('MLS_EPOCH_PAST');
  });

  it('is refused when one bit of it is wrong', async () => {
    await world.group(alice, bob, mallory);
    const good = await maliciousCommit(mallory);
    for (let at = 0; at < good.length; at += 7) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(await codeOf(alice.group.receive(bad))).toMatch(/^MLS_(?!NOT_SAVED)/);
    }
    expect(alice.group.epoch).toBe(1n);
    expect(await codeOf(alice.group.receive(good))).toBe('accepted');
  });
});

describe('a proposal', () => {
  it('of a member is refused', async () => {
    await world.group(alice, bob, mallory);
    const context = await unguarded();
    const state = secretsOf(mallory);
    const { message } = await createProposal({ context, state, proposal: remove(1), wireAsPublicMessage: true });
    expect(await codeOf(alice.group.receive(messageBytes(message)))).toBe('MLS_PROPOSAL_REFUSED');
    expect(alice.group.hasProposals).toBe(false);
  });
});

describe('a proposal of the hub', () => {
  it('has to be committed before anything is sent, survives a start, and cannot be forged', async () => {
    const { cipherSuite } = await unguarded();
    const [keys, others] = [await cipherSuite.signature.keygen(), await cipherSuite.signature.keygen()];
    world = await World.make({ domain: 'alpha.example' as DomainName, signatureKey: keys.publicKey });
    [alice, bob, mallory] = await world.devices('alice/laptop', 'bob@beta/phone', 'mallory/pc');
    await world.group(alice, bob, mallory);
    const info = parseGroupInfo(await alice.group.groupInfo());
    const propose = async (proposal: Proposal, key: Uint8Array) =>
      messageBytes(await proposeExternal(info, proposal, keys.publicKey, key, cipherSuite));
    expect(await codeOf(alice.group.receive(await propose(remove(2), others.signKey)))).toBe('MLS_REFUSED');
    expect(await codeOf(alice.group.receive(await propose(remove(9), keys.signKey)))).toBe('MLS_REFUSED');
    const update = {
      proposalType: defaultProposalTypes.group_context_extensions,
      groupContextExtensions: { extensions: [] },
    };
    expect(await codeOf(alice.group.receive(await propose(update, keys.signKey)))).toBe('MLS_PROPOSAL_REFUSED');
    const good = await propose(remove(2), keys.signKey);
    for (const { group } of [alice, bob, mallory]) expect(await group.receive(good)).toEqual([{ kind: 'proposal' }]);
    alice.reload();
    expect(await codeOf(alice.group.send(bytes('x')))).toBe('MLS_PROPOSALS_PENDING');
    expect(await codeOf(mallory.group.commit({}, request()))).toBe('MLS_REFUSED');
    // The policy is about members: the hub's wish needs nobody's leave.
    world.policy.mayRemove = () => false;
    const { id, commit } = await alice.group.commit({}, request());
    await alice.group.accepted(id);
    expect(await bob.group.receive(commit)).toMatchObject([
      { kind: 'commit', left: [{ identity: { device: mallory.id } }] },
    ]);
    expect(await mallory.group.receive(commit)).toMatchObject([{ kind: 'removed' }]);
    expect(alice.group.epochAuthenticator).toEqual(bob.group.epochAuthenticator);
  });
});

describe('a key package', () => {
  it('is added only while it lives, rightly signed, by a device that is believed', async () => {
    await world.group(alice);
    const carol = await world.device('carol/tablet');
    const add = async (keyPackage: Uint8Array) => codeOf(alice.group.commit({ add: [keyPackage] }, request()));
    const { publicPackage } = await keyPackageOf(carol, world.now, world.now + DAY);
    world.now += 2 * DAY;
    expect(await add(packageBytes(publicPackage))).toBe('MLS_KEY_PACKAGE_REFUSED');
    const { publicPackage: eternal } = await keyPackageOf(carol, world.now, world.now + 1000 * DAY);
    expect(await add(packageBytes(eternal))).toBe('MLS_KEY_PACKAGE_REFUSED');
    const { publicPackage: fresh } = await keyPackageOf(carol, world.now);
    const wrong = fresh.signature.slice();
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    expect(await add(packageBytes({ ...fresh, signature: wrong }))).toBe('MLS_KEY_PACKAGE_REFUSED');
    const { publicPackage: foreign } = await keyPackageOf(
      { keys: { ...carol.keys, certificates: alice.keys.certificates } },
      world.now,
    );
    expect(await add(packageBytes(foreign))).toBe('MLS_CREDENTIAL_REFUSED');
    expect(await add(packageBytes(fresh))).toBe('accepted');
  });

  it('that is too old is also refused when another member added it', async () => {
    await world.group(alice, bob, mallory);
    const carol = await world.device('carol/tablet');
    const { publicPackage: keyPackage } = await keyPackageOf(carol, world.now, world.now + DAY);
    const commit = await maliciousCommit(mallory, { proposalType: 1, add: { keyPackage } });
    world.now += 2 * DAY;
    expect(await codeOf(alice.group.receive(commit))).toBe('MLS_KEY_PACKAGE_REFUSED');
  });
});

describe('a race', () => {
  it('leaves the loser able to follow the winner, also after a start', async () => {
    await world.group(alice, bob, mallory);
    const lost = await alice.group.commit({ remove: [mallory.id] }, request());
    const won = await bob.group.commit({}, request());
    await bob.group.accepted(won.id);
    alice.reload();
    expect(alice.group.pending).toEqual(lost);
    expect(await codeOf(alice.group.commit({}, request()))).toBe('MLS_COMMIT_PENDING');
    expect(await alice.group.receive(won.commit)).toMatchObject([{ kind: 'commit', race: 'won' }]);
    expect(await codeOf(alice.group.accepted(lost.id))).toBe('MLS_NO_PENDING_COMMIT');
    expect(alice.group.epochAuthenticator).toEqual(bob.group.epochAuthenticator);
    const again = await alice.group.commit({ remove: [mallory.id] }, request());
    await alice.group.accepted(again.id);
    await bob.group.receive(again.commit);
    expect(alice.group.epochAuthenticator).toEqual(bob.group.epochAuthenticator);
  });

  it('does not lose what was said while the winner waited for his answer', async () => {
    await world.group(alice, bob);
    const made = await alice.group.commit({}, request());
    const said = [await bob.group.send(bytes('one')), await bob.group.send(bytes('two'))];
    await alice.group.receive(said[1] ?? new Uint8Array());
    const own = await alice.group.send(bytes('three'));
    await alice.group.accepted(made.id);
    // The first was skipped before the commit, and its key must have come along; the second must not be read twice.
    expect(await alice.group.receive(said[0] ?? new Uint8Array())).toMatchObject([{ kind: 'message', epoch: 1n }]);
    expect(await codeOf(alice.group.receive(said[1] ?? new Uint8Array()))).toBe('MLS_UNREADABLE');
    expect(await bob.group.receive(own)).toMatchObject([{ kind: 'message' }]);
  });
});

describe('two calls at once', () => {
  it('go on from each other', async () => {
    await world.group(alice, bob);
    const said = await Promise.all(['one', 'two', 'three'].map((each) => alice.group.send(bytes(each))));
    const heard = await Promise.all(said.map((each) => bob.group.receive(each)));
    expect(heard.flat().map((each) => each.kind === 'message' && text(each.content))).toEqual(['one', 'two', 'three']);
    const commits = await Promise.allSettled([alice.group.commit({}, request()), alice.group.commit({}, request())]);
    expect(commits.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });
});

describe('the store', () => {
  it('has what was sent before it is sent, and a failure changes nothing', async () => {
    await world.group(alice, bob);
    for (const failing of ['before', 'after'] as const) {
      alice.store.failing = failing;
      expect(await codeOf(alice.group.send(bytes('x')))).toBe('MLS_NOT_SAVED');
      expect(await codeOf(alice.group.commit({}, request()))).toBe('MLS_NOT_SAVED');
      alice.store.failing = undefined;
      expect(alice.group.pending).toBeUndefined();
    }
    const sent = await alice.group.send(bytes('y'));
    const first = alice.store.copy();
    expect(await bob.group.receive(sent)).toMatchObject([{ kind: 'message' }]);
    // A start from what was stored when the bytes left must not use the same key again.
    const again = Group.load(first, alice.store, alice.env);
    expect(await bob.group.receive(await again.send(bytes('z')))).toMatchObject([{ kind: 'message' }]);
  });

  it('gets some hundred bytes for a message, and the tree once an epoch', async () => {
    const others = await world.devices('a/one', 'b/one', 'c/one', 'd/one', 'e/one', 'f/one');
    await world.group(alice, bob, ...others);
    const size = () => [...alice.store.last.values()].reduce((sum, value) => sum + (value?.length ?? 0), 0);
    await alice.group.send(bytes('first'));
    await alice.group.send(bytes('x'.repeat(5000)));
    expect([...alice.store.last.keys()]).toEqual([expect.stringMatching(/^epoch\/\d+\/ratchet\/0$/)]);
    expect(size()).toBeLessThan(300);
    await alice.group.receive(await bob.group.send(bytes('hello')));
    expect(size()).toBeLessThan(600);
    const { id } = await alice.group.commit({}, request());
    await alice.group.accepted(id);
    const keys = [...alice.store.last].filter(([, value]) => value !== undefined).map(([key]) => key);
    expect(keys.filter((key) => key.endsWith('/tree'))).toHaveLength(1);
    expect(alice.group.tree().length).toBeGreaterThan(4000);
  });
});

describe('time', () => {
  it('keeps the messages of past epochs readable for minutes, however many epochs there were', async () => {
    await world.group(alice, bob);
    const early = [await bob.group.send(bytes('one')), await bob.group.send(bytes('two'))];
    for (let round = 0; round < 12; round++) {
      const { id, commit } = await bob.group.commit({}, request());
      await bob.group.accepted(id);
      await alice.group.receive(commit);
      world.now += 1000;
    }
    alice.reload();
    expect(await alice.group.receive(early[1] ?? new Uint8Array())).toMatchObject([
      { kind: 'message', epoch: 1n, sender: { identity: { device: bob.id } } },
    ]);
    world.now += KEEP_PAST_EPOCHS;
    await alice.group.send(bytes('any step forgets'));
    expect(await codeOf(alice.group.receive(early[0] ?? new Uint8Array()))).toBe('MLS_EPOCH_PAST');
    world.now += KEEP_NEWEST_EPOCHS;
    await alice.group.send(bytes('the newest too'));
    expect([...alice.store.records.keys()].filter((key) => key.endsWith('/leaves'))).toEqual([]);
  });
});

describe('messages that come too early', () => {
  it('wait for their epoch, through a start, and are bounded in epochs and number', async () => {
    await world.group(alice, bob);
    const commits: Uint8Array[] = [];
    const ahead: Uint8Array[] = [];
    for (let round = 0n; round <= MAX_EPOCHS_AHEAD; round++) {
      const { id, commit } = await bob.group.commit({}, request());
      await bob.group.accepted(id);
      commits.push(commit);
      ahead.push(await bob.group.send(bytes(`in ${round}`)));
    }
    const [first = new Uint8Array(), second = new Uint8Array()] = ahead;
    expect(await alice.group.receive(first)).toEqual([{ kind: 'waiting', epoch: 2n }]);
    expect(await alice.group.receive(second)).toEqual([{ kind: 'waiting', epoch: 3n }]);
    expect(await codeOf(alice.group.receive(ahead.at(-1) ?? new Uint8Array()))).toBe('MLS_EPOCH_FUTURE');
    for (let more = 1; more < MAX_MESSAGES; more++) await alice.group.receive(first);
    expect(await codeOf(alice.group.receive(first))).toBe('MLS_EPOCH_FUTURE');
    alice.reload();
    const kinds = (await alice.group.receive(commits[0] ?? new Uint8Array())).map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(['commit', 'message', 'dropped']);
    expect((await alice.group.receive(commits[1] ?? new Uint8Array())).map(({ kind }) => kind)).toEqual([
      'commit',
      'message',
    ]);
    expect([...alice.store.records.keys()].filter((key) => key.startsWith('waiting/'))).toEqual([]);
  });
});

describe('a hub', () => {
  it('cannot put a device into a group that does not belong there, nor another group or hub in its place', async () => {
    await world.group(alice, mallory);
    world.policy.admits = ({ user }) => user !== 'mimi://alpha.example/u/mallory';
    expect(await codeOf(bob.joinExternally(alice))).toBe('MLS_NOT_ADMITTED');
    world.policy.admits = () => true;
    const parts = {
      groupInfo: await alice.group.groupInfo(),
      tree: alice.group.tree(),
      device: bob.keys,
      id: request(),
    };
    const other = 'mimi://alpha.example/g/ZZECAwQFBgcICQoLDA0ODw' as typeof GROUP;
    expect(await codeOf(Group.joinExternally({ ...parts, group: other }, bob.store, bob.env))).toBe('MLS_WRONG_GROUP');
    const hub = { domain: 'alpha.example', signatureKey: new Uint8Array(32) } as NonNullable<typeof bob.env.hub>;
    expect(await codeOf(Group.joinExternally({ ...parts, group: GROUP }, bob.store, { ...bob.env, hub }))).toBe(
      'MLS_REFUSED',
    );
    const tree = parts.tree.slice();
    tree[200] = (tree[200] ?? 0) ^ 1;
    expect(await codeOf(Group.joinExternally({ ...parts, tree, group: GROUP }, bob.store, bob.env))).toMatch(/^MLS_/);
  });

  it('learns nothing from what it orders that would let it read', async () => {
    await world.group(alice, bob);
    const { message } = parseFramed(await alice.group.send(bytes('for bob only')));
    expect(text(messageBytes(message))).not.toContain('for bob');
  });
});
