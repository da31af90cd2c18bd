/** The call of a conversation. */
import { API, CallTicket, LobbyAnswer, NewMute, TicketWish } from '#signalling/client-home.ts';
import { Nothing } from '#signalling/contract.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { CallRulesChange } from '#signalling/moderation.ts';
import type { Authenticated } from '../../as/sessions.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation, OfMember } from './parameters.ts';

export function callRoutes(app: App, { sessions, calls, relays, sft, onTicket }: ClientApiOptions): void {
  const path = `${API}/conversations/:conversation/call`;
  const schema = { ...InConversation, body: Nothing };
  const ticketFor = async ({ user, device }: Authenticated, conversation: ConversationId, former?: ParticipantId) => {
    const { ticket, participant, call } = await calls.ticket(user, conversation, former);
    onTicket();
    const offer = relays.offer(device ?? user);
    return { ticket, sft, participant, call, ...(offer && { relays: offer }) };
  };

  // Starts the call, or finds the one that goes on, and lets in: one round trip from the click to the media server.
  const NO_ENTRY = ['HOME_CALL_LOBBY', 'HOME_CALL_LOCKED', 'HOME_CALL_BARRED'] as const;
  const NO_CALL = ['HOME_NOT_FOUND', 'HOME_NO_CALL', 'HOME_SFT_UNREACHABLE', ...FEDERATION] as const;
  const start = told('Starts the call of a conversation, or joins the one that goes on.', {
    by: 'session',
    answer: CallTicket,
    refusals: [...NO_CALL, ...NO_ENTRY, 'SFT_DRAINING'],
  });
  app.post(path, { schema: { ...schema, ...start } }, async (request) => {
    const self = await authenticate(sessions, request);
    const { conversation } = request.params;
    await calls.start(self.user, conversation);
    return ticketFor(self, conversation);
  });

  const join = told('Joins the call that goes on, or comes back to it after the connection broke.', {
    by: 'session',
    guests: true,
    answer: CallTicket,
    refusals: [...NO_CALL, ...NO_ENTRY],
  });
  app.post(`${path}/tickets`, { schema: { ...InConversation, body: TicketWish, ...join } }, async (request) => {
    const self = await authenticate(sessions, request);
    return ticketFor(self, request.params.conversation, request.body.participant);
  });

  const end = told('Ends the call for everybody.', { by: 'session', refusals: [...NO_CALL, 'HOME_FORBIDDEN'] });
  app.delete(path, { schema: { ...InConversation, ...end } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.end(user, request.params.conversation);
    reply.status(204);
  });

  moderationRoutes(app, path, { sessions, calls });
}

/** What is decided about a call while it goes on, and who waits to be let in. All of it is told to everybody in the conversation. */
function moderationRoutes(
  app: App,
  path: string,
  { sessions, calls }: Pick<ClientApiOptions, 'sessions' | 'calls'>,
): void {
  const refusals = ['HOME_NOT_FOUND', 'HOME_NO_CALL', 'HOME_FORBIDDEN', ...FEDERATION] as const;

  const rule = told('Decides who may speak, show video, share and come in. What is not named stays as it is.', {
    by: 'session',
    refusals,
  });
  app.patch(path, { schema: { ...InConversation, body: CallRulesChange, ...rule } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.moderate(user, request.params.conversation, { type: 'ruleCall', rules: request.body });
    reply.status(204);
  });

  const mute = told('Mutes one microphone, or everybody’s but the own one.', { by: 'session', refusals });
  app.post(`${path}/mutes`, { schema: { ...InConversation, body: NewMute, ...mute } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.moderate(user, request.params.conversation, { type: 'muteInCall', ...request.body });
    reply.status(204);
  });

  const letIn = told('Lets somebody into the call who waits, or was put out.', { by: 'session', refusals });
  app.put(`${path}/people/:user`, { schema: { ...OfMember, ...letIn } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    const { conversation, user: whom } = request.params;
    await calls.moderate(user, conversation, { type: 'letIntoCall', user: whom });
    reply.status(204);
  });

  const putOut = told(
    'Puts somebody out of the call, or turns away who waits. He comes in again only where he is let in.',
    {
      by: 'session',
      refusals,
    },
  );
  app.delete(`${path}/people/:user`, { schema: { ...OfMember, ...putOut } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    const { conversation, user: whom } = request.params;
    await calls.moderate(user, conversation, { type: 'putOutOfCall', user: whom });
    reply.status(204);
  });

  const knock = told('Waits to be let into the call. To be asked again every two minutes.', {
    by: 'session',
    guests: true,
    answer: LobbyAnswer,
    refusals: [...refusals, 'HOME_CALL_LOCKED', 'HOME_CALL_BARRED', 'HOME_LOBBY_FULL'],
  });
  app.put(`${path}/lobby`, { schema: { ...InConversation, ...knock } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const { moderation } = await calls.moderate(user, request.params.conversation, { type: 'knock' });
    return { entry: moderation?.waiting.some((each) => each.user === user) ? ('lobby' as const) : ('open' as const) };
  });

  const stop = told('Does not wait any more.', { by: 'session', guests: true, refusals });
  app.delete(`${path}/lobby`, { schema: { ...InConversation, ...stop } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await calls.moderate(user, request.params.conversation, { type: 'stopKnocking' });
    reply.status(204);
  });
}
