/** The web application's files, and the headers of every answer to a browser. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { App } from './fastify.ts';

const NOT_BUILT =
  'The web application is not here. Build it with `npm run build`, or name its folder when the homeserver is started.\n';

export async function webRoutes(
  app: App,
  headers: Readonly<Record<string, string>>,
  root: string | undefined,
): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
  if (root === undefined || !existsSync(join(root, 'index.html'))) {
    app.get('/', async (_request, reply) => reply.status(404).type('text/plain; charset=utf-8').send(NOT_BUILT));
    return;
  }
  // Pages with addresses of their own; the application finds out by them where it is.
  for (const page of ['/admin', '/guest']) app.get(page, async (_request, reply) => reply.sendFile('index.html'));
  await app.register(fastifyStatic, {
    root,
    dotfiles: 'ignore',
    index: ['index.html'],
    // Names of built files hold their hash; the page itself is asked for anew, so that an update arrives.
    setHeaders: (response, path) => {
      const isBuilt = path.startsWith(join(root, 'assets'));
      response.header('cache-control', isBuilt ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
