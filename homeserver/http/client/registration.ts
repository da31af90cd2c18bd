/** Coming to an account: the rules, a challenge, a code by e-mail, invitations. Most of it is for people without a session. */
import { API } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import {
  ConfirmationId,
  InvitationId,
  NewInvitation,
  NewRegistration,
  RegistrationConfirmation,
} from '#signalling/registration.ts';
import { userOf } from '../../as/accounts.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import type { ClientApiOptions } from './api.ts';

/** Of one person: each may be an e-mail to somebody who did not ask for it. */
const INVITATIONS = { burst: 10, perSecond: 1 / 600 };
/** Of one address: nobody needs more than one in a minute, but a whole organisation may sit behind it. */
const CHALLENGES_PER_SECOND = 5;

export function registrationRoutes(app: App, { sessions, domain, world, people }: ClientApiOptions): void {
  const { registration, invitations } = people;
  const invited = new RateLimit(INVITATIONS.perSecond, world.now, INVITATIONS.burst);
  const challenged = new RateLimit(CHALLENGES_PER_SECOND, world.now);

  app.get(`${API}/registration`, async () => registration.rules);

  app.post(`${API}/registration/challenges`, { schema: { body: Nothing } }, async (request, reply) => {
    if (!challenged.take(request.ip)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return registration.challenge();
  });

  app.post(`${API}/registrations`, { schema: { body: NewRegistration } }, async (request, reply) => {
    reply.status(202);
    return registration.begin(request.body, request.ip);
  });

  app.post(
    `${API}/registrations/:id/confirmation`,
    { schema: { params: Closed({ id: ConfirmationId }), body: RegistrationConfirmation } },
    async (request, reply) => {
      const account = await registration.confirm(request.params.id, request.body, request.ip);
      reply.status(201);
      return userOf(account, domain);
    },
  );

  app.post(`${API}/invitations`, { schema: { body: NewInvitation } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    if (!invited.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return invitations.create(user, request.body.email);
  });

  app.get(`${API}/invitations`, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { invitations: await invitations.list(user) };
  });

  app.delete(`${API}/invitations/:id`, { schema: { params: Closed({ id: InvitationId }) } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await invitations.takeBack(user, request.params.id);
    reply.status(204);
  });
}
