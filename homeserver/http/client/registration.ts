/** Coming to an account: the rules, a challenge, a code by e-mail, invitations. Most of it is for people without a session. */
import { API, User } from '#signalling/client-home.ts';
import { Closed, Nothing } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import {
  AwaitedCode,
  Challenge,
  ConfirmationId,
  InvitationId,
  Invitations,
  MadeInvitation,
  NewInvitation,
  NewRegistration,
  RegistrationConfirmation,
  RegistrationRules,
} from '#signalling/registration.ts';
import { userOf } from '../../as/accounts.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { networkOf } from '../network.ts';
import { RateLimit } from '../rate.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** Of one person: each may be an e-mail to somebody who did not ask for it. */
const INVITATIONS = { burst: 10, perSecond: 1 / 600 };
/** Of one address: nobody needs more than one in a minute, but a whole organisation may sit behind it. */
const CHALLENGES_PER_SECOND = 5;

export function registrationRoutes(app: App, { sessions, domain, world, people }: ClientApiOptions): void {
  const { registration, invitations } = people;
  const invited = new RateLimit(INVITATIONS.perSecond, world.now, INVITATIONS.burst);
  const challenged = new RateLimit(CHALLENGES_PER_SECOND, world.now);

  const rules = told('What somebody without an account may do here.', { by: 'nobody', answer: RegistrationRules });
  app.get(`${API}/registration`, { schema: rules }, async () => registration.rules);

  const challenge = told('Work to prove, where everybody may register.', {
    by: 'nobody',
    status: 201,
    answer: Challenge,
    refusals: ['HOME_REGISTRATION_CLOSED', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/registration/challenges`, { schema: { body: Nothing, ...challenge } }, async (request, reply) => {
    if (!challenged.take(networkOf(request.ip))) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return registration.challenge();
  });

  const begin = told(
    'Sends a code to the e-mail address. The answer is the same whether handle and address are free or not.',
    {
      by: 'nobody',
      status: 202,
      answer: AwaitedCode,
      refusals: [
        'HOME_REGISTRATION_CLOSED',
        'HOME_NO_MAIL',
        'HOME_EMAIL_REFUSED',
        'HOME_INVITATION_REFUSED',
        'HOME_WORK_REFUSED',
        'HOME_MAIL_LIMIT',
        'HOME_SLOW_DOWN',
      ],
    },
  );
  app.post(`${API}/registrations`, { schema: { body: NewRegistration, ...begin } }, async (request, reply) => {
    reply.status(202);
    return registration.begin(request.body, request.ip);
  });

  const confirm = told('Makes the account by the code.', {
    by: 'nobody',
    status: 201,
    answer: User,
    refusals: [
      'HOME_CODE_WRONG',
      'HOME_CODE_OVER',
      'HOME_HANDLE_TAKEN',
      'HOME_EMAIL_TAKEN',
      'HOME_INVITATION_REFUSED',
      'HOME_SLOW_DOWN',
    ],
  });
  app.post(
    `${API}/registrations/:id/confirmation`,
    { schema: { params: Closed({ id: ConfirmationId }), body: RegistrationConfirmation, ...confirm } },
    async (request, reply) => {
      const account = await registration.confirm(request.params.id, request.body, request.ip);
      reply.status(201);
      return userOf(account, domain);
    },
  );

  const invite = told('Invites somebody. With an address the invitation is sent there.', {
    by: 'session',
    status: 201,
    answer: MadeInvitation,
    refusals: [
      'HOME_REGISTRATION_CLOSED',
      'HOME_NO_MAIL',
      'HOME_INVITATIONS_OPEN',
      'HOME_MAIL_LIMIT',
      'HOME_SLOW_DOWN',
    ],
  });
  app.post(`${API}/invitations`, { schema: { body: NewInvitation, ...invite } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    if (!invited.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    reply.status(201);
    return invitations.create(user, request.body.email);
  });

  const list = told('The own invitations that nobody has used yet.', { by: 'session', answer: Invitations });
  app.get(`${API}/invitations`, { schema: list }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { invitations: await invitations.list(user) };
  });

  const takeBack = told('Takes an invitation back.', { by: 'session', refusals: ['HOME_NOT_FOUND'] });
  const OneInvitation = Closed({ id: InvitationId });
  app.delete(`${API}/invitations/:id`, { schema: { params: OneInvitation, ...takeBack } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await invitations.takeBack(user, request.params.id);
    reply.status(204);
  });
}
