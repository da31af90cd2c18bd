/** What goes through a worker: codecs with the payload types of the media profile, and the header extensions of a trunk. */
import type { types } from 'mediasoup';
import type { PublishedRendition } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import { CODECS_OF, type Codec, isVideo, PAYLOAD, renditionsOf, type SourceKind } from '#signalling/media-profile.ts';

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
  streams: readonly Stream[],
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
      encodings: streams.map(({ ssrc }) => ({ ssrc })),
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
    encodings: streams.map(({ layers, ssrc, rtxSsrc }) => ({
      ssrc,
      ...(rtxSsrc === undefined ? {} : { rtx: { ssrc: rtxSsrc } }),
      ...scalability(layers.length, streams.length),
    })),
    rtcp,
    msid,
  };
}

/**
 * The scalability mode of one encoding. Of a single encoding without spatial layers nothing is said: mediasoup takes one with
 * temporal layers for SVC, manages its bitrate, and does not come back to it once it was silent for two seconds.
 * @param layers of the encoding. @param encodings of the producer
 */
function scalability(layers: number, encodings: number) {
  return layers === 1 && encodings === 1 ? {} : { scalabilityMode: `L${layers}T3` };
}

/** The encodings that a client publishes, as mediasoup is told of them. */
export function encodingsOf(
  layers: readonly number[],
  { encodings = [] }: PublishedRendition['rtpParameters'],
): types.RtpEncodingParameters[] {
  if (layers.length > 1 || encodings.length > 1) return encodings as types.RtpEncodingParameters[];
  return encodings.map(({ scalabilityMode: _said, ...rest }) => rest as types.RtpEncodingParameters);
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
 * mediasoup itself takes a picture under the name of a voice. The layers must be spread as `renditionsOf` says.
 * @throws HawserError SFT_CODEC_REFUSED for a picture in another codec, SFT_MEDIA_REFUSED
 */
export function checkPublished(kind: SourceKind, renditions: readonly PublishedRendition[]): Published {
  const [codec, ...others] = renditions.map((rendition) => checkRendition(kind, rendition));
  if (!codec || others.some((other) => other !== codec)) throw refused('all renditions of a source are in one codec');
  const layers = renditions.flatMap((rendition) => rendition.layers);
  const most = kind === 'camera' ? 3 : 1;
  if (layers.length < 1 || layers.length > most) throw refused(`a ${kind} has 1 to ${most} layers`);
  const whole = layers.map((_, layer) => layer);
  const streams = codec === 'vp9' ? [{ layers: whole }] : whole.map((layer) => ({ layers: [layer] }));
  const expected = renditionsOf(codec, streams).map((rendition) => rendition.flatMap((stream) => stream.layers));
  if (JSON.stringify(renditions.map((each) => each.layers)) !== JSON.stringify(expected)) {
    throw refused(`the layers of a ${kind} in ${codec} are spread as ${JSON.stringify(expected)}`);
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
  if (encodings.length !== layers.length) throw refused('each layer has one encoding');
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
