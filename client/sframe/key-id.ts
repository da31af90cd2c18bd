/**
 * How a KID says whose key it is (RFC 9605, section 5.2): context, leaf of the sender, and the lowest four bits of the epoch, from high
 * to low. The context of ours names one encoder of that device, so that no two of them ever count with one key, and what it encodes, so
 * that nobody on the way can show one in another's place.
 */
import type { SourceKind } from '#signalling/media-profile.ts';

/** E of the RFC. Keys of an epoch are kept for seconds, so that sixteen of them are never known at once. */
export const EPOCH_BITS = 4n;
const EPOCHS = 1n << EPOCH_BITS;
const LAYER_BITS = 2n;
const KIND_BITS = 2n;
const KINDS: readonly SourceKind[] = ['microphone', 'camera', 'screen'];
/** So that it fits beside leaves of the largest tree. */
export const MAX_ENCODERS = 2 ** 40;

/** What one encoder of a device makes. */
export interface EncoderId {
  /** Never given out twice by one leaf of one group: from 0 to 2^40 - 1. */
  readonly number: number;
  readonly kind: SourceKind;
  /** 0, the smallest, to 2. */
  readonly layer: number;
}

export interface KeyId {
  readonly encoder: EncoderId;
  readonly leaf: number;
  /** Its lowest four bits. */
  readonly epoch: number;
}

/** S of the RFC. @param width leaves that the tree of the epoch has room for */
export function leafBitsOf(width: number): number {
  return Math.ceil(Math.log2(Math.max(width, 2)));
}

/** Its lowest four bits. */
export function shortEpoch(epoch: bigint): number {
  return Number(epoch % EPOCHS);
}

/** @param leafBits of the epoch's tree */
export function writeKeyId({ encoder, leaf, epoch }: KeyId, leafBits: number): bigint {
  const { number, kind, layer } = encoder;
  if (!(number >= 0 && number < MAX_ENCODERS) || !(leaf >= 0 && leaf < 2 ** leafBits)) throw new RangeError('KID');
  const context = (((BigInt(number) << KIND_BITS) | BigInt(KINDS.indexOf(kind))) << LAYER_BITS) | BigInt(layer);
  return (((context << BigInt(leafBits)) | BigInt(leaf)) << EPOCH_BITS) | BigInt(epoch);
}

/** Which epoch to look for, before the width of its tree is known. */
export function epochOf(kid: bigint): number {
  return Number(kid % EPOCHS);
}

/** @returns undefined where the KID names nothing that is sent in calls */
export function readKeyId(kid: bigint, leafBits: number): KeyId | undefined {
  const take = (from: bigint, bits: bigint) => Number((kid >> from) & ((1n << bits) - 1n));
  const [leafAt, size] = [EPOCH_BITS, BigInt(leafBits)];
  const layerAt = leafAt + size;
  const number = kid >> (layerAt + LAYER_BITS + KIND_BITS);
  const kind = KINDS[take(layerAt + LAYER_BITS, KIND_BITS)];
  const layer = take(layerAt, LAYER_BITS);
  if (kind === undefined || layer > 2 || number >= MAX_ENCODERS) return undefined;
  return { encoder: { number: Number(number), kind, layer }, leaf: take(leafAt, size), epoch: epochOf(kid) };
}
