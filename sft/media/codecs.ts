/** What goes through a worker: codecs with the payload types of the media profile, and the header extensions of a trunk. */
import type { types } from 'mediasoup';
import { HawserError } from '#signalling/errors.ts';
import { isVideo, PAYLOAD, type SourceKind } from '#signalling/media-profile.ts';
import type { RtpParameters } from '#signalling/webrtc.ts';

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

/**
 * What is given to `consume` on a trunk: the router's own capabilities less MID and the other `sdes` extensions (a MID
 * of one conference means nothing at the far side), absolute send time and transport-cc.
 */
export function trunkCapabilities(router: types.RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: (router.codecs ?? []).map((codec) => ({
      ...codec,
      rtcpFeedback: codec.kind === 'video' && !codec.mimeType.endsWith('/rtx') ? TRUNK_FEEDBACK : [],
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

/** The RTP description of a source that arrives on a trunk; only SSRCs come from the far side. */
export function trunkRtpParameters(
  capabilities: types.RtpCapabilities,
  kind: types.MediaKind,
  streams: readonly { readonly ssrc: number; readonly rtxSsrc?: number | undefined }[],
  cname: string,
  msid: string,
): types.RtpParameters {
  const rtcp = { cname, reducedSize: true };
  if (kind === 'audio') {
    return {
      codecs: [{ mimeType: 'audio/opus', payloadType: PAYLOAD.opus, clockRate: 48_000, channels: 2, rtcpFeedback: [] }],
      headerExtensions: extension(capabilities, kind, AUDIO_LEVEL),
      encodings: streams.map(({ ssrc }) => ({ ssrc })),
      rtcp,
      msid,
    };
  }
  return {
    codecs: [
      { mimeType: 'video/VP8', payloadType: PAYLOAD.vp8, clockRate: 90_000, rtcpFeedback: TRUNK_FEEDBACK },
      { mimeType: 'video/rtx', payloadType: PAYLOAD.vp8rtx, clockRate: 90_000, parameters: { apt: PAYLOAD.vp8 } },
    ],
    headerExtensions: extension(capabilities, kind, VIDEO_ORIENTATION),
    encodings: streams.map(({ ssrc, rtxSsrc }) => ({
      ssrc,
      ...(rtxSsrc === undefined ? {} : { rtx: { ssrc: rtxSsrc } }),
      scalabilityMode: 'L1T3',
    })),
    rtcp,
    msid,
  };
}

/**
 * What a client publishes must be the profile's codec for that kind of source, with nothing but its repair beside it:
 * mediasoup itself takes a picture under the name of a voice.
 * @throws HawserError SFT_MEDIA_REFUSED
 */
export function checkPublished(kind: SourceKind, { codecs, encodings = [] }: RtpParameters): void {
  const wanted = isVideo(kind) ? 'video/vp8' : 'audio/opus';
  const [media, ...rest] = codecs.map(({ mimeType }) => mimeType.toLowerCase());
  if (media !== wanted || rest.some((mimeType) => mimeType !== 'video/rtx')) {
    throw new HawserError('SFT_MEDIA_REFUSED', `a ${kind} is sent as ${wanted}`);
  }
  const most = kind === 'camera' ? 3 : 1;
  if (encodings.length < 1 || encodings.length > most) {
    throw new HawserError('SFT_MEDIA_REFUSED', `a ${kind} has 1 to ${most} encodings`);
  }
}

/** @throws Error when the router numbers payloads in another way than the media profile, which would break every trunk */
export function checkProfile(capabilities: types.RtpCapabilities): void {
  const number = (mimeType: string) =>
    capabilities.codecs?.find((codec) => codec.mimeType.toLowerCase() === mimeType)?.preferredPayloadType;
  const found = { opus: number('audio/opus'), vp8: number('video/vp8'), vp8rtx: number('video/rtx') };
  if (found.opus !== PAYLOAD.opus || found.vp8 !== PAYLOAD.vp8 || found.vp8rtx !== PAYLOAD.vp8rtx) {
    throw new Error(`the media worker's payload types differ from the media profile: ${JSON.stringify(found)}`);
  }
}
