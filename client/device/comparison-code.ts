/**
 * What a device shows as a code to be scanned, so that the camera of another one compares what people else compare digit by
 * digit. It holds a hash of the devices of either side, as the shower knows them, and no secret. Pure.
 */
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { parseUserId, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { SeenDevice } from './verification.ts';

/** Whose devices a code is about: of whoever shows it, and of whom he talks to. */
export interface Pair {
  readonly shower: UserId;
  readonly other: UserId;
}

/** What a code says. The digests are SHA-256 in base64url, see `digestOf`. */
export interface ComparisonCode extends Pair {
  readonly showers: string;
  readonly others: string;
}

/** Whose devices are not the same on both screens, as seen by the scanner. */
export type Difference = 'own' | 'theirs' | 'both';

export type Scanned =
  | { readonly is: 'same' }
  /** The devices of one side or both are others there than here: somebody may be between the two. */
  | { readonly is: 'different'; readonly whose: Difference }
  /** A code, but of other people than these two. */
  | { readonly is: 'of-others' }
  /** The own one, in a mirror or on another own device. */
  | { readonly is: 'own' }
  /** A code of a later version than this one can read. */
  | { readonly is: 'newer' }
  | { readonly is: 'no-code' };

const NAME = 'hawser-verify';
const VERSION = 1;
/** The longest: name and version, two ids of 180 characters, two digests of 43, three marks between them. */
const MAX_TEXT = NAME.length + 3 + 2 * 180 + 2 * 43 + 3;

/**
 * The text of the code that `shower` shows: `hawser-verify:1:<id>;<digest>;<id>;<digest>`, some 160 characters.
 * @param devices everybody's in the conversation; each of the two has one
 */
export async function codeFor({ shower, other }: Pair, devices: readonly SeenDevice[]): Promise<string> {
  const [showers, others] = await Promise.all([digestOf(shower, devices), digestOf(other, devices)]);
  return textOf({ shower, showers, other, others });
}

/**
 * Compares a scanned text with what this device knows. `same` proves what comparing all numbers proves: the digests are over
 * the same fingerprints, and over the ids of the devices too.
 * @param text whatever a camera saw
 * @param self who scans
 * @param other whose code it should be
 */
export async function compareScanned(
  text: string,
  self: UserId,
  other: UserId,
  devices: readonly SeenDevice[],
): Promise<Scanned> {
  const code = readCode(text);
  if (typeof code === 'string') return { is: code };
  if (code.shower === self && code.other === other) return { is: 'own' };
  if (code.shower !== other || code.other !== self) return { is: 'of-others' };
  const [own, theirs] = await Promise.all([digestOf(self, devices), digestOf(other, devices)]);
  // No devices are the same as no devices, which proves nothing about anybody.
  const has = (user: UserId) => devices.some(({ device }) => userOfDevice(device) === user);
  const isOwn = has(self) && code.others === own;
  const isTheirs = has(other) && code.showers === theirs;
  if (isOwn && isTheirs) return { is: 'same' };
  return { is: 'different', whose: isTheirs ? 'own' : isOwn ? 'theirs' : 'both' };
}

/** What a text says; each code has one text only. */
export function readCode(text: string): ComparisonCode | 'newer' | 'no-code' {
  if (text.length > MAX_TEXT) return 'no-code';
  const [, version, body = ''] = /^hawser-verify:([1-9]\d{0,2}):(.*)$/.exec(text) ?? [];
  if (version === undefined) return 'no-code';
  if (Number(version) !== VERSION) return 'newer';
  const [showerText = '', showers = '', otherText = '', others = '', ...more] = body.split(';');
  const shower = parseUserId(showerText);
  const other = parseUserId(otherText);
  if (!shower || !other || shower === other || more.length > 0) return 'no-code';
  return isDigest(showers) && isDigest(others) ? { shower, showers, other, others } : 'no-code';
}

export function textOf({ shower, showers, other, others }: ComparisonCode): string {
  return `${NAME}:${VERSION}:${[shower, showers, other, others].join(';')}`;
}

/** SHA-256 over a line for each device, in the order of their ids: the id, a space, the fingerprint. Neither holds a space. */
async function digestOf(user: UserId, devices: readonly SeenDevice[]): Promise<string> {
  const lines = devices
    .filter(({ device }) => userOfDevice(device) === user)
    .map(({ device, fingerprint }) => `${device} ${fingerprint}\n`)
    .sort();
  const bytes = new TextEncoder().encode(lines.join(''));
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

function isDigest(text: string): boolean {
  return fromBase64Url(text)?.length === 32;
}
