/** What the Node engine offers to receive and how it describes what it sends. Pure. */
import type { PublishedRendition } from '#signalling/client-sft.ts';
import {
  CAMERA_ENCODINGS,
  MICROPHONE_MAX_BITRATE,
  PAYLOAD,
  renditionsOf,
  SCREEN_MAX_BITRATE,
  type SourceKind,
} from '#signalling/media-profile.ts';
import type { RtpCapabilities } from '#signalling/webrtc.ts';

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

const VIDEO_FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];

/**
 * What this device can receive: the codecs of the profile, in the numbering of the router. Without transport-cc and REMB the
 * SFT does not adapt layers to an estimate of the path: it sends what is wished for.
 */
export function receiveCapabilities(router: RtpCapabilities): RtpCapabilities {
  return {
    codecs: router.codecs
      .filter(({ mimeType }) => /^(audio\/opus|video\/vp8|video\/rtx)$/i.test(mimeType))
      .filter(({ mimeType, parameters }) => !/rtx/i.test(mimeType) || parameters?.apt === PAYLOAD.vp8)
      .map((codec) => ({ ...codec, rtcpFeedback: /vp8/i.test(codec.mimeType) ? VIDEO_FEEDBACK : [] })),
    headerExtensions: router.headerExtensions.filter(({ uri }) => [MID, AUDIO_LEVEL].includes(uri)),
  };
}

export interface SendParameters {
  readonly renditions: PublishedRendition[];
  /** By layer. */
  readonly encodings: readonly { readonly ssrc: number; readonly rtxSsrc?: number }[];
  readonly payloadType: number;
  /** Of the repair stream; absent where lost packets are not sent again. */
  readonly rtxPayloadType?: number;
  readonly clockRate: number;
  /** Id of the audio level's header extension; absent for video and where the router does not know it. */
  readonly audioLevel?: number;
}

/** @param mid gives a fresh MID at each call. @param ssrc a fresh SSRC */
export function sendParameters(
  kind: SourceKind,
  router: RtpCapabilities,
  cname: string,
  mid: () => string,
  ssrc: () => number,
): SendParameters {
  const rtcp = { cname, reducedSize: true, mux: true };
  if (kind === 'microphone') {
    const level = router.headerExtensions.find(({ uri, kind: media }) => uri === AUDIO_LEVEL && media === 'audio');
    const encodings = [{ ssrc: ssrc() }];
    return {
      encodings,
      payloadType: PAYLOAD.opus,
      clockRate: 48_000,
      ...(level && { audioLevel: level.preferredId }),
      renditions: [
        {
          layers: [0],
          rtpParameters: {
            mid: mid(),
            rtcp,
            codecs: [
              {
                mimeType: 'audio/opus',
                payloadType: PAYLOAD.opus,
                clockRate: 48_000,
                channels: 2,
                parameters: { useinbandfec: 1, usedtx: 1 },
              },
            ],
            headerExtensions: level ? [{ uri: AUDIO_LEVEL, id: level.preferredId }] : [],
            encodings: encodings.map((each) => ({ ...each, dtx: true, maxBitrate: MICROPHONE_MAX_BITRATE })),
          },
        },
      ],
    };
  }
  const bitrates = kind === 'camera' ? CAMERA_ENCODINGS.map((each) => each.maxBitrate) : [SCREEN_MAX_BITRATE];
  const encodings = bitrates.map((maxBitrate) => ({ ssrc: ssrc(), rtxSsrc: ssrc(), maxBitrate }));
  return {
    encodings,
    payloadType: PAYLOAD.vp8,
    rtxPayloadType: PAYLOAD.vp8rtx,
    clockRate: 90_000,
    renditions: renditionsOf(
      'vp8',
      encodings.map((each, layer) => ({ ...each, layers: [layer] })),
    ).map(({ layers, ssrc, rtxSsrc, maxBitrate }) => ({
      layers,
      rtpParameters: {
        mid: mid(),
        rtcp,
        codecs: [
          { mimeType: 'video/VP8', payloadType: PAYLOAD.vp8, clockRate: 90_000, rtcpFeedback: VIDEO_FEEDBACK },
          { mimeType: 'video/rtx', payloadType: PAYLOAD.vp8rtx, clockRate: 90_000, parameters: { apt: PAYLOAD.vp8 } },
        ],
        headerExtensions: [],
        encodings: [{ ssrc, rtx: { ssrc: rtxSsrc }, scalabilityMode: 'L1T3', maxBitrate }],
      },
    })),
  };
}
