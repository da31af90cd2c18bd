import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { healthUrl, serverOf } from './health.ts';
import { outcome } from './setup/program.ts';

const check = async (url: string) => {
  const env = { ...process.env, HAWSER_HEALTH_URL: url };
  return (await outcome(process.execPath, [join(import.meta.dirname, 'health.ts')], { env })).code;
};

test('a container is well when its server says so, and only then', async () => {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/health`;
  expect(await check(url)).toBe(0);
  status = 503;
  expect(await check(url)).toBe(1);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  expect(await check(url)).toBe(1);
});

test('a container knows by its first process which server it holds, and where its site is', () => {
  const node = ['node', '--disable-warning=ExperimentalWarning', '/hawser/cli/main.ts'];
  expect(serverOf([...node, 'sft', '--config', '/etc/hawser/site/hawser.yaml'])).toEqual({
    part: 'sft',
    config: '/etc/hawser/site/hawser.yaml',
  });
  const inited = ['/sbin/docker-init', '--', ...node, 'homeserver', '--log-level', 'warn', '--config=/a.yaml', ''];
  expect(serverOf(inited)).toEqual({ part: 'homeserver', config: '/a.yaml' });
  expect(serverOf([...node, 'homeserver'])).toEqual({ part: 'homeserver', config: undefined });
  expect(serverOf(['/pause'])).toBeUndefined();
});

test('a port on every address is asked on loopback', () => {
  expect(healthUrl('127.0.0.1:8450')).toBe('http://127.0.0.1:8450/health');
  expect(healthUrl('0.0.0.0:8550')).toBe('http://127.0.0.1:8550/health');
  expect(healthUrl('[::]:8550')).toBe('http://[::1]:8550/health');
});
