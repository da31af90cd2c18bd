/** The administrator's port: health, metrics, accounts. Nobody signs in here, so it listens on loopback. */
import { DisplayName, Password } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, Handle } from '#signalling/ids.ts';
import { type Account, type NewAccount, userOf } from '../as/accounts.ts';
import type { Metrics } from '../metrics.ts';
import type { App } from './fastify.ts';

export const ADMIN_BODY_LIMIT = 16 * 1024;

export const NewAccountBody = Closed({ handle: Handle, name: DisplayName, password: Password });

export interface AdminOptions {
  readonly domain: DomainName;
  readonly metrics: Metrics;
  readonly createAccount: (account: NewAccount) => Promise<Account>;
  /** Rejects where the database does not answer. */
  readonly checkStore: () => Promise<void>;
  readonly isSftConnected: () => boolean;
}

export function adminRoutes(app: App, options: AdminOptions): void {
  const { domain, metrics, createAccount, checkStore, isSftConnected } = options;

  app.addHook('onRequest', async ({ headers }) => {
    // A web page can send requests to loopback, under a name of its own that leads there or in the open.
    if (headers.origin !== undefined || !/^(localhost|[0-9.]+|\[[0-9a-f:.]+\])(:\d+)?$/i.test(headers.host ?? '')) {
      throw new HawserError('HOME_FORBIDDEN');
    }
  });

  app.get('/health', async () => {
    await checkStore();
    return { ok: true, domain, sft: isSftConnected() };
  });

  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
    return reply;
  });

  app.post('/admin/v1/accounts', { schema: { body: NewAccountBody } }, async (request, reply) => {
    const account = await createAccount(request.body);
    reply.status(201);
    return userOf(account, domain);
  });
}
