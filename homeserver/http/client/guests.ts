/** Guests of a call: the links that invite to it, and how somebody without an account comes by one. */
import { API, Session } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import {
  GivenGuestLink,
  GUEST_MS,
  GuestInvitation,
  GuestLinkId,
  GuestLinks,
  MadeGuestLink,
  NewGuest,
} from '#signalling/guests.ts';
import { ConversationId } from '#signalling/ids.ts';
import { ownUserOf } from '../../as/accounts.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { InConversation } from './parameters.ts';

const OneLink = { params: Closed({ conversation: ConversationId, id: GuestLinkId }) };

export function guestRoutes(app: App, { sessions, guests, domain }: ClientApiOptions): void {
  const path = `${API}/conversations/:conversation/call/guest-links`;
  const refusals = ['HOME_NO_CALL'] as const;

  const make = told(
    'Makes a link by which people without an account come to the call, at most 24 hours and while it goes on.',
    {
      by: 'session',
      status: 201,
      answer: MadeGuestLink,
      refusals: [...refusals, 'HOME_TOO_MANY_GUEST_LINKS'],
    },
  );
  app.post(path, { schema: { ...InConversation, body: Nothing, ...make } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    reply.status(201);
    return guests.makeLink(user, request.params.conversation);
  });

  const list = told('The own links to the call that are good.', { by: 'session', answer: GuestLinks, refusals });
  app.get(path, { schema: { ...InConversation, ...list } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { links: await guests.links(user, request.params.conversation) };
  });

  const takeBack = told('Takes a link back. Whoever came by it stays.', { by: 'session', refusals });
  app.delete(`${path}/:id`, { schema: { ...OneLink, ...takeBack } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await guests.takeBack(user, request.params.conversation, request.params.id);
    reply.status(204);
  });

  const look = told('Who invites by a link. What the call is called is told to whoever was let in.', {
    by: 'nobody',
    answer: GuestInvitation,
    refusals: ['HOME_GUEST_LINK_REFUSED', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/guest-links/look`, { schema: { body: GivenGuestLink, ...look } }, async (request) =>
    guests.look(request.body.token, request.ip),
  );

  const come = told(
    'Comes as a guest, by a link. The session is good for the call alone, has no refresh cookie, and ends with the call.',
    {
      by: 'nobody',
      status: 201,
      answer: Session,
      refusals: [
        'HOME_GUEST_LINK_REFUSED',
        'HOME_GUEST_NAME_REFUSED',
        'HOME_SLOW_DOWN',
        'HOME_CALL_LOCKED',
        'HOME_TOO_MANY_GUESTS',
        ...FEDERATION,
        'FED_OLD_VERSION',
      ],
    },
  );
  app.post(`${API}/guests`, { schema: { body: NewGuest, ...come } }, async (request, reply) => {
    const { access, account } = await guests.come(request.body, request.ip);
    reply.status(201);
    return { accessToken: access, expiresInSeconds: GUEST_MS / 1000, user: ownUserOf(account, domain) };
  });
}
