/** The parts of the library against the vectors of the standard: a fault in one of them is found here by its name. */
import {
  contentTypes,
  decode,
  encode,
  generateKeyPackage,
  mlsMessageDecoder,
  nodeTypes,
  type PskId,
  type RatchetTree,
} from 'ts-mls';
import { authenticatedContentDecoder } from 'ts-mls/internal/authenticatedContent.js';
import { commitEncoder } from 'ts-mls/internal/commit.js';
import { applyUpdatePathSecret } from 'ts-mls/internal/createCommit.js';
import { refhash } from 'ts-mls/internal/crypto/hash.js';
import { decryptWithLabel, encryptWithLabel } from 'ts-mls/internal/crypto/hpke.js';
import { deriveSecret, deriveTreeSecret, expandWithLabel } from 'ts-mls/internal/crypto/kdf.js';
import { signWithLabel, verifyWithLabel } from 'ts-mls/internal/crypto/signature.js';
import { verifyConfirmationTag } from 'ts-mls/internal/framedContent.js';
import { extractEpochSecret, type GroupContext, groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from 'ts-mls/internal/groupInfo.js';
import { makeKeyPackageRef } from 'ts-mls/internal/keyPackage.js';
import { initializeEpoch, mlsExporter } from 'ts-mls/internal/keySchedule.js';
import { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from 'ts-mls/internal/leafNode.js';
import { protectApplicationData, protectProposal, unprotectPrivateMessage } from 'ts-mls/internal/messageProtection.js';
import { protectProposalPublic, unprotectPublicMessage } from 'ts-mls/internal/messageProtectionPublic.js';
import { verifyParentHashes } from 'ts-mls/internal/parentHash.js';
import { getCommitSecret } from 'ts-mls/internal/pathSecrets.js';
import { toPrivateKeyPath } from 'ts-mls/internal/privateKeyPath.js';
import { proposalDecoder, proposalEncoder } from 'ts-mls/internal/proposal.js';
import { accumulatePskSecret } from 'ts-mls/internal/pskIndex.js';
import {
  addLeafNodeMutable,
  ratchetTreeDecoder,
  ratchetTreeEncoder,
  removeLeafNodeMutable,
  resolution,
  updateLeafNodeMutable,
} from 'ts-mls/internal/ratchetTree.js';
import { createSecretTree, ratchetToGeneration } from 'ts-mls/internal/secretTree.js';
import { expandSenderDataKey, expandSenderDataNonce, reuseGuardDecoder } from 'ts-mls/internal/sender.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/internal/transcriptHash.js';
import { treeHash, treeHashRoot } from 'ts-mls/internal/treeHash.js';
import { toLeafIndex, toNodeIndex } from 'ts-mls/internal/treemath.js';
import { applyUpdatePath, createUpdatePath, updatePathDecoder } from 'ts-mls/internal/updatePath.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/internal/welcome.js';
import { expect } from 'vitest';
import { CAPABILITIES, cipherSuite, SUITE } from './suite.ts';
import { hex, toHex } from './testing/hex.ts';
import { itMeets } from './testing/vectors.ts';

const cs = await cipherSuite();
const { hpke, kdf, hash, signature } = cs;
const RETENTION = { retainKeysForGenerations: 100, retainKeysForEpochs: 4, maximumForwardRatchetSteps: 100 };
const PADDING = { kind: 'padUntilLength', padUntilLength: 256 } as const;

function decoded<T>(decoder: (bytes: Uint8Array, offset: number) => [T, number] | undefined, text: string): T {
  const value = decode(decoder, hex(text));
  if (value === undefined) throw new Error('the vector cannot be decoded');
  return value;
}

function context(group: string, epoch: number, tree: string, transcript: string): GroupContext {
  return {
    version: 1,
    cipherSuite: SUITE,
    groupId: hex(group),
    epoch: BigInt(epoch),
    treeHash: hex(tree),
    confirmedTranscriptHash: hex(transcript),
    extensions: [],
  };
}

type Texts<K extends string> = Record<K, string>;

itMeets<{
  ref_hash: Texts<'label' | 'value' | 'out'>;
  expand_with_label: Texts<'secret' | 'label' | 'context' | 'out'> & { length: number };
  derive_secret: Texts<'secret' | 'label' | 'out'>;
  derive_tree_secret: Texts<'secret' | 'label' | 'out'> & { generation: number; length: number };
  sign_with_label: Texts<'priv' | 'pub' | 'content' | 'label' | 'signature'>;
  encrypt_with_label: Texts<'priv' | 'pub' | 'label' | 'context' | 'plaintext' | 'kem_output' | 'ciphertext'>;
}>('crypto-basics', async (v) => {
  const { ref_hash: ref, expand_with_label: expand, derive_secret: derive, derive_tree_secret: tree } = v;
  expect(toHex(await refhash(ref.label, hex(ref.value), hash))).toBe(ref.out);
  const expanded = await expandWithLabel(hex(expand.secret), expand.label, hex(expand.context), expand.length, kdf);
  expect(toHex(expanded)).toBe(expand.out);
  expect(toHex(await deriveSecret(hex(derive.secret), derive.label, kdf))).toBe(derive.out);
  const fromTree = await deriveTreeSecret(hex(tree.secret), tree.label, tree.generation, tree.length, kdf);
  expect(toHex(fromTree)).toBe(tree.out);
  const { sign_with_label: sign, encrypt_with_label: seal } = v;
  const [content, key] = [hex(sign.content), hex(sign.pub)];
  expect(await verifyWithLabel(key, sign.label, content, hex(sign.signature), signature)).toBe(true);
  const own = await signWithLabel(hex(sign.priv), sign.label, content, signature);
  expect(await verifyWithLabel(key, sign.label, content, own, signature)).toBe(true);
  const secret = await hpke.importPrivateKey(hex(seal.priv));
  const open = (kem: Uint8Array, ciphertext: Uint8Array) =>
    decryptWithLabel(secret, seal.label, hex(seal.context), kem, ciphertext, hpke);
  expect(toHex(await open(hex(seal.kem_output), hex(seal.ciphertext)))).toBe(seal.plaintext);
  const pub = await hpke.importPublicKey(hex(seal.pub));
  const { enc, ct } = await encryptWithLabel(pub, seal.label, hex(seal.context), hex(seal.plaintext), hpke);
  expect(toHex(await open(enc, ct))).toBe(seal.plaintext);
});

type Epoch = Texts<
  | 'commit_secret'
  | 'psk_secret'
  | 'confirmed_transcript_hash'
  | 'tree_hash'
  | 'group_context'
  | 'joiner_secret'
  | 'welcome_secret'
  | 'init_secret'
  | 'sender_data_secret'
  | 'encryption_secret'
  | 'exporter_secret'
  | 'epoch_authenticator'
  | 'external_secret'
  | 'confirmation_key'
  | 'membership_key'
  | 'resumption_psk'
  | 'external_pub'
> & { exporter: Texts<'label' | 'context' | 'secret'> & { length: number } };

itMeets<{ group_id: string; initial_init_secret: string; epochs: Epoch[] }>('key-schedule', async (v) => {
  let init = hex(v.initial_init_secret);
  for (const [number, epoch] of v.epochs.entries()) {
    const group = context(v.group_id, number, epoch.tree_hash, epoch.confirmed_transcript_hash);
    expect(toHex(encode(groupContextEncoder, group))).toBe(epoch.group_context);
    const secrets = await initializeEpoch(init, hex(epoch.commit_secret), group, hex(epoch.psk_secret), kdf);
    const { keySchedule: keys } = secrets;
    expect({
      joiner_secret: toHex(secrets.joinerSecret),
      welcome_secret: toHex(secrets.welcomeSecret),
      encryption_secret: toHex(secrets.encryptionSecret),
      init_secret: toHex(keys.initSecret),
      sender_data_secret: toHex(keys.senderDataSecret),
      exporter_secret: toHex(keys.exporterSecret),
      epoch_authenticator: toHex(keys.epochAuthenticator),
      external_secret: toHex(keys.externalSecret),
      confirmation_key: toHex(keys.confirmationKey),
      membership_key: toHex(keys.membershipKey),
      resumption_psk: toHex(keys.resumptionPsk),
      external_pub: toHex(await hpke.exportPublicKey((await hpke.deriveKeyPair(keys.externalSecret)).publicKey)),
    }).toEqual(Object.fromEntries(Object.entries(epoch).filter(([name]) => !NOT_DERIVED.has(name))));
    const { label, context: about, length, secret } = epoch.exporter;
    expect(toHex(await mlsExporter(keys.exporterSecret, label, hex(about), length, cs))).toBe(secret);
    init = keys.initSecret;
  }
});

const NOT_DERIVED = new Set([
  'commit_secret',
  'psk_secret',
  'confirmed_transcript_hash',
  'tree_hash',
  'group_context',
  'exporter',
]);

itMeets<
  Texts<
    | 'group_id'
    | 'tree_hash'
    | 'confirmed_transcript_hash'
    | 'signature_priv'
    | 'signature_pub'
    | 'encryption_secret'
    | 'sender_data_secret'
    | 'membership_key'
    | 'proposal'
    | 'proposal_priv'
    | 'proposal_pub'
    | 'commit'
    | 'commit_priv'
    | 'commit_pub'
    | 'application'
    | 'application_priv'
  > & { epoch: number }
>('message-protection', async (v) => {
  const group = context(v.group_id, v.epoch, v.tree_hash, v.confirmed_transcript_hash);
  // The vectors have no tree; the sender is the second of two leaves.
  const { publicPackage } = await generateKeyPackage({
    credential: { credentialType: 1, identity: new Uint8Array() },
    capabilities: CAPABILITIES,
    cipherSuite: cs,
  });
  const leaf = { nodeType: nodeTypes.leaf, leaf: publicPackage.leafNode };
  const tree: RatchetTree = [leaf, undefined, leaf];
  const [pub, priv, senderData] = [hex(v.signature_pub), hex(v.signature_priv), hex(v.sender_data_secret)];
  const secrets = () => createSecretTree(2, hex(v.encryption_secret));
  const opened = async (bytes: Uint8Array | string) => {
    const message = decode(mlsMessageDecoder, typeof bytes === 'string' ? hex(bytes) : bytes);
    if (message && 'privateMessage' in message) {
      const { privateMessage } = message;
      const all = [senderData, privateMessage, secrets(), tree, group, RETENTION, cs, pub] as const;
      return (await unprotectPrivateMessage(...all)).content.content;
    }
    if (!message || !('publicMessage' in message)) throw new Error('another message');
    return (await unprotectPublicMessage(hex(v.membership_key), group, tree, message.publicMessage, cs, pub)).content;
  };
  for (const message of [v.proposal_priv, v.proposal_pub]) {
    const content = await opened(message);
    if (content.contentType !== contentTypes.proposal) throw new Error('no proposal');
    expect(toHex(encode(proposalEncoder, content.proposal))).toBe(v.proposal);
  }
  for (const message of [v.commit_priv, v.commit_pub]) {
    const content = await opened(message);
    if (content.contentType !== contentTypes.commit) throw new Error('no commit');
    expect(toHex(encode(commitEncoder, content.commit))).toBe(v.commit);
  }
  const application = await opened(v.application_priv);
  if (application.contentType !== contentTypes.application) throw new Error('no application data');
  expect(toHex(application.applicationData)).toBe(v.application);

  // And what this library makes, it opens.
  const none = new Uint8Array();
  const proposal = decoded(proposalDecoder, v.proposal);
  const { publicMessage } = await protectProposalPublic(priv, hex(v.membership_key), group, none, proposal, 1, cs);
  const inOpen = await unprotectPublicMessage(hex(v.membership_key), group, tree, publicMessage, cs, pub);
  expect(inOpen.content).toMatchObject({ proposal });
  const hidden = await protectProposal(priv, senderData, proposal, none, group, secrets(), 1, PADDING, cs);
  const fromHidden = await unprotectPrivateMessage(
    ...([senderData, hidden.privateMessage, secrets(), tree, group, RETENTION, cs, pub] as const),
  );
  expect(fromHidden.content.content).toMatchObject({ proposal });
  const data = hex(v.application);
  const sent = await protectApplicationData(priv, senderData, data, none, group, secrets(), 1, PADDING, cs);
  const got = await unprotectPrivateMessage(
    ...([senderData, sent.privateMessage, secrets(), tree, group, RETENTION, cs, pub] as const),
  );
  expect(got.content.content).toMatchObject({ applicationData: data });
});

itMeets<{ psks: Texts<'psk_id' | 'psk' | 'psk_nonce'>[]; psk_secret: string }>('psk_secret', async (v) => {
  const ids = v.psks.map((each) => ({ psktype: 1, pskId: hex(each.psk_id), pskNonce: hex(each.psk_nonce) }) as const);
  const keys = new Map(v.psks.map((each) => [each.psk_id, hex(each.psk)]));
  const findPsk = (id: PskId) => ('pskId' in id ? keys.get(toHex(id.pskId)) : undefined);
  const [secret] = await accumulatePskSecret(ids, { findPsk }, cs, new Uint8Array(kdf.size));
  expect(toHex(secret)).toBe(v.psk_secret);
});

itMeets<{
  encryption_secret: string;
  sender_data: Texts<'sender_data_secret' | 'ciphertext' | 'key' | 'nonce'>;
  leaves: (Texts<'application_key' | 'application_nonce' | 'handshake_key' | 'handshake_nonce'> & {
    generation: number;
  })[][];
}>('secret-tree', async (v) => {
  const { sender_data_secret: secret, ciphertext, key, nonce } = v.sender_data;
  expect(toHex(await expandSenderDataKey(cs, hex(secret), hex(ciphertext)))).toBe(key);
  expect(toHex(await expandSenderDataNonce(cs, hex(secret), hex(ciphertext)))).toBe(nonce);
  let tree = createSecretTree(v.leaves.length, hex(v.encryption_secret));
  for (const [leafIndex, generations] of v.leaves.entries()) {
    for (const each of generations) {
      const reuseGuard = reuseGuardDecoder(new Uint8Array(4), 0)?.[0];
      if (reuseGuard === undefined) throw new Error('no guard');
      const data = { leafIndex, generation: each.generation, reuseGuard };
      const handshake = await ratchetToGeneration(tree, data, contentTypes.commit, RETENTION, cs);
      expect([toHex(handshake.key), toHex(handshake.nonce)]).toEqual([each.handshake_key, each.handshake_nonce]);
      const application = await ratchetToGeneration(handshake.newTree, data, contentTypes.application, RETENTION, cs);
      expect([toHex(application.key), toHex(application.nonce)]).toEqual([
        each.application_key,
        each.application_nonce,
      ]);
      tree = application.newTree;
    }
  }
});

itMeets<
  Texts<
    | 'confirmation_key'
    | 'authenticated_content'
    | 'interim_transcript_hash_before'
    | 'confirmed_transcript_hash_after'
    | 'interim_transcript_hash_after'
  >
>('transcript-hashes', async (v) => {
  const { wireformat, content, auth } = decoded(authenticatedContentDecoder, v.authenticated_content);
  if (content.contentType !== contentTypes.commit || auth.contentType !== contentTypes.commit)
    throw new Error('no commit');
  const input = { wireformat, content, signature: auth.signature };
  const confirmed = await createConfirmedHash(hex(v.interim_transcript_hash_before), input, hash);
  expect(toHex(confirmed)).toBe(v.confirmed_transcript_hash_after);
  expect(toHex(await createInterimHash(confirmed, auth.confirmationTag, hash))).toBe(v.interim_transcript_hash_after);
  expect(await verifyConfirmationTag(hex(v.confirmation_key), auth.confirmationTag, confirmed, hash)).toBe(true);
});

itMeets<
  Texts<'proposal' | 'tree_before' | 'tree_after' | 'tree_hash_before' | 'tree_hash_after'> & {
    proposal_sender: number;
  }
>('tree-operations', async (v) => {
  const tree = decoded(ratchetTreeDecoder, v.tree_before);
  expect(toHex(await treeHashRoot(tree, hash))).toBe(v.tree_hash_before);
  const proposal = decoded(proposalDecoder, v.proposal);
  if ('add' in proposal) addLeafNodeMutable(tree, proposal.add.keyPackage.leafNode);
  else if ('remove' in proposal) removeLeafNodeMutable(tree, toLeafIndex(proposal.remove.removed));
  else if ('update' in proposal) updateLeafNodeMutable(tree, proposal.update.leafNode, toLeafIndex(v.proposal_sender));
  else throw new Error('another proposal');
  expect(toHex(encode(ratchetTreeEncoder, tree))).toBe(v.tree_after);
  expect(toHex(await treeHashRoot(tree, hash))).toBe(v.tree_hash_after);
});

itMeets<{ tree: string; group_id: string; tree_hashes: string[]; resolutions: number[][] }>(
  'tree-validation',
  async (v) => {
    const tree = decoded(ratchetTreeDecoder, v.tree);
    for (const [index, nodes] of v.resolutions.entries()) expect(resolution(tree, toNodeIndex(index))).toEqual(nodes);
    for (const [index, wanted] of v.tree_hashes.entries()) {
      expect(toHex(await treeHash(tree, toNodeIndex(index), hash))).toBe(wanted);
    }
    expect(await verifyParentHashes(tree, hash)).toBe(true);
    for (const [index, node] of tree.entries()) {
      if (node?.nodeType !== nodeTypes.leaf) continue;
      const { leaf } = node;
      const signed =
        leaf.leafNodeSource === 1
          ? verifyLeafNodeSignatureKeyPackage(leaf, signature)
          : verifyLeafNodeSignature(leaf, hex(v.group_id), index / 2, signature);
      expect(await signed).toBe(true);
    }
  },
);

itMeets<{
  confirmed_transcript_hash: string;
  epoch: number;
  group_id: string;
  leaves_private: (Texts<'encryption_priv' | 'signature_priv'> & {
    index: number;
    path_secrets: { node: number; path_secret: string }[];
  })[];
  ratchet_tree: string;
  update_paths: {
    sender: number;
    update_path: string;
    path_secrets: (string | null)[];
    commit_secret: string;
    tree_hash_after: string;
  }[];
}>(
  'treekem',
  async (v) => {
    const before = () => decoded(ratchetTreeDecoder, v.ratchet_tree);
    const paths = new Map<number, Awaited<ReturnType<typeof toPrivateKeyPath>>>();
    for (const { index, encryption_priv: own, path_secrets: secrets } of v.leaves_private) {
      const known = Object.fromEntries(secrets.map((each) => [each.node, hex(each.path_secret)]));
      const path = await toPrivateKeyPath(known, index, cs);
      paths.set(index, { ...path, privateKeys: { ...path.privateKeys, [index * 2]: hex(own) } });
    }
    for (const update of v.update_paths) {
      const tree = before();
      const path = decoded(updatePathDecoder, update.update_path);
      await applyUpdatePath(tree, toLeafIndex(update.sender), path, hash);
      expect(toHex(await treeHashRoot(tree, hash))).toBe(update.tree_hash_after);
      const group = context(v.group_id, v.epoch, update.tree_hash_after, v.confirmed_transcript_hash);
      for (const [index, privatePath] of paths) {
        if (index === update.sender) continue;
        const { nodeIndex, pathSecret } = await applyUpdatePathSecret(
          before(),
          privatePath,
          toLeafIndex(update.sender),
          group,
          path,
          [],
          cs,
        );
        expect(toHex(pathSecret)).toBe(update.path_secrets[index]);
        expect(toHex(await getCommitSecret(tree, nodeIndex, pathSecret, kdf))).toBe(update.commit_secret);
      }
      // And a path of our own, which everybody else understands.
      const fresh = before();
      const signer = v.leaves_private.find(({ index }) => index === update.sender);
      const base = context(v.group_id, v.epoch - 1, update.tree_hash_after, v.confirmed_transcript_hash);
      const key = hex(signer?.signature_priv ?? '');
      const [ownTree, ownPath, secrets] = await createUpdatePath(
        before(),
        fresh,
        toLeafIndex(update.sender),
        base,
        key,
        cs,
      );
      const ownHash = toHex(await treeHashRoot(ownTree, hash));
      const after = context(v.group_id, v.epoch, ownHash, v.confirmed_transcript_hash);
      const top = secrets.at(-1)?.secret ?? new Uint8Array();
      for (const [index, privatePath] of paths) {
        if (index === update.sender) continue;
        const { nodeIndex, pathSecret } = await applyUpdatePathSecret(
          before(),
          privatePath,
          toLeafIndex(update.sender),
          after,
          ownPath,
          [],
          cs,
        );
        const commit = await getCommitSecret(ownTree, nodeIndex, pathSecret, kdf);
        expect(toHex(commit)).toBe(toHex(await deriveSecret(top, 'path', kdf)));
      }
    }
  },
  60_000,
);

itMeets<Texts<'init_priv' | 'key_package' | 'signer_pub' | 'welcome'>>('welcome', async (v) => {
  const message = decoded(mlsMessageDecoder, v.welcome);
  const own = decoded(mlsMessageDecoder, v.key_package);
  if (!('welcome' in message) || !('keyPackage' in own)) throw new Error('other messages');
  const secret = await hpke.importPrivateKey(hex(v.init_priv));
  const reference = await makeKeyPackageRef(own.keyPackage, hash);
  const secrets = await decryptGroupSecrets(secret, reference, message.welcome, hpke);
  if (secrets === undefined) throw new Error('no secrets');
  const psk = new Uint8Array(kdf.size);
  const info = await decryptGroupInfo(message.welcome, secrets.joinerSecret, psk, cs);
  if (info === undefined) throw new Error('no GroupInfo');
  expect(await verifyGroupInfoSignature(info, hex(v.signer_pub), signature)).toBe(true);
  expect(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, psk, cs)).toBe(true);
  expect(await extractEpochSecret(info.groupContext, secrets.joinerSecret, kdf, psk)).toHaveLength(kdf.size);
});
