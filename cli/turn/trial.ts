/** Asks the TURN hosts of a site for a relay, to see whether they take a credential that a secret signs. */
import { lookup } from 'node:dns/promises';
import type { TurnOptions } from '#site/turn.ts';
import { turnCredential } from '#turn-config/credential.ts';
import { TurnClient, TurnRefusal } from '#turn-config/turn-client.ts';

/** Why a host does not take it; undefined where it does. */
export async function whyRefused(turn: TurnOptions, host: string, secret: string): Promise<string | undefined> {
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
    if (error instanceof TurnRefusal && error.code === 401) return 'it does not know the new secret';
    return error instanceof Error ? error.message : String(error);
  }
}
