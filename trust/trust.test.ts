import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { SiteError } from '#site/mistakes.ts';
import type { Site } from '#site/schema.ts';
import { makeTestDomain, type TestCertificate, type TestDomain } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';
import { openTrust } from './trust.ts';

const folder = temporaryFolder();
let alpha: TestDomain;

beforeAll(async () => {
  alpha = await makeTestDomain(folder, 'alpha.example');
});

/** As much of a site as trust looks at. */
function site(homeserver: TestCertificate): Pick<Site, 'domain' | 'peers' | 'certificates'> {
  const { authority, revocationList, sft, tickets, devices, domain } = alpha;
  return {
    domain,
    peers: join(folder, 'peers.yaml'),
    certificates: { authority, revocationList, homeserver, sft, tickets, devices },
  };
}

it('opens with the files of a site and lets go of them', async () => {
  const trust = await openTrust({ site: site(alpha.homeserver), role: 'homeserver' });
  expect(trust.credentials.current.domain).toBe('alpha.example');
  expect(trust.peers.current.size).toBe(0);
  trust.close();
});

it('does not start with the certificate of the other server', async () => {
  const opening = openTrust({ site: site(alpha.sft), role: 'homeserver' });
  await expect(opening).rejects.toThrow(SiteError);
  await expect(opening).rejects.toThrow(/sft\.pem:1:1: Others will refuse this certificate of alpha\.example/);
});

it('starts with an expired certificate, which can be replaced while it runs, and says so', async () => {
  const onTrouble = vi.fn();
  const expired = await alpha.issue({ notAfter: new Date(Date.now() - 1_000) });
  const trust = await openTrust({ site: site(expired), role: 'homeserver', onTrouble });
  expect(onTrouble).toHaveBeenCalledWith(expect.stringContaining('has expired'));
  trust.close();
});
