/** The own account: its password, its name, its end. */
import { AccountRemoval, NameChange, PasswordChange, PasswordReset, ResetConfirmation } from '#signalling/account.ts';
import { API } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { ConfirmationId } from '#signalling/registration.ts';
import { userOf } from '../../as/accounts.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import type { ClientApiOptions } from './api.ts';
import { endCookie } from './sessions.ts';

/** Of one person: each costs a write, and who renames himself all the time annoys. */
const RENAMES = { burst: 5, perSecond: 1 / 60 };

export function passwordRoutes(app: App, { sessions, domain, world, origin, people }: ClientApiOptions): void {
  const { ownAccount, passwordResets } = people;
  const renames = new RateLimit(RENAMES.perSecond, world.now, RENAMES.burst);

  app.post(`${API}/password`, { schema: { body: PasswordChange } }, async (request, reply) => {
    const self = await authenticate(sessions, request);
    await ownAccount.changePassword(self, request.body.current, request.body.password);
    reply.status(204);
  });

  app.post(`${API}/password/resets`, { schema: { body: PasswordReset } }, async (request, reply) => {
    reply.status(202);
    return passwordResets.begin(request.body.email, request.ip);
  });

  app.post(
    `${API}/password/resets/:id/confirmation`,
    { schema: { params: Closed({ id: ConfirmationId }), body: ResetConfirmation } },
    async (request, reply) => {
      const { code, password } = request.body;
      await passwordResets.confirm(request.params.id, code, password, request.ip);
      reply.status(204);
    },
  );

  app.post(`${API}/me/name`, { schema: { body: NameChange } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    if (!renames.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    return userOf(await ownAccount.rename(user, request.body.name), domain);
  });

  app.post(`${API}/me/removal`, { schema: { body: AccountRemoval } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await ownAccount.remove(user, request.body.password);
    endCookie(reply, origin).status(204);
  });
}
