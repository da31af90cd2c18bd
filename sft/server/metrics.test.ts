import { pino } from 'pino';
import { expect, it } from 'vitest';
import { DAY } from '#trust/issuing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { startSft } from '../main.ts';
import { TestSft } from '../testing.ts';

const folder = temporaryFolder();

it('tells when each certificate ends, that of browsers only where this server ends TLS; and begins with 0', async () => {
  await using alpha = await TestSft.start(folder, 'alpha');
  const expiry = (of: string) => alpha.metric('hawser_sft_certificate_expiry_seconds', `of="${of}"`);
  // Certificates of tests live for a day.
  const left = DAY / 1_000 - (await expiry('servers'));
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(60);
  // That of the authority too, and lists for as long as that of a real server.
  expect(Math.abs((await expiry('authority')) - (await expiry('servers')))).toBeLessThan(60);
  expect(await expiry('revocation-list')).toBeGreaterThan(300 * (DAY / 1_000));
  const text = await alpha.metrics();
  expect(text).not.toContain('of="browsers"');
  expect(text).not.toContain('of="devices');
  for (const line of [
    'homeserver_connected 1',
    'faults_total 0',
    'worker_deaths_total 0',
    'refused_tickets_total{code="SFT_FULL"} 0',
    'resumes_total{outcome="back"} 0',
    'transport_failures_total{protocol="ice"} 0',
    'join_seconds_count{step="media"} 0',
  ]) {
    expect(text).toContain(`hawser_sft_${line}\n`);
  }

  await alpha.close();
  const { site, test } = alpha;
  const { certificate, key } = test.sft;
  const client = { ...site.sft.client, tls: { certificate, key } };
  const log = pino({ level: 'silent' });
  const secure = await startSft({ site: { ...site, sft: { ...site.sft, client } }, log });
  try {
    // The same file here.
    expect(Math.abs((await expiry('browsers')) - (await expiry('servers')))).toBeLessThan(1);
    expect(await alpha.metric('hawser_sft_homeserver_connected')).toBe(0);
    expect(await alpha.metrics()).toContain('hawser_sft_homeserver_connected 0\n');
  } finally {
    await secure.close();
  }
});
