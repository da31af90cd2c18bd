/** Headers that keep a page of ours from being framed, sniffed or made to talk to strangers. */
import type { Site } from '#site/schema.ts';

export function securityHeaders(site: Site): Readonly<Record<string, string>> {
  const home = new URL(site.homeserver.client.url);
  const sft = new URL(site.sft.client.url);
  const isHttps = home.protocol === 'https:';
  const events = `${isHttps ? 'wss' : 'ws'}://${home.host}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    // `self` covers WebSockets in new browsers only, so the events' origin is written out.
    `connect-src 'self' ${events} ${sft.protocol}//${sft.host}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self)',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    // Two years, the usual figure (RFC 6797 names none). Without subdomains: those are not ours to decide about.
    ...(isHttps && { 'strict-transport-security': 'max-age=63072000' }),
  };
}
