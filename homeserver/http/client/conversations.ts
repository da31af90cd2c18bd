/** The conversations of a person. */
import { API, NewConversation, NewMember, NewRole, NewTitle } from '#signalling/client-home.ts';
import { shown } from '../../ds/changes.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation, OfMember } from './parameters.ts';

export function conversationRoutes(app: App, { sessions, conversations }: ClientApiOptions): void {
  app.get(`${API}/conversations`, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { conversations: (await conversations.list(user)).map(shown) };
  });

  app.post(`${API}/conversations`, { schema: { body: NewConversation } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    const { title, members } = request.body;
    reply.status(201);
    return shown(await conversations.create(user, title, members));
  });

  app.get(`${API}/conversations/:conversation`, { schema: InConversation }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return shown(await conversations.get(user, request.params.conversation));
  });

  app.post(
    `${API}/conversations/:conversation/members`,
    { schema: { ...InConversation, body: NewMember } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.addMember(user, request.params.conversation, request.body.user));
    },
  );

  app.put(
    `${API}/conversations/:conversation/title`,
    { schema: { ...InConversation, body: NewTitle } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.changeTitle(user, request.params.conversation, request.body.title));
    },
  );

  app.put(
    `${API}/conversations/:conversation/members/:user/role`,
    { schema: { ...OfMember, body: NewRole } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      const { conversation, user: other } = request.params;
      return shown(await conversations.changeRole(user, conversation, other, request.body.role));
    },
  );

  app.delete(`${API}/conversations/:conversation/members/:user`, { schema: OfMember }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const { conversation, user: other } = request.params;
    return shown(await conversations.removeMember(user, conversation, other));
  });

  app.delete(`${API}/conversations/:conversation/members/me`, { schema: InConversation }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await conversations.leave(user, request.params.conversation);
    reply.status(204);
  });
}
