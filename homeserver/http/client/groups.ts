/** The MLS group of a conversation, what is sent to it, and what waits for a device. */

import Type from 'typebox';
import { API } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { NewCommit, NewGroup, NewMessage } from '#signalling/groups.ts';
import { ConversationId } from '#signalling/ids.ts';
import { Acknowledgement } from '#signalling/queue.ts';
import { authenticate, authenticateDevice } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation } from './parameters.ts';

/** A tree of the largest group, in base64, with a GroupInfo. */
const GROUP_LIMIT = 4 * 1024 * 1024;
/** Commits and new groups of one device: each costs the hub some ms. */
const COMMITS_PER_SECOND = 10;
/** Messages of one device: nobody types faster. Over the WebSocket its own limit holds. */
const MESSAGES_PER_SECOND = 30;

// Numbers in a URL are text; what is no number is refused.
const Digits = Type.String({ pattern: '^[0-9]{1,15}$' });
const OneEpoch = { params: Closed({ conversation: ConversationId, epoch: Digits }) };
const After = Closed({ after: Digits });

export function groupRoutes(app: App, { sessions, groups, queues, world }: ClientApiOptions): void {
  const commits = new RateLimit(COMMITS_PER_SECOND, world.now);
  const messages = new RateLimit(MESSAGES_PER_SECOND, world.now);
  const path = `${API}/conversations/:conversation/group`;
  const large = { bodyLimit: GROUP_LIMIT };

  app.post(path, { schema: { ...InConversation, body: NewGroup }, ...large }, async (request, reply) => {
    const asker = await authenticateDevice(sessions, request);
    if (!commits.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return groups.create(asker, request.params.conversation, request.body);
  });

  app.get(path, { schema: InConversation }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return groups.state(user, request.params.conversation);
  });

  app.get(`${path}/trees/:epoch`, { schema: OneEpoch }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const { conversation, epoch } = request.params;
    return { tree: await groups.tree(user, conversation, Number(epoch)) };
  });

  app.post(`${path}/commits`, { schema: { ...InConversation, body: NewCommit }, ...large }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    if (!commits.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    return groups.commit(asker, request.params.conversation, request.body);
  });

  app.post(`${path}/turns`, { schema: { ...InConversation, body: Nothing } }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    await groups.waitForTurn(asker, request.params.conversation);
    return {};
  });

  app.delete(`${path}/turns`, { schema: InConversation }, async (request, reply) => {
    groups.endTurn(await authenticateDevice(sessions, request), request.params.conversation);
    reply.status(204);
  });

  app.post(`${API}/messages`, { schema: { body: NewMessage }, bodyLimit: 256 * 1024 }, async (request) => {
    const asker = await authenticateDevice(sessions, request);
    if (!messages.take(asker.device)) throw new HawserError('HOME_SLOW_DOWN');
    return groups.send(asker, request.body);
  });

  app.get(`${API}/queue`, { schema: { querystring: After } }, async (request) => {
    const { device } = await authenticateDevice(sessions, request);
    return { entries: await queues.waiting(device, Number(request.query.after)) };
  });

  app.post(`${API}/queue/acknowledgements`, { schema: { body: Acknowledgement } }, async (request, reply) => {
    const { device } = await authenticateDevice(sessions, request);
    await queues.acknowledge(device, request.body.position);
    reply.status(204);
  });
}
