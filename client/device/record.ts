/** What a device keeps of itself. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Base64Url, fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { Closed } from '#signalling/contract.ts';
import { Certificate } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { DeviceId } from '#signalling/ids.ts';
import type { SignatureKeys } from './keys.ts';

export interface DeviceRecord {
  readonly keys: SignatureKeys;
  /** Absent until the homeserver has certified the key. */
  readonly certified?: {
    readonly device: DeviceId;
    /** DER: leaf, intermediate. */
    readonly certificates: readonly Uint8Array[];
    /** ms since 1970 */
    readonly notBefore: number;
    readonly notAfter: number;
  };
}

const Time = Type.Integer({ minimum: 0 });
const Stored = Closed({
  version: Type.Literal(1),
  signatureKey: Base64Url(32),
  signaturePublicKey: Base64Url(32),
  certified: Type.Optional(
    Closed({
      device: DeviceId,
      certificates: Type.Array(Certificate, { minItems: 2, maxItems: 3 }),
      notBefore: Time,
      notAfter: Time,
    }),
  ),
});
const validator = Compile(Stored);

export function writeRecord({ keys, certified }: DeviceRecord): Uint8Array {
  const stored: Static<typeof Stored> = {
    version: 1,
    signatureKey: toBase64Url(keys.signatureKey),
    signaturePublicKey: toBase64Url(keys.signaturePublicKey),
    ...(certified && { certified: { ...certified, certificates: certified.certificates.map(toBase64Url) } }),
  };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** @throws HawserError VAULT_DAMAGED */
export function readRecord(bytes: Uint8Array): DeviceRecord {
  let stored: unknown;
  try {
    stored = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HawserError('VAULT_DAMAGED', 'the device', { cause });
  }
  if (!validator.Check(stored)) throw new HawserError('VAULT_DAMAGED', 'the device');
  const { certified } = stored;
  const keys = { signatureKey: whole(stored.signatureKey), signaturePublicKey: whole(stored.signaturePublicKey) };
  return { keys, ...(certified && { certified: { ...certified, certificates: certified.certificates.map(whole) } }) };
}

function whole(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64Url(text);
  if (!bytes) throw new HawserError('VAULT_DAMAGED', 'the device');
  return bytes;
}
