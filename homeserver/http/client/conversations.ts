/** The conversations of a person. */
import {
  API,
  Conversation,
  Conversations,
  NewConversation,
  NewMember,
  NewRole,
  NewTitle,
} from '#signalling/client-home.ts';
import { shown } from '../../ds/changes.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation, OfMember } from './parameters.ts';

export function conversationRoutes(app: App, { sessions, conversations }: ClientApiOptions): void {
  const list = told(
    'The conversations of a person; of a guest, the one with the call that he is invited to, as far as he sees it.',
    { by: 'session', guests: true, answer: Conversations },
  );
  app.get(`${API}/conversations`, { schema: list }, async (request) => {
    const { user, guest } = await authenticate(sessions, request);
    if (guest !== undefined) return { conversations: await conversations.listAsGuest(user, guest) };
    return { conversations: (await conversations.list(user)).map(shown) };
  });

  const create = told('Makes a conversation, of people of any organisations that allow each other.', {
    by: 'session',
    status: 201,
    answer: Conversation,
    refusals: ['HOME_BAD_TITLE', 'HOME_NOT_CONNECTED', ...FEDERATION, 'FED_NON_FEDERATING'],
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
    refusals: ['HOME_CONVERSATION_FULL', 'HOME_NOT_CONNECTED', ...FEDERATION, 'FED_NON_FEDERATING'],
  });
  app.post(
    `${API}/conversations/:conversation/members`,
    { schema: { ...InConversation, body: NewMember, ...add } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.addMember(user, request.params.conversation, request.body.user));
    },
  );

  const rename = told('Gives a conversation another title.', {
    by: 'session',
    answer: Conversation,
    refusals: ['HOME_BAD_TITLE', ...FEDERATION],
  });
  app.put(
    `${API}/conversations/:conversation/title`,
    { schema: { ...InConversation, body: NewTitle, ...rename } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      return shown(await conversations.changeTitle(user, request.params.conversation, request.body.title));
    },
  );

  const promote = told('Gives a member another role.', {
    by: 'session',
    answer: Conversation,
    refusals: ['HOME_LAST_ADMIN', 'HOME_GUEST_ROLE', ...FEDERATION],
  });
  app.put(
    `${API}/conversations/:conversation/members/:user/role`,
    { schema: { ...OfMember, body: NewRole, ...promote } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      const { conversation, user: other } = request.params;
      return shown(await conversations.changeRole(user, conversation, other, request.body.role));
    },
  );

  const remove = told('Takes somebody else out of a conversation.', {
    by: 'session',
    answer: Conversation,
    refusals: ['HOME_REMOVE_SELF', ...FEDERATION],
  });
  app.delete(
    `${API}/conversations/:conversation/members/:user`,
    { schema: { ...OfMember, ...remove } },
    async (request) => {
      const { user } = await authenticate(sessions, request);
      const { conversation, user: other } = request.params;
      return shown(await conversations.removeMember(user, conversation, other));
    },
  );

  const leave = told('Leaves a conversation.', { by: 'session', refusals: FEDERATION });
  app.delete(
    `${API}/conversations/:conversation/members/me`,
    { schema: { ...InConversation, ...leave } },
    async (request, reply) => {
      const { user } = await authenticate(sessions, request);
      await conversations.leave(user, request.params.conversation);
      reply.status(204);
    },
  );
}
