/** The MLS group of a conversation, what is sent to it, and what waits for a device. */

import Type from 'typebox';
import { API } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import {
  GroupState,
  GroupTree,
  JoinAnswer,
  NewCommit,
  NewGroup,
  NewJoin,
  NewMessage,
  SentMessage,
  TakenCommit,
} from '#signalling/groups.ts';
import { RoomId } from '#signalling/ids.ts';
import { Acknowledgement, Delivery } from '#signalling/queue.ts';
import { authenticateDevice } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** A tree of the largest group, in base64, with a GroupInfo. */
const GROUP_LIMIT = 4 * 1024 * 1024;
/** Commits and new groups of one device: each costs the hub some ms. */
const COMMITS_PER_SECOND = 10;
/** Messages of one device: nobody types faster. Over the WebSocket its own limit holds. */
const MESSAGES_PER_SECOND = 30;

/** Where the asker is no member, the conversation has no group, or the call is over. */
const NO_GROUP = ['HOME_NOT_FOUND', 'HOME_NO_GROUP', 'HOME_NO_CALL'] as const;
/** What the hub refuses because a conforming member would (RFC 9420). */
const AGAINST_MLS = [
  'MLS_MALFORMED',
  'MLS_REFUSED',
  'MLS_UNSUPPORTED',
  'MLS_TOO_LARGE',
  'MLS_WRONG_GROUP',
  'MLS_EPOCH_PAST',
  'MLS_EPOCH_FUTURE',
  'MLS_NOT_MEMBER',
  'MLS_NOT_ADMITTED',
  'MLS_PROPOSAL_REFUSED',
  'MLS_PROPOSALS_PENDING',
  'MLS_FOREIGN_REMOVAL',
  'MLS_GROUP_INFO_REFUSED',
  'MLS_KEY_PACKAGE_REFUSED',
  'MLS_WELCOME_REFUSED',
  'MLS_UNKNOWN_DEVICE',
  'MLS_CREDENTIAL_REFUSED',
  'MLS_CREDENTIAL_REVOKED',
  'MLS_CREDENTIAL_EXPIRED',
  'MLS_REVOCATION_UNKNOWN',
] as const satisfies readonly ErrorCode[];

/** Where another domain is the hub. */
const OF_ITS_HUB = [
  'FED_UNREACHABLE',
  'FED_NOT_ALLOWED',
  'FED_REFUSED',
  'FED_TLS',
  'FED_VERSION',
  'FED_OLD_VERSION',
  'FED_FOREIGN',
  'FED_WRONG_DESTINATION',
  'FED_SCOPE',
  'FED_LIMIT',
  'FED_KEY_WAITS',
] as const satisfies readonly ErrorCode[];
/** Of a conversation that the homeserver of another organisation orders. */
const BY_ANOTHER_HUB = [
  'FED_NOT_ALLOWED',
  'FED_REFUSED',
  'FED_UNREACHABLE',
  'FED_OLD_VERSION',
  'FED_SCOPE',
  'FED_FOREIGN',
  'FED_EQUIVOCATED',
  'FED_WAITING_FULL',
] as const satisfies readonly ErrorCode[];

// Numbers in a URL are text; what is no number is refused.
const Digits = Type.String({ pattern: '^[0-9]{1,15}$' });
/** A conversation, or the call in one. */
const InRoom = { params: Closed({ conversation: RoomId }) };
const OneEpoch = { params: Closed({ conversation: RoomId, epoch: Digits }) };
const After = Closed({ after: Digits });

