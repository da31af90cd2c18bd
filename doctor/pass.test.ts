import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { initFolder } from '#cli/certs/folder.ts';
import type { DomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { sampleSite } from '#site/sample.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { makePass, parsePass } from './pass.ts';

const TURN = 'turn:\n  hosts: [{ name: turn.alpha.example, listenIp: 203.0.113.8 }]\n  secrets: turn.secrets\n';
const folder = temporaryFolder();

it('is good for a quarter of an hour, and so is everything in it', async () => {
  await initFolder(join(folder, 'certificates'), 'alpha.example' as DomainName, Date.now());
  const config = join(folder, 'hawser.yaml');
  await writeFile(config, sampleSite().replace(/^#turn:[\s\S]*/m, TURN));
  const now = 1_767_225_600_123;
  const pass = await makePass(await loadSite(config, []), 'a-secret-of-the-test-that-is-long-enough', now);
  const end = now + 15 * 60_000;
  expect(pass.ends).toBe(end);
  const [, claims = ''] = pass.ticket.split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).exp).toBeCloseTo(end / 1_000, 2);
  expect(pass.relays?.username).toBe(`${Math.floor(end / 1_000)}:hawser-doctor`);
  expect(parsePass(JSON.stringify(pass))).toEqual(pass);
});
