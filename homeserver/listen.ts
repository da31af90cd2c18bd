/** Makes an application take connections, or says in one sentence why that cannot be. */
import type { AddressInfo } from 'node:net';
import { hostAndPort } from '#site/address.ts';
import type { App } from './http/fastify.ts';

/** The homeserver cannot start; the message tells the administrator why and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/**
 * @param address such as `0.0.0.0:8443`
 * @param option its name in the configuration, for the sentence
 * @returns the port
 * @throws StartError
 */
export async function listen(app: App, address: string, option: string): Promise<number> {
  const { host, port } = hostAndPort(address);
  try {
    await app.listen({ host, port, listenTextResolver: (at) => `${option}: listening at ${at}` });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `${address} (${option}) is in use by another program. Stop that one, or choose another port.`,
        { cause: error },
      );
    }
    if (code === 'EADDRNOTAVAIL') {
      throw new StartError(`This machine has no address ${host} (${option}).`, { cause: error });
    }
    if (code === 'EACCES') {
      throw new StartError(`The homeserver may not listen on ${address} (${option}): ports below 1024 need a right.`, {
        cause: error,
      });
    }
    throw error;
  }
  return (app.server.address() as AddressInfo).port;
}

export interface Door {
  readonly port: number;
  close(): Promise<void>;
}

/** As `listen`; whatever the application has begun is ended again where that fails. @throws StartError */
export async function openDoor(app: App, address: string, option: string): Promise<Door> {
  try {
    const port = await listen(app, address, option);
    return { port, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
