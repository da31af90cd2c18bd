/** Where a device is woken while it is not connected. */
import { API } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { PushOffer, PushTarget } from '#signalling/push.ts';
import { authenticate, authenticateDevice } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** Of one device: a page says it each time it is opened. */
const TARGETS = { burst: 10, perSecond: 1 / 10 };

export function pushRoutes(app: App, { sessions, push, world }: ClientApiOptions): void {
  const changes = new RateLimit(TARGETS.perSecond, world.now, TARGETS.burst);
  const path = `${API}/devices/current/push`;

  const offer = told('Whether this homeserver wakes browsers, and with which key it signs.', {
    by: 'session',
    answer: PushOffer,
  });
  app.get(`${API}/push`, { schema: offer }, async (request) => {
    await authenticate(sessions, request);
    return push.offer();
  });

  const subscribe = told('Where the device is woken from now on, until the session ends.', {
    by: 'device',
    refusals: ['HOME_PUSH_OFF', 'HOME_PUSH_SERVICE', 'HOME_SLOW_DOWN'],
  });
  app.put(path, { schema: { body: PushTarget, ...subscribe } }, async (request, reply) => {
    const { session, user, device } = await authenticateDevice(sessions, request);
    if (!changes.take(device)) throw new HawserError('HOME_SLOW_DOWN');
    await push.subscribe({ session, user, device, endpoint: request.body.endpoint });
    reply.status(204);
  });

  app.delete(path, { schema: told('The device is not woken any more.', { by: 'device' }) }, async (request, reply) => {
    const { device } = await authenticateDevice(sessions, request);
    await push.unsubscribe(device);
    reply.status(204);
  });
}
