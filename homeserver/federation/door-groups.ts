/**
 * The part of the door for devices of other domains in groups of this hub. Their homeserver has looked who asks; here it is looked
 * whether they are its own, and then they are judged as devices of this domain are.
 */
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import {
  CommitSubmission,
  GoneDevices,
  GroupCreation,
  GroupInfoQuery,
  JoinQuery,
  TreeQuery,
  TurnQuery,
} from '#signalling/federation-groups.ts';
import { type DeviceId, DomainName, domainOf, RoomId, userOfDevice } from '#signalling/ids.ts';
import type { Asker, GroupOffice } from '../ds/group-office.ts';
import type { App } from '../http/fastify.ts';
import { peerIn, refuseOther } from './door.ts';

export interface GroupDoorOptions {
  readonly domain: DomainName;
  readonly groups: GroupOffice;
  /** Takes the devices' keys out of every group of this hub. */
  readonly removeDevice: (device: DeviceId) => Promise<void>;
  /** Devices of a domain are gone: its list of what it took back is newer than what is known. */
  readonly onGone: (domain: DomainName) => void;
  /** Up to where the feed of a domain goes at this moment. */
  readonly upTo: (domain: DomainName) => Promise<number>;
}

/** Shorter than the five seconds in which the other side expects an answer. ms */
const TURN_MS = 4_500;
/** Of one domain: questions for a turn that are held. The others are answered at once, so that they leave room for the rest. */
const MAX_HELD = 32;

/** A conversation, or the call in one. */
const About = { params: Closed({ conversation: RoomId }) };

export function groupDoor(app: App, { domain, groups, removeDevice, onGone, upTo }: GroupDoorOptions): void {
  const held = new Map<DomainName, number>();

  /** @throws HawserError FED_WRONG_DESTINATION, FED_FOREIGN */
  const asking = (request: object, room: RoomId, device: DeviceId): [Asker, DomainName] => {
    refuseOther(domain, domainOf(room));
    const from = peerIn(request);
    return [askerOf(from, device), from];
  };

  app.post(FEDERATION_PATHS.createGroup, { schema: { ...About, body: GroupCreation } }, async (request) => {
    const { conversation } = request.params;
    const [asker, from] = asking(request, conversation, request.body.device);
    const state = await groups.create(asker, conversation, request.body.group);
    return { state, upTo: await upTo(from) };
  });

  app.post(FEDERATION_PATHS.groupInfo, { schema: { ...About, body: GroupInfoQuery } }, async (request) => {
    const { conversation } = request.params;
    const [asker, from] = asking(request, conversation, request.body.device);
    const state = await groups.state(asker, conversation);
    return { state, upTo: await upTo(from) };
  });

  app.post(FEDERATION_PATHS.join, { schema: { ...About, body: JoinQuery } }, async (request) => {
    const { conversation } = request.params;
    const { device, join } = request.body;
    const [asker, from] = asking(request, conversation, device);
    const state = await groups.join(asker, conversation, join.keyPackage);
    return { ...(state && { state }), upTo: await upTo(from) };
  });

  app.post(FEDERATION_PATHS.tree, { schema: { ...About, body: TreeQuery } }, async (request) => {
    const { conversation } = request.params;
    const [asker] = asking(request, conversation, request.body.device);
    return { tree: await groups.tree(asker, conversation, request.body.epoch) };
  });

  app.post(FEDERATION_PATHS.commit, { schema: { ...About, body: CommitSubmission } }, async (request) => {
    const { conversation } = request.params;
    const [asker, from] = asking(request, conversation, request.body.device);
    const taken = await groups.commit(asker, conversation, request.body.commit);
    return { taken, upTo: await upTo(from) };
  });

  app.post(FEDERATION_PATHS.turn, { schema: { ...About, body: TurnQuery } }, async (request) => {
    const { conversation } = request.params;
    const [asker, from] = asking(request, conversation, request.body.device);
    const count = held.get(from) ?? 0;
    held.set(from, count + 1);
    try {
      return { isTurn: await within(count < MAX_HELD ? TURN_MS : 0, groups.waitForTurn(asker, conversation)) };
    } finally {
      const left = (held.get(from) ?? 1) - 1;
      if (left > 0) held.set(from, left);
      else held.delete(from);
    }
  });

  app.post(FEDERATION_PATHS.endTurn, { schema: { ...About, body: TurnQuery } }, async (request) => {
    const { conversation } = request.params;
    const [asker] = asking(request, conversation, request.body.device);
    await groups.endTurn(asker, conversation);
    return {};
  });

  app.post(
    FEDERATION_PATHS.goneDevices,
    { schema: { params: Closed({ domain: DomainName }), body: GoneDevices } },
    async (request) => {
      refuseOther(domain, request.params.domain);
      const from = peerIn(request);
      const { devices } = request.body;
      for (const device of devices) askerOf(from, device);
      onGone(from);
      // Where one fails the whole is asked again, which does no harm to the others.
      for (const device of devices) await removeDevice(device);
      return {};
    },
  );
}

/** @throws HawserError FED_FOREIGN: a domain asks for its own devices only */
function askerOf(from: DomainName, device: DeviceId): Asker {
  if (domainOf(device) !== from) throw new HawserError('FED_FOREIGN');
  return { user: userOfDevice(device), device };
}

/** Whether it came in time. Rejects as it does; what comes of it later is nobody's. */
async function within(ms: number, turn: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([turn.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
    turn.catch(() => undefined);
  }
}
