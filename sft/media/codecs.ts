/** What goes through a worker: codecs with the payload types of the media profile, and the header extensions of a trunk. */
import type { types } from 'mediasoup';
import type { PublishedRendition } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import { CODECS_OF, type Codec, isVideo, PAYLOAD, type SourceKind } from '#signalling/media-profile.ts';

export const ROUTER_CODECS: types.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    preferredPayloadType: PAYLOAD.opus,
    clockRate: 48_000,
    channels: 2,
    parameters: { useinbandfec: 1, usedtx: 1 },
  },
  { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: PAYLOAD.vp8, clockRate: 90_000 },
  {
    kind: 'video',
    mimeType: 'video/VP9',
    preferredPayloadType: PAYLOAD.vp9,
    clockRate: 90_000,
    parameters: { 'profile-id': 0 },
  },
];

const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
const VIDEO_ORIENTATION = 'urn:3gpp:video-orientation';

/**
 * Feedback of a trunk. Without transport-cc and REMB a consumer is not bandwidth-managed, so that it keeps to the layer
 * it is pinned to; loss is repaired by NACK and RTX, and the receiver reports are the brake.
 */
const TRUNK_FEEDBACK: types.RtcpFeedback[] = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
];

/** A voice that is lost on the way is sent again under its own SSRC: there is no RTX for sound. */
const VOICE_FEEDBACK: types.RtcpFeedback[] = [{ type: 'nack' }];

/**
 * What is given to `consume` on a trunk: the router's own capabilities less MID and the other `sdes` extensions (a MID
 * of one conference means nothing at the far side), absolute send time and transport-cc.
 */
export function trunkCapabilities(router: types.RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: (router.codecs ?? []).map((codec) => ({
      ...codec,
      rtcpFeedback: codec.mimeType.endsWith('/rtx') ? [] : codec.kind === 'video' ? TRUNK_FEEDBACK : VOICE_FEEDBACK,
    })),
    headerExtensions: (router.headerExtensions ?? []).filter(
      ({ uri }) => uri === AUDIO_LEVEL || uri === VIDEO_ORIENTATION,
    ),
  };
}

function extension(capabilities: types.RtpCapabilities, kind: types.MediaKind, uri: types.RtpHeaderExtensionUri) {
  const found = capabilities.headerExtensions?.find((candidate) => candidate.kind === kind && candidate.uri === uri);
  return found ? [{ uri, id: found.preferredId }] : [];
}

interface Stream {
  readonly layers: readonly number[];
  readonly ssrc: number;
  readonly rtxSsrc?: number | undefined;
}

/** The RTP description of a source that arrives on a trunk; of it only SSRCs and layers come from the far side. */
export function trunkRtpParameters(
  capabilities: types.RtpCapabilities,
  codec: Codec,
  stream: Stream,
  cname: string,
  msid: string,
): types.RtpParameters {
  const rtcp = { cname, reducedSize: true };
  if (codec === 'opus') {
    return {
      codecs: [
        {
          mimeType: 'audio/opus',
          payloadType: PAYLOAD.opus,
          clockRate: 48_000,
          channels: 2,
          rtcpFeedback: VOICE_FEEDBACK,
        },
      ],
      headerExtensions: extension(capabilities, 'audio', AUDIO_LEVEL),
      encodings: [{ ssrc: stream.ssrc }],
      rtcp,
      msid,
    };
  }
  const [mimeType, payloadType, rtx] =
    codec === 'vp9'
      ? (['video/VP9', PAYLOAD.vp9, PAYLOAD.vp9rtx] as const)
      : (['video/VP8', PAYLOAD.vp8, PAYLOAD.vp8rtx] as const);
  return {
    codecs: [
      { mimeType, payloadType, clockRate: 90_000, rtcpFeedback: TRUNK_FEEDBACK },
      { mimeType: 'video/rtx', payloadType: rtx, clockRate: 90_000, parameters: { apt: payloadType } },
    ],
    headerExtensions: extension(capabilities, 'video', VIDEO_ORIENTATION),
    encodings: encodingsOf(stream.layers, {
      ssrc: stream.ssrc,
      ...(stream.rtxSsrc === undefined ? {} : { rtx: { ssrc: stream.rtxSsrc } }),
    }),
    rtcp,
    msid,
  };
}

/** Of the SSRC of the encoding beside which nothing comes; mediasoup draws its own from below 10^9. */
const SILENT = 0x8000_0000;

/**
 * The encodings of a rendition, as mediasoup is told of them.
 *
 * The lowest layer is said to be nothing but a stream: mediasoup sends it whatever the viewer's path takes. A higher one is to
 * be sent only where there is room for it, which mediasoup looks after for two kinds of producers: those with spatial layers
 * inside, which it does not come back to once they were silent for two seconds, and those with several streams. So each has a
 * second stream, on which nothing ever comes from whoever is honest.
 */
