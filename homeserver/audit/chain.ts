/**
 * Lines of the log and how each holds the one before it. Pure. Whoever changes, removes or puts in a line has to make every later one
 * anew, and the head file, and every copy of either that somebody else has.
 */
import { createHash } from 'node:crypto';

export const AUDIT_KINDS = [
  // The door: what was refused to a domain, or to a server that claims to be of it
  'refusal',
  // What a domain sent and what can never be taken, so that it was thrown away
  'dropped',
  // Two different things under one number
  'equivocation',
  // A domain gives no answer to us any more, and the code says why; it does again
  'unreachable',
  'reachable',
  // The administrator's acts
  'started',
  'allowed',
  'changed',
  'blocked',
  'removed',
  'account-added',
  'account-removed',
  'password-set',
  'admin-granted',
  'admin-revoked',
  'invited',
  'key-waits',
  'key-accepted',
  'call-ended',
  'call-muted',
  'put-out',
  // The log itself: events that it had no room for; an end that is missing
  'lost',
  'cut',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** What happened. Never names of people, content or secrets. */
export interface AuditEvent {
  readonly kind: AuditKind;
  readonly domain?: string | undefined;
  readonly call?: string | undefined;
  readonly code?: string | undefined;
  /** At most 200 characters. */
  readonly detail?: string | undefined;
}

export interface AuditLine {
  /** 1, 2, 3 and so on. */
  readonly seq: number;
  /** ms since 1970 */
  readonly at: number;
  readonly kind: string;
  readonly domain: string | null;
  readonly call: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  /** How often it happened. */
  readonly count: number;
  /** 64 hex digits. */
  readonly hash: string;
}

/** The newest line, by number and hash. */
export type Head = Pick<AuditLine, 'seq' | 'hash'>;

export const BEFORE_ALL: Head = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 of the hash before, a line break, and the fields in this order as a JSON array without spaces. */
export function hashOf(previous: string, line: Omit<AuditLine, 'hash'>): string {
  const { seq, at, kind, domain, call, code, detail, count } = line;
  const fields = JSON.stringify([seq, at, kind, domain, call, code, detail, count]);
  return createHash('sha256').update(`${previous}\n${fields}`).digest('hex');
}

export interface Counted extends AuditEvent {
  readonly at: number;
  readonly count: number;
}

const MAX_DETAIL = 200;
const MAX_WORD = 100;

export function lineBehind(head: Head, { at, kind, domain, call, code, detail, count }: Counted): AuditLine {
  const line = {
    ...{ seq: head.seq + 1, at, kind, count },
    domain: domain?.slice(0, MAX_WORD) ?? null,
    call: call?.slice(0, MAX_WORD) ?? null,
    code: code?.slice(0, MAX_WORD) ?? null,
    detail: detail?.slice(0, MAX_DETAIL) ?? null,
  };
  return { ...line, hash: hashOf(head.hash, line) };
}

/** What is wrong at a line, for people. */
export interface Break {
  readonly seq: number;
  readonly why: string;
}

/** Walks a log from its first line to its last. */
export class Walk {
  #head: Head = BEFORE_ALL;
  #broken: Break | undefined;
  readonly #expected: Head | undefined;
  #hasSeenExpected: boolean;

  /** @param expected what the head file says; read before the lines are, so that the log can only have more */
  constructor(expected: Head | undefined) {
    this.#expected = expected;
    this.#hasSeenExpected = expected === undefined || expected.seq === 0;
  }

  /** Does nothing behind the first break. */
  take(line: AuditLine): void {
    if (this.#broken) return;
    const { seq, kind, detail } = line;
    const wanted = this.#head.seq + 1;
    if (seq !== wanted) {
      const missing = seq > wanted ? `lines ${wanted} to ${seq - 1} are missing before it` : 'it is not in its place';
      this.#broken = { seq, why: missing };
    } else if (hashOf(this.#head.hash, line) !== line.hash) {
      this.#broken = { seq, why: 'it, or what stood before it, is not what was written' };
    } else if (kind === 'cut') {
      this.#broken = { seq, why: `lines were missing before it: ${detail ?? 'no more is known'}` };
    } else {
      this.#head = line;
      if (seq === this.#expected?.seq) {
        this.#hasSeenExpected = true;
        if (line.hash !== this.#expected.hash) this.#broken = { seq, why: 'the head file has another line there' };
      }
    }
  }

  /** After the last line: undefined where all is well. */
  get broken(): Break | undefined {
    if (this.#broken || this.#hasSeenExpected) return this.#broken;
    const { seq = 0 } = this.#expected ?? {};
    return { seq: this.#head.seq + 1, why: `the log ends before it, and the head file says that there were ${seq}` };
  }

  /** The newest line that is right. */
  get head(): Head {
    return this.#head;
  }
}