export function groupRoutes(app: App, { sessions, office, send: sendMessage, queues, world }: ClientApiOptions): void {
  const commits = new RateLimit(COMMITS_PER_SECOND, world.now);
  const messages = new RateLimit(MESSAGES_PER_SECOND, world.now);
  const path = `${API}/conversations/:conversation/group`;
  const large = { bodyLimit: GROUP_LIMIT };

  const create = told('Makes the MLS group of a conversation, with the asking device alone in it.', {
    by: 'device',
    guests: true,
    status: 201,
    answer: GroupState,
    refusals: ['HOME_NOT_FOUND', 'HOME_NO_CALL', 'HOME_GROUP_EXISTS', ...AGAINST_MLS, ...OF_ITS_HUB, 'HOME_SLOW_DOWN'],
  });
  app.post(path, { schema: { ...InRoom, body: NewGroup, ...create }, ...large }, async (request, reply) => {
    const asker = await authenticateDevice(sessions, request);
    if (!commits.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return office(request.params.conversation).create(asker, request.params.conversation, request.body);
  });

  const state = told('What a device joins by itself with, in an external commit.', {
    by: 'device',
    guests: true,
    answer: GroupState,
    refusals: [...NO_GROUP, ...AGAINST_MLS, ...OF_ITS_HUB],
  });
  app.get(path, { schema: { ...InRoom, ...state } }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    return office(request.params.conversation).state(asker, request.params.conversation);
  });

  const join = told(
    'A device wants to come into the group of a call: it is told what it joins by itself with, or is let in with others and finds a Welcome in its queue.',
    {
      by: 'device',
      guests: true,
      answer: JoinAnswer,
      refusals: [...NO_GROUP, 'HOME_FORBIDDEN', ...AGAINST_MLS, ...OF_ITS_HUB, 'HOME_SLOW_DOWN'],
    },
  );
  app.post(`${path}/joins`, { schema: { ...InRoom, body: NewJoin, ...join } }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    if (!commits.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    const { conversation } = request.params;
    const state = await office(conversation).join(asker, conversation, request.body.keyPackage);
    return state ? { state } : {};
  });

  const tree = told('The tree to a Welcome, for an hour.', {
    by: 'device',
    guests: true,
    answer: GroupTree,
    refusals: [...NO_GROUP, ...OF_ITS_HUB],
  });
  app.get(`${path}/trees/:epoch`, { schema: { ...OneEpoch, ...tree } }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    const { conversation, epoch } = request.params;
    return { tree: await office(conversation).tree(asker, conversation, Number(epoch)) };
  });

  const commit = told('Changes the group. The hub takes one commit for each epoch.', {
    by: 'device',
    guests: true,
    answer: TakenCommit,
    refusals: [...NO_GROUP, 'HOME_FORBIDDEN', ...AGAINST_MLS, ...OF_ITS_HUB, 'HOME_SLOW_DOWN'],
  });
  app.post(`${path}/commits`, { schema: { ...InRoom, body: NewCommit, ...commit }, ...large }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    if (!commits.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    return office(request.params.conversation).commit(asker, request.params.conversation, request.body);
  });

  const turn = told("Answered when it is the device's turn to commit, after it lost a race.", {
    by: 'device',
    guests: true,
    answer: Nothing,
    refusals: [...NO_GROUP, ...OF_ITS_HUB, 'HOME_SLOW_DOWN', 'SIG_CLOSED'],
  });
  app.post(`${path}/turns`, { schema: { ...InRoom, body: Nothing, ...turn } }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    await office(request.params.conversation).waitForTurn(asker, request.params.conversation);
    return {};
  });

  const endTurn = told('Gives a turn back unused.', {
    by: 'device',
    guests: true,
    refusals: [...NO_GROUP, ...OF_ITS_HUB],
  });
  app.delete(`${path}/turns`, { schema: { ...InRoom, ...endTurn } }, async (request, reply) => {
    const asker = await authenticateDevice(sessions, request);
    await office(request.params.conversation).endTurn(asker, request.params.conversation);
    reply.status(204);
  });

  const send = told(
    'Sends an encrypted message to the group of a conversation. The same number again is the same message. Where the homeserver of another organisation orders the conversation and cannot be reached, it waits.',
    {
      by: 'device',
      answer: SentMessage,
      refusals: [...NO_GROUP, ...AGAINST_MLS, ...BY_ANOTHER_HUB, 'HOME_SLOW_DOWN'],
    },
  );
  app.post(`${API}/messages`, { schema: { body: NewMessage, ...send }, bodyLimit: 256 * 1024 }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    if (!messages.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    return sendMessage(asker, request.body);
  });

  const waiting = told('What waits for the device behind a position, for clients without a WebSocket.', {
    by: 'device',
    guests: true,
    answer: Delivery,
  });
  app.get(`${API}/queue`, { schema: { querystring: After, ...waiting } }, async (request) => {
    const { device } = await authenticateDevice(sessions, request);
    return { entries: await queues.waiting(device, Number(request.query.after)) };
  });

  const acknowledge = told('Everything up to this position is on the device, and may be forgotten here.', {
    by: 'device',
    guests: true,
  });
  app.post(
    `${API}/queue/acknowledgements`,
    { schema: { body: Acknowledgement, ...acknowledge } },
    async (request, reply) => {
      const { device } = await authenticateDevice(sessions, request);
      await queues.acknowledge(device, request.body.position);
      reply.status(204);
    },
  );
}
