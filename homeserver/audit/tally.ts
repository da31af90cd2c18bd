/**
 * Which events are lines of their own and which are counted together. Pure. The first of its kind is a line at once; what repeats it
 * within a minute is one more line with a count. Names that a stranger claims are as many as he likes, so they are bounded.
 */
import type { AuditEvent, Counted } from './chain.ts';

const MINUTE_MS = 60_000;
/** Different things counted at once; what is beyond is counted without its domain. */
const MAX_KEYS = 500;
const REPEATED: ReadonlySet<AuditEvent['kind']> = new Set([
  'refusal',
  'dropped',
  'equivocation',
  // One that answers every other request would write two lines for each.
  'unreachable',
  'reachable',
]);

interface Count {
  readonly event: AuditEvent;
  readonly since: number;
  count: number;
}

export class Tally {
  /** Oldest first. */
  readonly #counts = new Map<string, Count>();

  /** @returns a line to be written now; undefined where it is counted */
  note(event: AuditEvent, now: number): Counted | undefined {
    if (!REPEATED.has(event.kind)) return { ...event, at: now, count: 1 };
    const isKnown = this.#counts.has(keyOf(event));
    const { domain: _domain, detail: _detail, ...pooled } = event;
    const counted = isKnown || this.#counts.size < MAX_KEYS ? event : pooled;
    const before = this.#counts.get(keyOf(counted));
    if (before) {
      before.count += 1;
      return undefined;
    }
    this.#counts.set(keyOf(counted), { event: counted, since: now, count: 0 });
    return { ...counted, at: now, count: 1 };
  }

  /** What was counted for a minute; all of it where the homeserver ends. */
  due(now: number, isEnd = false): Counted[] {
    const lines: Counted[] = [];
    for (const [key, { event, since, count }] of this.#counts) {
      // A clock that was set back is no reason to count for ever.
      const age = now - since;
      if (!isEnd && age >= 0 && age < MINUTE_MS) continue;
      this.#counts.delete(key);
      if (count > 0) lines.push({ ...event, at: now, count });
    }
    return lines;
  }
}

function keyOf({ kind, domain = '', code = '' }: AuditEvent): string {
  return `${kind} ${domain} ${code}`;
}
