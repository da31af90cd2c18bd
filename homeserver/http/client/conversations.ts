/** The conversations of a person. */
import { API, Conversation, Conversations, NewConversation, NewMember } from '#signalling/client-home.ts';
import { shown } from '../../ds/changes.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation } from './parameters.ts';

export function conversationRoutes(app: App, { sessions, conversations }: ClientApiOptions): void {
  const list = told('The conversations of a person.', { by: 'session', answer: Conversations });
  app.get(`${API}/conversations`, { schema: list }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { conversations: (await conversations.list(user)).map(shown) };
  });

  const create = told('Makes a conversation, of people of any organisations that allow each other.', {
    by: 'session',
    status: 201,
    answer: Conversation,
    refusals: ['HOME_NOT_FOUND', 'HOME_NOT_CONNECTED', 'HOME_FORBIDDEN', ...FEDERATION, 'FED_NON_FEDERATING'],
  });
  app.post(`${API}/conversations`, { schema: { body: NewConversation, ...create } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    const { title, members } = request.body;
    reply.status(201);
    return shown(await conversations.create(user, title, members));
  });

  const get = told('One conversation.', { by: 'session', answer: Conversation, refusals: ['HOME_NOT_FOUND'] });
  app.get(`${API}/conversations/:conversation`, { schema: { ...InConversation, ...get } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return shown(await conversations.get(user, request.params.conversation));
  });

  const add = told('Adds a person to a conversation.', {
    by: 'session',
    answer: Conversation,
    refusals: ['HOME_NOT_FOUND', 'HOME_NOT_CONNECTED', 'HOME_FORBIDDEN', ...FEDERATION, 'FED_NON_FEDERATING'],
  });
  app.post(
    `${API}/conversations/:conversation/members`,
    { schema: { ...InConversation, body: NewMember, ...add } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.addMember(user, request.params.conversation, request.body.user));
    },
  );
}
