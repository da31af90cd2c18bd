/** The administrator's port: health, metrics, accounts. Nobody signs in here, so it listens on loopback. */
import Type from 'typebox';
import { KeysAccepted } from '#signalling/administration.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DomainName, Handle, handleOf } from '#signalling/ids.ts';
import { DisplayName, EmailAddress, Password } from '#signalling/person.ts';
import { NewInvitation } from '#signalling/registration.ts';
import { type LogLevel, LogLevelWish } from '#site/log-level.ts';
import { processFigures } from '#site/process-figures.ts';
import { userOf } from '../as/accounts.ts';
import type { Administration } from '../as/administration.ts';
import type { Parting } from '../federation/partings.ts';
import type { PeersStatus } from '../federation/status.ts';
import type { Metrics } from '../metrics.ts';
import type { App } from './fastify.ts';

export const ADMIN_BODY_LIMIT = 16 * 1024;

export const NewAccountBody = Closed({
  handle: Handle,
  name: DisplayName,
  password: Password,
  email: Type.Optional(EmailAddress),
  administrator: Type.Optional(Type.Boolean()),
});
const OfAccount = Closed({ handle: Handle });
const OfPeer = Closed({ domain: DomainName });
const AccountsQuery = Closed({ after: Type.Optional(Handle) });

export interface AdminOptions {
  readonly domain: DomainName;
  readonly metrics: Metrics;
  readonly administration: Administration;
  readonly peersStatus: Pick<PeersStatus, 'report'>;
  /** @throws HawserError HOME_NOT_FOUND where keys with these fingerprints do not wait */
  readonly acceptKeys: (domain: DomainName, fingerprints: readonly string[]) => Promise<void>;
  /** Rejects where the database does not answer. */
  readonly checkStore: () => Promise<void>;
  readonly isSftConnected: () => boolean;
  /** How far the homeserver is with domains that are not allowed any more. */
  readonly partings: () => Promise<Parting[]>;
  readonly logLevel: LogLevel;
  /** Calls that go on, and open event connections of clients. */
  readonly load: () => Promise<{ readonly calls: number; readonly eventConnections: number }>;
}

export function adminRoutes(app: App, options: AdminOptions): void {
  const { domain, metrics, administration, peersStatus, acceptKeys, checkStore, isSftConnected } = options;
  const { partings, logLevel, load } = options;

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

  // For whoever looks each second: nothing of it costs more than a count, and no measurement begins anew.
  app.get('/admin/v1/state', async () => ({
    ...{ domain, sft: isSftConnected(), process: await processFigures() },
    ...(await load()),
  }));

  app.get('/admin/v1/log-level', async () => logLevel.state);

  app.put('/admin/v1/log-level', { schema: { body: LogLevelWish } }, async (request) => logLevel.set(request.body));

  app.post('/admin/v1/accounts', { schema: { body: NewAccountBody } }, async (request, reply) => {
    const account = await administration.add(request.body);
    reply.status(201);
    return userOf(account, domain);
  });

  // Some at a time: the next ones are those after the last handle of the answer, until an answer is empty.
  app.get('/admin/v1/accounts', { schema: { querystring: AccountsQuery } }, async (request) => {
    const accounts = await administration.list(request.query.after);
    return { accounts: accounts.map(({ user, ...rest }) => ({ handle: handleOf(user), ...rest })) };
  });

  app.delete('/admin/v1/accounts/:handle', { schema: { params: OfAccount } }, async (request, reply) => {
    await administration.remove(request.params.handle);
    reply.status(204);
  });

  app.post(
    '/admin/v1/accounts/:handle/password',
    { schema: { params: OfAccount, body: Closed({ password: Password }) } },
    async (request, reply) => {
      await administration.setPassword(request.params.handle, request.body.password);
      reply.status(204);
    },
  );

  // The newest one of each domain; without `endedAt` as long as it goes on.
  app.get('/admin/v1/partings', async () => ({ partings: await partings() }));

  app.put(
    '/admin/v1/accounts/:handle/administrator',
    { schema: { params: OfAccount, body: Closed({ administrator: Type.Boolean() }) } },
    async (request, reply) => {
      await administration.setAdministrator(request.params.handle, request.body.administrator);
      reply.status(204);
    },
  );

  app.get('/admin/v1/peers', async () => peersStatus.report());

  app.post(
    '/admin/v1/peers/:domain/accept-keys',
    { schema: { params: OfPeer, body: KeysAccepted } },
    async (request) => {
      await acceptKeys(request.params.domain, request.body.fingerprints);
      return peersStatus.report();
    },
  );

  app.post('/admin/v1/invitations', { schema: { body: NewInvitation } }, async (request, reply) => {
    reply.status(201);
    return administration.invite(request.body.email);
  });
}
