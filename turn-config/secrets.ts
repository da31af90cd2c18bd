/**
 * The secrets that a homeserver shares with its TURN servers, one a line. The one that signs stands alone; while it is changed
 * there is one more, marked `next`, which coturn accepts already, or `old`, which it still accepts because credentials that it
 * signed are in use.
 */
import { randomBytes } from 'node:crypto';

export interface TurnSecrets {
  /** Signs. */
  readonly current: string;
  readonly next?: string;
  readonly old?: string;
}

/** 128 bits in any usual encoding; a shorter one is guessed from one credential. */
const SECRET = /^[\x21-\x7e]{22,200}$/;
const LINE = /^(?:(next|old)[ \t]+)?(\S+)$/;

/** @throws RangeError with a sentence that shows nothing of them */
export function parseSecrets(text: string): TurnSecrets {
  const found: { current?: string; next?: string; old?: string } = {};
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === '') continue;
    const [, role = 'current', secret = ''] = LINE.exec(line) ?? [];
    if (!SECRET.test(secret)) {
      throw new RangeError(
        'Each line must be a secret of 22 to 200 characters without spaces, alone or behind next or old.',
      );
    }
    const key = role === 'next' || role === 'old' ? role : 'current';
    if (found[key] !== undefined) throw new RangeError('There are two lines for one secret.');
    if (Object.values(found).includes(secret)) throw new RangeError('One secret stands in it twice.');
    found[key] = secret;
  }
  const { current, ...others } = found;
  if (current === undefined) throw new RangeError('There is no secret in it.');
  return { current, ...others };
}

export function formatSecrets({ current, next, old }: TurnSecrets): string {
  const lines = [
    current,
    ...(next === undefined ? [] : [`next ${next}`]),
    ...(old === undefined ? [] : [`old ${old}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What coturn is to accept. */
export function acceptedSecrets({ current, next, old }: TurnSecrets): readonly string[] {
  return [current, next, old].filter((secret) => secret !== undefined);
}

export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The next one signs from now on. */
export function withNextInUse({ current, next }: TurnSecrets & { readonly next: string }): TurnSecrets {
  return { current: next, old: current };
}
