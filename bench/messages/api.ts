/** HTTP of one device, from an address of its own: a thousand devices of an organisation do not share one. */
import { Agent, request } from 'node:http';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Call } from '#client/http.ts';
import { API } from '#signalling/client-home.ts';
import { HawserError, isErrorCode } from '#signalling/errors.ts';

/** Where a device lives: the whole of 127.0.0.0/8 is this machine, on Linux. @param index 0 to 60,000 */
export function addressOf(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}

export class BenchApi {
  readonly #options: { readonly home: URL; readonly accessToken: string; readonly localAddress: string };
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** @param home of the homeserver: `http://127.0.0.1:8080` */
  constructor(home: string, accessToken: string, localAddress: string) {
    this.#options = { home: new URL(home), accessToken, localAddress };
  }

  /** As the client's own, without what a browser does. @throws HawserError the server's code, or SIG_SCHEMA */
  async call<S extends TSchema>({ method, path, body, answer }: Call<S>): Promise<Static<S>> {
    const { status, text } = await this.#ask(method, `${API}/${path}`, body && JSON.stringify(body));
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    if (status >= 300) {
      const { code, detail } = (parsed ?? {}) as { code?: unknown; detail?: unknown };
      if (typeof code !== 'string' || !isErrorCode(code)) throw new Error(`${method} ${path}: ${status}`);
      throw new HawserError(code, typeof detail === 'string' ? detail : undefined);
    }
    if (answer === undefined) return undefined as Static<S>;
    if (!Compile(answer).Check(parsed)) throw new HawserError('SIG_SCHEMA', path);
    return parsed as Static<S>;
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    const { home, accessToken, localAddress } = this.#options;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ host: home.hostname, port: home.port, agent: this.#agent, localAddress, method, path },
          headers: {
            authorization: `Bearer ${accessToken}`,
            ...(body !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
          });
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
