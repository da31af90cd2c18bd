/** Whose devices a person compared, told to his own devices as a value of the extension `hawser.compared`. */
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import { parseDeviceId, parseUserId } from '#signalling/ids.ts';
import type { Cbor, CborKey } from './cbor.ts';
import type { ComparedDevice, Comparison } from './content.ts';
import { MAX_COMPARED } from './limits.ts';

const FINGERPRINT_BYTES = 32;

/** @throws {HawserError} CONTENT_TOO_LARGE, CONTENT_MALFORMED */
export function comparedItem({ devices, withdrawn }: Comparison): Cbor {
  if (devices.length > MAX_COMPARED) throw new HawserError('CONTENT_TOO_LARGE', 'devices');
  const pairs = devices.map(({ device, fingerprint }): Cbor => [device, fromBase64Url(fingerprint) ?? malformed()]);
  const item = new Map<CborKey, Cbor>([['devices', pairs]]);
  if (withdrawn !== undefined) item.set('withdrawn', withdrawn);
  return item;
}

/** @throws {HawserError} CONTENT_MALFORMED, CONTENT_TOO_LARGE */
export function comparedOf(item: Cbor): Comparison {
  if (!(item instanceof Map)) malformed();
  const fields: ReadonlyMap<CborKey, Cbor> = item;
  const pairs = fields.get('devices');
  if (!Array.isArray(pairs)) malformed();
  if (pairs.length > MAX_COMPARED) throw new HawserError('CONTENT_TOO_LARGE', 'devices');
  const named = fields.get('withdrawn');
  const withdrawn = typeof named === 'string' ? parseUserId(named) : undefined;
  if (named !== undefined && withdrawn === undefined) malformed();
  return { devices: pairs.map(deviceOf), ...(withdrawn !== undefined && { withdrawn }) };
}

function deviceOf(pair: Cbor): ComparedDevice {
  if (!Array.isArray(pair) || pair.length !== 2) malformed();
  const [name, bytes]: readonly unknown[] = pair;
  const device = typeof name === 'string' ? parseDeviceId(name) : undefined;
  if (device === undefined || !(bytes instanceof Uint8Array) || bytes.length !== FINGERPRINT_BYTES) malformed();
  return { device, fingerprint: toBase64Url(bytes) };
}

function malformed(): never {
  throw new HawserError('CONTENT_MALFORMED', 'compared devices');
}
