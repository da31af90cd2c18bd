/**
 * Hands on the figures of the server beside it, and nothing else that its administrator's port does: nobody signs in there, so that it
 * stays on loopback, while Prometheus in a cluster or in another container comes to this one.
 *
 *     node cli/metrics-door.ts 127.0.0.1:8450 0.0.0.0:9450
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import process from 'node:process';
import { hostAndPort } from '#site/address.ts';

/** Longest that the server may take, ms; Prometheus waits ten seconds by itself. */
const PATIENCE = 8_000;

/** Answers at `listen` with what the administrator's port `admin` has under /metrics. */
export async function openMetricsDoor(admin: string, listen: string): Promise<Server> {
  const { host, port } = hostAndPort(listen);
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('There is /metrics.\n');
      return;
    }
    figures(admin).then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      () =>
        response
          .writeHead(502, { 'content-type': 'text/plain' })
          .end(`The server does not answer at ${admin}. Look at its log.\n`),
    );
  });
  server.maxConnections = 50;
  await once(server.listen(port, host), 'listening');
  return server;
}

async function figures(admin: string): Promise<{ type: string; body: string }> {
  const response = await fetch(`http://${admin}/metrics`, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return { type: response.headers.get('content-type') ?? 'text/plain', body: await response.text() };
}

if (import.meta.main) {
  const [admin = '', listen = ''] = process.argv.slice(2);
  const server = await openMetricsDoor(admin, listen);
  // As the first process of a container it would otherwise not end at all.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
}
