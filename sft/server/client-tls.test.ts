import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { hostAndPort } from '#site/address.ts';
import { replaceFile } from '#trust/replace.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { believe, shownAt } from '#trust/testing-tls.ts';
import { newConferenceId, TestSft } from '../testing.ts';

const folder = temporaryFolder();
let sft: TestSft;
let stopBelieving: () => void;
beforeAll(async () => {
  sft = await TestSft.start(folder, 'alpha', { tls: true });
  stopBelieving = believe(sft.test.authority);
});
afterAll(async () => {
  stopBelieving();
  await sft.close();
});

it('shows browsers a new certificate while whoever is in a call stays in it', async () => {
  const { listen, tls } = sft.site.sft.client;
  if (!tls) throw new Error('no TLS');
  const { port } = hostAndPort(listen);
  const conference = newConferenceId();
  const client = await sft.connect();
  let isOpen = true;
  client.closed.then(() => {
    isOpen = false;
  });
  await client.rpc.request('join', { conference, ticket: await sft.ticket({ conference }) });
  const [state] = (await sft.state()).conferences;

  const fresh = await sft.test.issue({ names: ['127.0.0.1'], notAfter: new Date(Date.now() + 7_200_000) });
  for (const which of ['key', 'certificate'] as const) {
    await replaceFile(tls[which], await readFile(fresh[which], 'utf8'), 0o600);
  }
  const { fingerprint256 } = new X509Certificate(await readFile(fresh.certificate));
  await until(async () => (await shownAt(port)) === fingerprint256, 'the new certificate');

  await client.rpc.request('receive', { capabilities: { codecs: [], headerExtensions: [] } });
  expect(isOpen).toBe(true);
  expect((await sft.state()).conferences).toEqual([state]);
  const seconds = await sft.metric('hawser_sft_certificate_expiry_seconds', 'of="browsers"');
  expect(Math.round(seconds / 60)).toBe(120);
  const other = await sft.connect();
  await other.rpc.request('join', { conference, ticket: await sft.ticket({ conference }) });
  expect(sft.log).toContain('browsers are shown a new certificate');
  for (const { rpc } of [client, other]) rpc.close();
});
