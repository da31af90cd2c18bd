/**
 * What every SFT and client agree on about media, fixed with the protocol version, so that no RTP description needs to
 * cross a link: a far side names only sources, layers and SSRCs.
 */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';

/** Kinds of sources; each participant publishes at most one of each. */
export const SourceKind = Word('camera', 'microphone', 'screen');
export type SourceKind = Static<typeof SourceKind>;

export function isVideo(kind: SourceKind): boolean {
  return kind !== 'microphone';
}

/** One simulcast encoding or spatial layer of a source; 0 is the smallest. */
export const Layer = Type.Integer({ minimum: 0, maximum: 2 });

/** Layers of a source, ascending and without repetition; a microphone has layer 0 only. */
export const Layers = Type.Array(Layer, { maxItems: 3, uniqueItems: true });

/**
 * Codecs of sources. VP8 sends each layer as a stream of its own; VP9 all layers as one stream, of which an SFT forwards the
 * lower ones (a camera as L3T3, a screen as L1T3). Whoever receives sets up the codec that was announced for the source, so
 * that a false word brings no media and no other harm.
 *
 * AV1 is not among them: mediasoup does not forward its spatial layers. Any conference can become one of several
 * organisations, so that it is refused in all of them.
 */
export const Codec = Word('opus', 'vp8', 'vp9');
export type Codec = Static<typeof Codec>;

/** The codecs in which each kind of source may be sent, the usual one first. */
export const CODECS_OF: Readonly<Record<SourceKind, readonly Codec[]>> = {
  microphone: ['opus'],
  camera: ['vp8', 'vp9'],
  screen: ['vp8', 'vp9'],
};

/** RTP payload types inside SFTs, on trunks and towards clients. */
export const PAYLOAD = { opus: 100, vp8: 101, vp8rtx: 102, vp9: 103, vp9rtx: 104 } as const;

/**
 * The camera's three encodings: resolution divided by, and most bits a second. The figures are those of the benchmark's
 * floor (150, 500, 1500 kbit/s), reached at 1280x720.
 */
export const CAMERA_ENCODINGS = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
] as const;

/** Most bits a second of a camera in VP9, all three layers together: each one builds on those below it. */
export const CAMERA_VP9_MAX_BITRATE = 1_500_000;

/**
 * The streams of a source, each of which is a rendition: a producer of its own wherever it enters an SFT, from its publisher
 * and from a trunk. VP8 has one for each layer, VP9 one with all layers.
 *
 * A viewer who is given one layer of a producer and wants a higher one of the same producer waits two seconds for it:
 * mediasoup prefers a stream that has been active for that long to a young one (measured with 3.27.1), and each layer that
 * nobody watched is young when it begins again. Between two producers nobody waits, and no layer can be sent in another's place.
 *
 * @param streams of one source
 * @returns the same, the smallest layers first
 * @throws Error where the streams are not those of the codec
 */
export function renditionsOf<S extends { readonly layers: readonly number[] }>(
  codec: Codec,
  streams: readonly S[],
): S[] {
  const layers = streams.flatMap((stream) => stream.layers);
  const isOfCodec = codec === 'vp9' ? streams.length === 1 : layers.length === streams.length;
  if (!isOfCodec || new Set(layers).size < layers.length) throw new Error(`streams that are not those of ${codec}`);
  return streams.toSorted((a, b) => (a.layers[0] ?? 0) - (b.layers[0] ?? 0));
}

/** Highest bit rates of the sources with one encoding, bit/s. */
export const SCREEN_MAX_BITRATE = 2_500_000;
export const MICROPHONE_MAX_BITRATE = 32_000;

export const SRTP_SUITE = 'AEAD_AES_256_GCM';
/** AES-256 key and 12-byte salt (RFC 7714, section 12), base64. */
export const SrtpKey = Closed({
  suite: Type.Literal(SRTP_SUITE),
  key: Type.String({ pattern: '^[A-Za-z0-9+/]{59}=$' }),
});
export type SrtpKey = Static<typeof SrtpKey>;

export const MediaAddress = Closed({
  ip: Type.String({ pattern: '^[0-9a-f.:]{2,45}$' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
});
export type MediaAddress = Static<typeof MediaAddress>;
