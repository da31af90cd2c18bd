/** Calls at the administrator's port. */
import { OneInCall, SomeInCall } from '#signalling/administration.ts';
import { Closed } from '#signalling/contract.ts';
import { ConferenceId } from '#signalling/ids.ts';
import type { App } from '../http/fastify.ts';
import type { Supervision } from './supervision.ts';

const OfCall = Closed({ conference: ConferenceId });

export function callRoutes(app: App, supervision: Supervision): void {
  app.get('/admin/v1/calls', async () => supervision.report());

  app.post(
    '/admin/v1/calls/:conference/put-out',
    { schema: { params: OfCall, body: OneInCall } },
    async ({ params, body }) => supervision.putOut(params.conference, body.participant),
  );

  app.post(
    '/admin/v1/calls/:conference/mute',
    { schema: { params: OfCall, body: SomeInCall } },
    async ({ params, body }) => supervision.mute(params.conference, body.participant),
  );

  app.post('/admin/v1/calls/:conference/end', { schema: { params: OfCall, body: Closed({}) } }, async ({ params }) =>
    supervision.end(params.conference),
  );
}
