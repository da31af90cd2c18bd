/** Asks the TURN hosts of a site for a relay, to see whether they take a credential that a secret signs. */
import { lookup } from 'node:dns/promises';
import type { TurnOptions } from '#site/turn.ts';
import { turnCredential } from '#turn-config/credential.ts';
import { TurnClient, TurnRefusal } from '#turn-config/turn-client.ts';

export interface TurnTrouble {
  /** Goes on after the name of the host. */
  readonly why: string;
  readonly remedy: string;
}

/** Undefined where the host takes it. */
export async function troubleWith(turn: TurnOptions, host: string, secret: string): Promise<TurnTrouble | undefined> {
  try {
    const { address } = await lookup(host);
    const server = { ip: address, port: turn.port };
    const client = await TurnClient.connect({ server, transport: { kind: 'udp' }, timeoutMs: 3_000 });
    try {
      const { username, password } = turnCredential(secret, 'hawser-turn-rotate', Date.now());
      await client.allocate(username, password);
      return undefined;
    } finally {
      await client.close();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof TurnRefusal)) {
      return { why: `could not be asked: ${message}`, remedy: 'Mend that, or do not look: --force' };
    }
    const said = error.code === 401 ? 'it does not know the new secret' : message;
    return {
      why: `would refuse what the homeserver signs: ${said}`,
      remedy: 'Tell it first: hawser turn secrets --help',
    };
  }
}
