/**
 * Where the homeserver of a domain is, in the words of the domain: a JSON object on its own web server, under the name of MIMI
 * (draft-ietf-mimi-protocol, section 5.1). `homeserver` is the one member that is looked at; the templates are for others who speak the
 * same calls. It may name whatever host it likes: who answers there has to show a certificate of the authority on our allow list.
 */
import { request } from 'node:https';
import { isIP } from 'node:net';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { FEDERATION_PATHS, FEDERATION_VERSIONS } from '#signalling/federation.ts';
import { DomainName } from '#signalling/ids.ts';
import { nestingWithin } from '#signalling/nesting.ts';
import type { App } from '../http/fastify.ts';

export const DIRECTORY_PATH = '/.well-known/mimi-protocol-directory';

/** Others may add members of their own. */
const Directory = Type.Object({
  domain: DomainName,
  /** `host:port` */
  homeserver: Type.String({ minLength: 1, maxLength: 120 }),
});
export type Directory = Static<typeof Directory>;

const validator = Compile(Directory);
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 16 * 1024;
const MAX_DEPTH = 4;
const MAX_AGE_S = 3_600;

export interface DirectoryRequest {
  readonly domain: DomainName;
  /** What was looked at: the connection goes there, whatever the name means a moment later. */
  readonly address: string;
  readonly port: number;
  /** In place of the authorities that browsers have. */
  readonly ca?: string | undefined;
}

/** Rejects where there is none. Redirections are not followed: they would lead past everything that was checked. */
export function fetchDirectory({ domain, address, port, ca }: DirectoryRequest): Promise<Directory> {
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        ...{ host: domain, servername: domain, port, path: DIRECTORY_PATH, agent: false as const },
        lookup: (_host, options, callback) => {
          const family = isIP(address);
          if (options.all) callback(null, [{ address, family }]);
          else callback(null, address, family);
        },
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(ca !== undefined && { ca }),
      },
      async (response) => {
        try {
          if (response.statusCode !== 200) throw new Error(`the directory answers with status ${response.statusCode}`);
          let text = '';
          response.setEncoding('utf8');
          for await (const part of response) {
            text += String(part);
            if (text.length > MAX_BYTES) throw new Error('the directory is too long');
          }
          resolve(parse(text, domain));
        } catch (error) {
          response.destroy();
          reject(error);
        }
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

function parse(text: string, domain: DomainName): Directory {
  if (!nestingWithin(text, MAX_DEPTH)) throw new Error('the directory is nested too deep');
  const value: unknown = JSON.parse(text);
  if (!validator.Check(value) || value.domain !== domain) throw new Error('the directory is none of this domain');
  return value;
}

/** @param homeserver the address of the own door as others reach it, `host:port` */
export function directoryRoute(app: App, domain: DomainName, homeserver: string): void {
  const templates = Object.entries(FEDERATION_PATHS).map(([call, path]) => [
    call,
    `https://${homeserver}${path.replace(/:(\w+)$/, '{$1}')}`,
  ]);
  const directory = { domain, homeserver, protocol: FEDERATION_VERSIONS, ...Object.fromEntries(templates) };
  app.get(DIRECTORY_PATH, async (_request, reply) => {
    reply.header('cache-control', `public, max-age=${MAX_AGE_S}`);
    return directory;
  });
}
