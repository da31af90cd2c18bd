/** How far a running homeserver is with parting from a domain that was blocked or removed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Parting } from '#homeserver/federation/partings.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import { Problem } from '../errors.ts';

export const WHAT_HAPPENS = [
  'Its people leave the conversations of this organisation, yours are out of its own, and calls with it end.',
  'What waits for it is dropped, and messages that wait are given back to who wrote them. Allowing it again brings nobody back.',
] as const;

const ANSWER_MS = 5_000;
const LOOK_MS = 250;
/** Servers follow the list within a second; a busy one may need some more. */
const NOTICE_MS = 15_000;

export interface Waiting {
  readonly site: Site;
  readonly domain: DomainName;
  /** Takes a line about how far it is. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The newest parting with a domain, undefined where there was none; `none` where no homeserver of the site runs here. */
export async function partingWith({ site, domain, signal }: Waiting): Promise<Parting | undefined | 'none'> {
  const { listen } = site.homeserver.admin;
  const ask = async (path: string): Promise<unknown> => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const answer = await fetch(`http://${listen}${path}`, { signal: within });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  };
  try {
    const health = (await ask('/health')) as { domain?: string };
    if (health.domain !== site.domain) return 'none';
    const { partings } = (await ask('/admin/v1/partings')) as { partings: readonly Parting[] };
    return partings.find((each) => each.domain === domain);
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED') return 'none';
    throw new Problem(`the homeserver at ${listen} does not say how far it is. Look at its log.`, { cause: error });
  }
}

/**
 * Resolves when the homeserver has parted with the domain, and says how far it is meanwhile.
 * @param before what `partingWith` said before the list was changed
 * @throws Problem where the homeserver does not begin, or ends before it is done
 */
export async function waitForParting(waiting: Waiting, before: Parting | undefined): Promise<Parting> {
  const { domain, say, signal } = waiting;
  const isOld = ({ begunAt, endedAt }: Parting) =>
    before?.endedAt !== undefined && endedAt !== undefined && begunAt === before.begunAt;
  const begun = Date.now();
  let told = -1;
  for (;;) {
    const parting = await partingWith(waiting);
    if (parting === 'none') {
      throw new Problem('the homeserver ended before all was done. It goes on when it starts again.');
    }
    const isNew = parting !== undefined && !isOld(parting);
    if (isNew && parting.endedAt !== undefined) return parting;
    if (isNew && parting.done !== told) {
      told = parting.done;
      say(`${told} of ${Math.max(told, parting.conversations)} conversations`);
    }
    if (!isNew && Date.now() - begun > NOTICE_MS) {
      throw new Problem(`the homeserver has not noticed that ${domain} is off the list. Look at its log.`);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}
