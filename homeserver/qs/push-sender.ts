/** One wake-up on its way to a push service (RFC 8030): an empty request that is signed, to an address that was looked at. */
import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { VapidKeys } from 'web-push';
import { isPublicAddress } from '#trust/public-address.ts';

/** Why a device is woken: a call rings for a minute only. */
export type Why = 'message' | 'call';

/** `gone`: this endpoint will never take one again. `later`: not now; `afterMs` where the service says when. */
export type Outcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'later'; readonly afterMs?: number };

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface PushSenderOptions {
  readonly key: VapidKeys;
  /** Whom the push service can turn to: `https://alpha.example`. */
  readonly subject: string;
  /** For tests: where a name leads, and who speaks for it. */
  readonly network?: PushNetwork;
}

export interface PushNetwork {
  resolve(host: string): Promise<readonly Address[]>;
  isPublic(address: string): boolean;
  readonly port: number;
  readonly ca: string;
}

const RULES = {
  message: { TTL: 24 * 3_600, urgency: 'normal', topic: 'message' },
  // Who opens the browser later sees in the conversation that somebody called.
  call: { TTL: 60, urgency: 'high', topic: 'call' },
} as const;
const TIMEOUT_MS = 10_000;
/** What a service may ask for in Retry-After is believed up to here. */
const MAX_AFTER_MS = 3_600_000;

export type SendPush = (endpoint: string, why: Why) => Promise<Outcome>;

export function pushSender({ key, subject, network }: PushSenderOptions): SendPush {
  const resolve = network?.resolve ?? ((host: string) => lookup(host, { all: true }));
  const isPublic = network?.isPublic ?? isPublicAddress;
  return async (endpoint, why) => {
    const { host, hostname, pathname, search } = new URL(endpoint);
    const addresses = await resolve(hostname).catch(() => []);
    if (addresses.length === 0) return { kind: 'later' };
    // One that is not public is enough: whoever owns the name could choose between them for each connection.
    if (!addresses.every(({ address }) => isPublic(address))) return { kind: 'gone' };
    // Held in memory from the first wake-up on only.
    const { default: webPush } = await import('web-push');
    const { headers } = webPush.generateRequestDetails({ endpoint, keys: { p256dh: '', auth: '' } }, null, {
      vapidDetails: { subject, ...key },
      ...RULES[why],
    });
    return new Promise((settle) => {
      const later = () => settle({ kind: 'later' });
      const asking = request(
        {
          ...{ host: hostname, servername: hostname, port: network?.port ?? 443, path: `${pathname}${search}` },
          method: 'POST',
          headers: { ...headers, host },
          // The connection goes to what was looked at, whatever the name means a moment later.
          lookup: pinnedTo(addresses),
          agent: false,
          signal: AbortSignal.timeout(TIMEOUT_MS),
          ...(network && { ca: network.ca }),
        },
        (response) => {
          settle(outcomeOf(response.statusCode ?? 0, response.headers['retry-after']));
          // What it says beside that is of no use here, however long it is.
          response.destroy();
        },
      );
      asking.on('error', later);
      asking.end();
    });
  };
}

function pinnedTo(addresses: readonly Address[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

/** Redirections are not followed: they would lead past everything that was checked. */
function outcomeOf(status: number, retryAfter: string | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (status !== 429 && status !== 408 && status < 500) return { kind: 'gone' };
  const seconds = Number(retryAfter);
  if (!Number.isFinite(seconds) || seconds <= 0) return { kind: 'later' };
  return { kind: 'later', afterMs: Math.min(seconds * 1_000, MAX_AFTER_MS) };
}