export function encodingsOf(
  layers: readonly number[],
  { scalabilityMode: _said, ...stream }: types.RtpEncodingParameters,
): types.RtpEncodingParameters[] {
  if (layers.length > 1) return [{ ...stream, scalabilityMode: `L${layers.length}T3` }];
  if (layers[0] === 0) return [stream];
  const scalabilityMode = 'L1T3';
  return [
    { ...stream, scalabilityMode },
    { ssrc: ((stream.ssrc ?? 0) ^ SILENT) >>> 0, scalabilityMode },
  ];
}

/** What a client publishes, as far as it concerns others. */
export interface Published {
  readonly codec: Codec;
  readonly layers: readonly number[];
}

/** VP9 has its layers inside one stream: three spatial ones of a camera, one of a screen. */
const VP9_MODE: Partial<Record<SourceKind, { readonly mode: string; readonly layers: readonly number[] }>> = {
  camera: { mode: 'L3T3', layers: [0, 1, 2] },
  screen: { mode: 'L1T3', layers: [0] },
};

/**
 * What a client publishes must be in a codec of the profile for that kind of source, with nothing but its repair beside it:
 * mediasoup itself takes a picture under the name of a voice. VP8 has one rendition for each layer, VP9 one with all of them.
 * @throws HawserError SFT_CODEC_REFUSED for a picture in another codec, SFT_MEDIA_REFUSED
 */
export function checkPublished(kind: SourceKind, renditions: readonly PublishedRendition[]): Published {
  const [codec, ...others] = renditions.map((rendition) => checkRendition(kind, rendition));
  if (!codec || others.some((other) => other !== codec)) throw refused('all renditions of a source are in one codec');
  const layers = renditions.flatMap((rendition) => rendition.layers);
  const most = kind === 'camera' ? 3 : 1;
  if (layers.length < 1 || layers.length > most) throw refused(`a ${kind} has 1 to ${most} layers`);
  const spread = codec === 'vp9' ? [layers] : layers.map((layer) => [layer]);
  const isWhole = layers.every((layer, index) => layer === index);
  if (!isWhole || JSON.stringify(renditions.map((each) => each.layers)) !== JSON.stringify(spread)) {
    const form = codec === 'vp9' ? 'one rendition of all layers' : 'one rendition for each layer, the lowest first';
    throw refused(`a ${kind} in ${codec} is ${form}`);
  }
  return { codec, layers };
}

function checkRendition(kind: SourceKind, { layers, rtpParameters }: PublishedRendition): Codec {
  const { codecs, encodings = [] } = rtpParameters;
  const [media, ...rest] = codecs;
  const name = media?.mimeType.toLowerCase() ?? '';
  const codec = CODECS_OF[kind].find((each) => name === `${isVideo(kind) ? 'video' : 'audio'}/${each}`);
  if (!codec) {
    const isOtherPicture = isVideo(kind) && name.startsWith('video/') && name !== 'video/rtx';
    throw isOtherPicture ? new HawserError('SFT_CODEC_REFUSED', name) : refused(`a ${kind} in ${name}`);
  }
  if (rest.some(({ mimeType }) => mimeType.toLowerCase() !== 'video/rtx')) throw refused('more than one codec');
  const scalable = codec === 'vp9' ? VP9_MODE[kind] : undefined;
  if (scalable) {
    // Another profile has more bits or colours than every browser decodes. L3T3_KEY serves one layer to all viewers and no more.
    if (Number(media?.parameters?.['profile-id'] ?? 0) !== 0) throw refused('VP9 is sent in profile 0');
    const [encoding, ...others] = encodings;
    const hasItsLayers = layers.length === scalable.layers.length;
    if (others.length > 0 || encoding?.scalabilityMode !== scalable.mode || !hasItsLayers) {
      throw refused(`a ${kind} in VP9 is sent as one encoding with scalability mode ${scalable.mode}`);
    }
    return codec;
  }
  if (encodings.length !== 1) throw refused('each layer has one encoding');
  if (isVideo(kind) && encodings[0]?.ssrc === undefined) throw refused('the encoding of a layer has an SSRC');
  return codec;
}

function refused(why: string): HawserError {
  return new HawserError('SFT_MEDIA_REFUSED', why);
}

/** @throws Error when the router numbers payloads in another way than the media profile, which would break every trunk */
export function checkProfile({ codecs = [] }: types.RtpCapabilities): void {
  const number = (mimeType: string, apt?: number) =>
    codecs.find((codec) => codec.mimeType.toLowerCase() === mimeType && (!apt || codec.parameters?.apt === apt))
      ?.preferredPayloadType;
  const found: Record<keyof typeof PAYLOAD, number | undefined> = {
    opus: number('audio/opus'),
    vp8: number('video/vp8'),
    vp8rtx: number('video/rtx', PAYLOAD.vp8),
    vp9: number('video/vp9'),
    vp9rtx: number('video/rtx', PAYLOAD.vp9),
  };
  for (const [name, payload] of Object.entries(PAYLOAD)) {
    if (found[name as keyof typeof PAYLOAD] === payload) continue;
    throw new Error(`the media worker's payload types differ from the media profile: ${JSON.stringify(found)}`);
  }
}
