import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '#site/testing-ports.ts';
import { openMetricsDoor } from './metrics-door.ts';

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function admin(status: number) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end('hawser_up 1\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const door = await openMetricsDoor(`127.0.0.1:${portOf(server)}`, `127.0.0.1:${(await freePorts(1))[0]}`);
  onTestFinished(() => {
    for (const each of [server, door]) {
      each.closeAllConnections();
      each.close();
    }
  });
  return { asked, url: `http://127.0.0.1:${portOf(door)}` };
}

test('whoever comes to the door of the figures gets the figures', async () => {
  const { url } = await admin(200);
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
  expect(await response.text()).toBe('hawser_up 1\n');
});

test('and nothing else of the administrator’s port, which is not even asked', async () => {
  const { url, asked } = await admin(200);
  for (const path of [
    '/health',
    '/state',
    '/admin/v1/accounts',
    '/metrics/',
    '/metrics?x',
    '//metrics',
    '/%6detrics',
  ]) {
    expect((await fetch(url + path)).status).toBe(404);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
    expect((await fetch(`${url}/metrics`, { method })).status).toBe(404);
  }
  expect(asked).toEqual([]);
});

test('a server that is away or has no figures is no success', async () => {
  const { url } = await admin(503);
  expect((await fetch(`${url}/metrics`)).status).toBe(502);
});
