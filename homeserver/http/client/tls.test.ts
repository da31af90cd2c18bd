import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { hostAndPort } from '#site/address.ts';
import { replaceFile } from '#trust/replace.ts';
import { believe, shownAt } from '#trust/testing-tls.ts';
import { type Organisation, organise } from '../../testing/organisation.ts';
import { until } from '../../testing/world.ts';

it('shows browsers a new certificate while whoever listens hears on', async () => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  const { site, certificates } = alpha;
  const tls = await certificates.issue({ names: ['127.0.0.1'] });
  const { client } = site.homeserver;
  Object.assign(client, { tls, url: client.url.replace('http:', 'https:') });
  await alpha.start();
  using _ = { [Symbol.dispose]: believe(certificates.authority) };
  const alice = await alpha.person('alice', 'Alice');

  const fresh = await certificates.issue({ names: ['127.0.0.1'], notAfter: new Date(Date.now() + 7_200_000) });
  for (const which of ['certificate', 'key'] as const) {
    await replaceFile(tls[which], await readFile(fresh[which], 'utf8'), 0o600);
  }
  const { fingerprint256 } = new X509Certificate(await readFile(fresh.certificate));
  await until(async () => (await shownAt(hostAndPort(client.listen).port)) === fingerprint256, 'the new certificate');

  const heard = alice.events.length;
  await alice.create('Ropes');
  await until(() => alice.events.slice(heard).some(({ type }) => type === 'conversation'), 'what happened since');
  const metrics = await (await fetch(`${alpha.admin}/metrics`)).text();
  const [, seconds] = /^hawser_homeserver_certificate_expiry_seconds\{of="browsers"\} (\d+)$/m.exec(metrics) ?? [];
  expect(Math.round(Number(seconds) / 60)).toBe(120);
  expect(metrics).toMatch(/^hawser_homeserver_event_connections 1$/m);
  expect(alpha.logged.join()).toContain('browsers are shown a new certificate');
});
