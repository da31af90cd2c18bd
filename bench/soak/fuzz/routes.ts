/** Every route of the client's door, with its schemas, as the homeserver registers them. */
import { pino } from 'pino';
import type { TSchema } from 'typebox';
import { CLIENT_BODY_LIMIT, type ClientApiOptions, clientApi } from '#homeserver/http/client/api.ts';
import { makeApp } from '#homeserver/http/fastify.ts';
import { WORLD } from '#homeserver/world.ts';

export interface Route {
  readonly method: string;
  /** `/api/v1/conversations/:conversation` */
  readonly path: string;
  readonly body?: TSchema;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
}

/** Of a homeserver without anything behind it: the services are not asked while the routes are registered. */
export async function clientRoutes(): Promise<Route[]> {
  const app = makeApp({
    log: pino({ level: 'silent' }),
    world: WORLD,
    bodyLimit: CLIENT_BODY_LIMIT,
    onRefusal: nothing,
  });
  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url, schema = {} }) => {
    const { body, params, querystring } = schema as Partial<Record<'body' | 'params' | 'querystring', TSchema>>;
    for (const each of [method].flat()) {
      routes.push({
        method: each,
        path: url,
        ...(body && { body }),
        ...(params && { params }),
        ...(querystring && { querystring }),
      });
    }
  });
  await app.register(async (scope) => clientApi(scope as typeof app, nowhere));
  await app.ready();
  await app.close();
  return routes;
}

function nothing(): void {}

/** Whatever is taken from it is the same again. */
const nowhere = new Proxy(nothing, {
  get: (_, name) => (name === 'world' ? WORLD : nowhere),
}) as unknown as ClientApiOptions;
