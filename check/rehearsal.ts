/** What the servers would say of their certificates at the start: their own readers are asked, and nothing is opened. */
import { readFile } from 'node:fs/promises';
import { SiteError } from '#site/mistakes.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import { readBrowserPair } from '#trust/browser-tls.ts';
import { readCredential } from '#trust/credentials.ts';
import { readDeviceAuthority } from '#trust/device-authority.ts';

/** One for each file that could not be used. */
export async function rehearse(site: Site, parts: readonly Part[]): Promise<readonly SiteError[]> {
  const read = (file: string) => readFile(file, 'utf8');
  const { authority, revocationList, devices } = site.certificates;
  const readings: Promise<unknown>[] = parts.flatMap((part) => {
    const { tls } = site[part].client;
    const own = { domain: site.domain, authority, revocationList, ...site.certificates[part] };
    return [readCredential(own, read), ...(tls ? [readBrowserPair(tls, read)] : [])];
  });
  if (parts.includes('homeserver')) readings.push(readDeviceAuthority(devices, read));
  const results = await Promise.allSettled(readings);
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return [];
    if (result.reason instanceof SiteError) return [result.reason];
    throw result.reason;
  });
}
