/** Who a person knows. */
import { API } from '#signalling/client-home.ts';
import { Connection, ConnectionChange, Connections } from '#signalling/connections.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

export function connectionRoutes(app: App, { sessions, people: { connections } }: ClientApiOptions): void {
  const list = told('Who a person knows, and how it is between them.', { by: 'session', answer: Connections });
  app.get(`${API}/connections`, { schema: list }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { connections: await connections.list(user) };
  });

  const change = told('Asks for a connection, accepts, ignores, cancels, blocks or unblocks.', {
    by: 'session',
    answer: Connection,
    refusals: [
      ...(['HOME_NOT_FOUND', 'HOME_FORBIDDEN', 'HOME_NO_REQUEST', 'HOME_BLOCKED', 'HOME_SLOW_DOWN'] as const),
      ...FEDERATION,
      'FED_OLD_VERSION',
    ],
  });
  app.post(`${API}/connections`, { schema: { body: ConnectionChange, ...change } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return connections.act(user, request.body.user, request.body.operation);
  });
}
