/** Says to another domain whether its door is reached from here, by a connection of its own that is made for that. */
import { request } from 'node:https';
import { Nothing } from '#signalling/contract.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS, type ReachAnswer } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { HostAndPort } from '#site/address.ts';
import { type DiallerOptions, PeerDialler } from '#trust/dialler.ts';
import type { PeerScopes } from '#trust/peers-schema.ts';
import type { App } from '../http/fastify.ts';

export interface ReachOptions extends Pick<DiallerOptions, 'credentials' | 'peers'> {
  /** @throws HawserError FED_UNREACHABLE, FED_ADDRESS */
  readonly whereIs: (domain: DomainName) => Promise<readonly HostAndPort[]>;
}

export interface ReachRouteOptions {
  /** The domain that a request is of. @throws HawserError FED_NOT_ALLOWED */
  readonly peerIn: (request: object) => DomainName;
  readonly whyUnreached: (domain: DomainName) => Promise<ErrorCode | undefined>;
  readonly may: (domain: DomainName) => Pick<PeerScopes, 'calls' | 'messages'> | undefined;
  /** Where the own SFT takes links. */
  readonly link: string;
  readonly now: () => number;
}

const SOFTWARE = 'hawser-homeserver/0.1.0';

/** One dial at a time for a domain: nobody makes this server dial without end. */
export function reachRoute(app: App, { peerIn, whyUnreached, may, link, now }: ReachRouteOptions): void {
  const underWay = new Set<DomainName>();
  app.post(FEDERATION_PATHS.reach, { schema: { body: Nothing } }, async (request): Promise<ReachAnswer> => {
    const from = peerIn(request);
    if (underWay.has(from)) throw new HawserError('FED_LIMIT');
    underWay.add(from);
    try {
      const code = await whyUnreached(from);
      const { calls = false, messages = false } = may(from) ?? {};
      return { now: now(), software: SOFTWARE, link, may: { calls, messages }, ...(code && { code }) };
    } finally {
      underWay.delete(from);
    }
  });
}

/** For all places together, ms: whoever asks waits ten seconds. */
const TIMEOUT_MS = 4_000;

/** Why the door of a domain is not reached; undefined where it is. */
export async function whyUnreached(
  domain: DomainName,
  { credentials, peers, whereIs }: ReachOptions,
): Promise<ErrorCode | undefined> {
  // One of its own: a connection that stands already would show nothing.
  const dialler = new PeerDialler({ credentials, peers, timeoutMs: TIMEOUT_MS });
  try {
    const places = await whereIs(domain);
    let last: unknown = new HawserError('FED_UNREACHABLE');
    for (const place of places.slice(0, 2)) {
      try {
        await greet(dialler, domain, place);
        return undefined;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  } catch (error) {
    if (error instanceof HawserError) return error.code;
    // The other side ended the connection when it knew who we are.
    return error instanceof Error && 'code' in error && error.code === 'ECONNRESET' ? 'FED_REFUSED' : 'SIG_UNREACHABLE';
  } finally {
    dialler.close();
  }
}

function greet(dialler: PeerDialler, domain: DomainName, { host, port }: HostAndPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        ...{ host, port, path: FEDERATION_PATHS.versions, headers: { host: domain } },
        agent: dialler.agent(domain, 'homeserver'),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (answer) => {
        answer.resume();
        if (answer.statusCode === 200) resolve();
        else reject(new HawserError('FED_REFUSED', `status ${answer.statusCode}`));
      },
    );
    asking.on('error', (error) =>
      reject(error.name === 'AbortError' || error.name === 'TimeoutError' ? new HawserError('SIG_TIMEOUT') : error),
    );
    asking.end();
  });
}
