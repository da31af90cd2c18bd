/** Three ways into a group: making it, a Welcome, and an external commit (RFC 9420, sections 11, 12.4.3.1, 12.4.3.2). */
import {
  type ClientState,
  createGroup,
  type GroupContext,
  joinGroup,
  joinGroupExternal,
  protocolVersions,
  type RatchetTree,
  wireformats,
} from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import type { GroupId } from '#signalling/ids.ts';
import { groupInfoBytes } from './commit.ts';
import { type DeviceKeys, makeKeyPackagePair, readSecrets } from './key-package.ts';
import { checkExtensions, type Environment, hubExtensions, withLibrary } from './library.ts';
import { checkDevicesOnce, membersOf } from './members.ts';
import { freshState, type GroupState, NO_HISTORY } from './state.ts';
import { groupIdBytes, groupIdIn, messageBytes, parseGroupInfo, parseTree, parseWelcome } from './wire.ts';

/** @throws {HawserError} what `Credentials.identify` throws of the own certificates; MLS_NOT_ADMITTED */
export async function makeGroup(group: GroupId, device: DeviceKeys, environment: Environment): Promise<GroupState> {
  const { credentials, policy, now, hub } = environment;
  const identity = await credentials.identify(device.certificates, device.signaturePublicKey, now());
  if (!policy.admits(identity)) throw new HawserError('MLS_NOT_ADMITTED');
  const { keyPackage, secrets } = await makeKeyPackagePair(device, now());
  const current = await withLibrary(environment, 'MLS_REFUSED', (context) =>
    createGroup({
      context,
      groupId: groupIdBytes(group),
      keyPackage,
      privateKeyPackage: secrets,
      extensions: hubExtensions(hub),
    }),
  );
  return freshState(current);
}

export interface WelcomeParts {
  readonly group: GroupId;
  /** An MLSMessage. */
  readonly welcome: Uint8Array;
  /** The tree of the epoch, from the hub. */
  readonly tree: Uint8Array;
  /** What `makeKeyPackage` gave for the key package that was used. To be thrown away after the join. */
  readonly secrets: Uint8Array;
}

/** @throws {HawserError} MLS_MALFORMED, MLS_WRONG_GROUP, MLS_REFUSED, MLS_NOT_ADMITTED and what `Credentials.identify` throws */
export async function joinByWelcome(
  { group, welcome, tree, secrets }: WelcomeParts,
  environment: Environment,
): Promise<GroupState> {
  const parsed = parseWelcome(welcome);
  const ratchetTree = parseTree(tree);
  const own = readSecrets(secrets);
  const state = await withLibrary(
    environment,
    'MLS_REFUSED',
    (context) =>
      joinGroup({ context, welcome: parsed, keyPackage: own.keyPackage, privateKeys: own.secrets, ratchetTree }),
    'lapsed too',
  );
  checkGroup(state.groupContext, state.ratchetTree, group, environment);
  return freshState(state);
}

export interface ExternalParts {
  readonly group: GroupId;
  /** An MLSMessage. */
  readonly groupInfo: Uint8Array;
  /** The tree of the epoch, from the hub. */
  readonly tree: Uint8Array;
  readonly device: DeviceKeys;
  /** A fresh request id. */
  readonly id: string;
}

/**
 * A state without a current epoch, whose pending commit leads into the group. A former leaf of the same device is replaced.
 * @throws {HawserError} MLS_MALFORMED, MLS_WRONG_GROUP, MLS_REFUSED, MLS_NOT_ADMITTED and what `Credentials.identify` throws
 */
export async function prepareExternalJoin(parts: ExternalParts, environment: Environment): Promise<GroupState> {
  const { group, device, id } = parts;
  const { credentials, policy, now } = environment;
  const groupInfo = parseGroupInfo(parts.groupInfo);
  const tree = parseTree(parts.tree);
  const identity = await credentials.identify(device.certificates, device.signaturePublicKey, now());
  if (!policy.admits(identity)) throw new HawserError('MLS_NOT_ADMITTED');
  // A tree inside would go before the one of the hub; there is one way for trees, not two.
  if (groupInfo.extensions.length !== 1) throw new HawserError('MLS_REFUSED', 'the GroupInfo has other extensions');
  checkGroup(groupInfo.groupContext, tree, group, environment, identity.device);
  const left = membersOf(tree).filter((member) => member.identity.device === identity.device);
  const { keyPackage, secrets } = await makeKeyPackagePair(device, now());
  const { publicMessage, newState } = await withLibrary(
    environment,
    'MLS_REFUSED',
    (context) =>
      joinGroupExternal({ context, groupInfo, keyPackage, privateKeys: secrets, tree, resync: left.length > 0 }),
    'lapsed too',
  );
  const next: ClientState = { ...newState, historicalReceiverData: NO_HISTORY };
  return freshState(undefined, {
    id,
    commit: messageBytes({
      version: protocolVersions.mls10,
      wireformat: wireformats.mls_public_message,
      publicMessage,
    }),
    welcome: undefined,
    groupInfo: await groupInfoBytes(next, environment),
    next,
    plan: { external: true, by: identity, joined: [identity], left },
  });
}

/**
 * What the library does not ask: the right group, the right hub, each device once, and nobody in it who does not belong there.
 * @param replaced the device that is about to take its own place
 * @throws {HawserError} MLS_WRONG_GROUP, MLS_REFUSED, MLS_NOT_ADMITTED
 */
export function checkGroup(
  context: GroupContext,
  tree: RatchetTree,
  group: GroupId,
  { hub, policy }: Environment,
  replaced?: string,
): void {
  if (groupIdIn(context.groupId) !== group) throw new HawserError('MLS_WRONG_GROUP');
  checkExtensions(context, hub);
  const members = membersOf(tree);
  checkDevicesOnce(members.map(({ identity }) => identity.device));
  const stranger = members.find(({ identity }) => identity.device !== replaced && !policy.admits(identity));
  if (stranger !== undefined)
    throw new HawserError('MLS_NOT_ADMITTED', 'the group has a member who does not belong to it');
}
