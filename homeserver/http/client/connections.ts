/** Who a person knows. */
import { API } from '#signalling/client-home.ts';
import { ConnectionChange } from '#signalling/connections.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import type { ClientApiOptions } from './api.ts';

export function connectionRoutes(app: App, { sessions, people: { connections } }: ClientApiOptions): void {
  app.get(`${API}/connections`, async (request) => {
    const { user } = await authenticate(sessions, request);
    return { connections: await connections.list(user) };
  });

  app.post(`${API}/connections`, { schema: { body: ConnectionChange } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    return connections.act(user, request.body.user, request.body.operation);
  });
}
