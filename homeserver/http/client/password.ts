/** The own account: its password, its name, its end. */
import { AccountRemoval, NameChange, PasswordChange, PasswordReset, ResetConfirmation } from '#signalling/account.ts';
import { API, User } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { AwaitedCode, ConfirmationId } from '#signalling/registration.ts';
import { ownUserOf } from '../../as/accounts.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';
import { endCookie } from './sessions.ts';

/** Of one person: each costs a write, and who renames himself all the time annoys. */
const RENAMES = { burst: 5, perSecond: 1 / 60 };

export function passwordRoutes(app: App, { sessions, domain, world, origin, people }: ClientApiOptions): void {
  const { ownAccount, passwordResets } = people;
  const renames = new RateLimit(RENAMES.perSecond, world.now, RENAMES.burst);

  const change = told('Changes the password. Every other session ends, and their devices are removed.', {
    by: 'session',
    refusals: ['HOME_WRONG_CREDENTIALS', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/password`, { schema: { body: PasswordChange, ...change } }, async (request, reply) => {
    const self = await authenticate(sessions, request);
    await ownAccount.changePassword(self, request.body.current, request.body.password);
    reply.status(204);
  });

  const reset = told(
    'Sends a code for a new password. The answer is the same whether there is such an account or not.',
    {
      by: 'nobody',
      status: 202,
      answer: AwaitedCode,
      refusals: ['HOME_NO_MAIL', 'HOME_SLOW_DOWN', 'HOME_MAIL_LIMIT'],
    },
  );
  app.post(`${API}/password/resets`, { schema: { body: PasswordReset, ...reset } }, async (request, reply) => {
    reply.status(202);
    return passwordResets.begin(request.body.email, request.ip);
  });

  const confirm = told('Sets a new password by the code. Every session ends, and every device is removed.', {
    by: 'nobody',
    refusals: ['HOME_CODE_WRONG', 'HOME_CODE_OVER', 'HOME_SLOW_DOWN'],
  });
  app.post(
    `${API}/password/resets/:id/confirmation`,
    { schema: { params: Closed({ id: ConfirmationId }), body: ResetConfirmation, ...confirm } },
    async (request, reply) => {
      const { code, password } = request.body;
      await passwordResets.confirm(request.params.id, code, password, request.ip);
      reply.status(204);
    },
  );

  const rename = told('Changes the name that others see.', {
    by: 'session',
    answer: User,
    refusals: ['HOME_NOT_FOUND', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/me/name`, { schema: { body: NameChange, ...rename } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    if (!renames.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    return ownUserOf(await ownAccount.rename(user, request.body.name), domain);
  });

  const remove = told('Deletes the account, for good.', {
    by: 'session',
    refusals: ['HOME_WRONG_CREDENTIALS', 'HOME_SLOW_DOWN'],
  });
  app.post(`${API}/me/removal`, { schema: { body: AccountRemoval, ...remove } }, async (request, reply) => {
    const { user } = await authenticate(sessions, request);
    await ownAccount.remove(user, request.body.password);
    endCookie(reply, origin).status(204);
  });
}
