/** Passwords: argon2id (RFC 9106) of Node's own OpenSSL, in the thread pool and therefore beside the event loop. */
import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HawserError } from '#signalling/errors.ts';
import type { World } from '../world.ts';

interface Cost {
  /** KiB */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/**
 * The second of OWASP's equivalent minimum settings (Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1). One takes
 * about 40 ms of one core; RFC 9106's 64 MiB would let some dozens of log-ins at once fill a small machine.
 */
const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Two of the four threads of Node's pool: DNS and files must not wait for log-ins. */
const MAX_AT_ONCE = 2;
/** Two seconds' worth of work; whoever comes then is told to come later, not kept waiting. */
const MAX_WAITING = 100;

const hash = promisify(argon2);
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * @returns a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`)
 * @throws HawserError HOME_SLOW_DOWN
 */
export async function hashPassword(password: string, world: World): Promise<string> {
  const salt = world.random(SALT_BYTES);
  const tag = await derive(password, salt, COST);
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/**
 * Whether the password is the one of the account. Without an account (`stored` undefined), or where the account has no
 * password (`NO_PASSWORD`), the same work is done, so that the time of the answer does not tell who has an account here.
 * @throws HawserError HOME_SLOW_DOWN
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const match = PHC.exec(stored ?? '');
  const [, memory, passes, parallelism, salt = '', tag = ''] = match ?? PHC.exec(NOBODY) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const expected = Buffer.from(tag, 'base64');
  const actual = await derive(password, Buffer.from(salt, 'base64'), cost);
  return actual.length === expected.length && timingSafeEqual(actual, expected) && match !== null;
}

/** In place of a PHC string: the person signs in by other means. */
export const NO_PASSWORD = '!';

/** The record that a log-in of nobody is compared with: no password is known that leads to its tag. */
const NOBODY = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

async function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new HawserError('HOME_SLOW_DOWN');
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    // One spelling of a password, however the keyboard composes its accents (RFC 8265, section 4.2.1).
    const message = Buffer.from(password.normalize('NFC'));
    return await hash('argon2id', { message, nonce: salt, tagLength: TAG_BYTES, ...cost });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
