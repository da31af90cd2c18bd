/** The TURN servers of this domain, and the credentials with which its devices use them. */
import { createHmac } from 'node:crypto';
import type { Relays } from '#signalling/client-home.ts';
import type { Site } from '#site/schema.ts';
import { Following } from '#trust/following.ts';
import { turnCredential } from '#turn-config/credential.ts';
import { relayUrls } from '#turn-config/relays.ts';
import { parseSecrets } from '#turn-config/secrets.ts';
import type { World } from '../world.ts';

/** Of a SHA-256: enough that no two devices are one. */
const PSEUDONYM_LENGTH = 22;

export interface RelayOffice {
  /** @param who a device, or a person whose session has not named one yet. Undefined where the site has no TURN servers. */
  offer(who: string): Relays | undefined;
  close(): void;
}

/**
 * Follows the file of secrets: a new one signs within a second.
 * @param key under which pseudonyms are made: coturn and its log tell devices apart and do not learn whose they are
 * @throws Error with a sentence, where the file of secrets cannot be used
 */
export async function openRelays(
  site: Site,
  key: Buffer,
  world: World,
  onTrouble: (sentence: string) => void,
): Promise<RelayOffice> {
  const { turn } = site;
  if (!turn) return { offer: () => undefined, close: () => undefined };
  const secrets = await Following.open(
    async (read) => {
      try {
        return parseSecrets(await read(turn.secrets));
      } catch (error) {
        throw new Error(`turn.secrets, ${turn.secrets}: ${whyUnusable(error)}`, { cause: error });
      }
    },
    { what: 'The file of TURN secrets', onTrouble },
  );
  const urls = [...relayUrls(turn)];
  return {
    offer: (who) => {
      const pseudonym = createHmac('sha256', key).update(who).digest('base64url').slice(0, PSEUDONYM_LENGTH);
      const { username, password } = turnCredential(secrets.current.current, pseudonym, world.now());
      return { urls, username, credential: password };
    },
    close: () => secrets.close(),
  };
}

/** With what to do. */
function whyUnusable(error: unknown): string {
  if (error instanceof RangeError) {
    return `${error.message} Correct it, or take it away and make a new one: hawser turn rotate`;
  }
  const code = error instanceof Error && 'code' in error ? error.code : error;
  if (code === 'ENOENT') return 'there is no such file. Make it: hawser turn rotate';
  return `it cannot be read (${code}). Let the user of the homeserver read it.`;
}
