/** The call of a conversation. */
import { API, CallTicket } from '#signalling/client-home.ts';
import { Nothing } from '#signalling/contract.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation } from './parameters.ts';

export function callRoutes(app: App, { sessions, calls, sft, onTicket }: ClientApiOptions): void {
  const path = `${API}/conversations/:conversation/call`;
  const schema = { ...InConversation, body: Nothing };
  const ticketFor = async (user: UserId, conversation: ConversationId) => {
    const { ticket, participant, call } = await calls.ticket(user, conversation);
    onTicket();
    return { ticket, sft, participant, call };
  };

  // Starts the call, or finds the one that goes on, and lets in: one round trip from the click to the media server.
  const NO_CALL = ['HOME_NOT_FOUND', 'HOME_NO_CALL', 'HOME_SFT_UNREACHABLE', ...FEDERATION] as const;
  const start = told('Starts the call of a conversation, or joins the one that goes on.', {
    by: 'session',
    answer: CallTicket,
    refusals: NO_CALL,
  });
  app.post(path, { schema: { ...schema, ...start } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const { conversation } = request.params;
    await calls.start(user, conversation);
    return ticketFor(user, conversation);
  });

  const join = told('Joins the call that goes on.', { by: 'session', answer: CallTicket, refusals: NO_CALL });
  app.post(`${path}/tickets`, { schema: { ...schema, ...join } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return ticketFor(user, request.params.conversation);
  });

  const end = told('Ends the call for everybody.', { by: 'session', refusals: [...NO_CALL, 'HOME_FORBIDDEN'] });
  app.delete(path, { schema: { ...InConversation, ...end } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.end(user, request.params.conversation);
    reply.status(204);
  });
}
