/** The conversations of a person. */
import { API, NewConversation, NewMember } from '#signalling/client-home.ts';
import { shown } from '../../ds/changes.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation } from './parameters.ts';

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
}
