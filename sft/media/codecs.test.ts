import { expect, it } from 'vitest';
import type { PublishedRendition } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import { CAMERA_ENCODINGS, PAYLOAD, type SourceKind } from '#signalling/media-profile.ts';
import type { RtpParameters } from '#signalling/webrtc.ts';
import { checkPublished, encodingsOf } from './codecs.ts';

type Encodings = NonNullable<RtpParameters['encodings']>;

function published(mimeType: string, encodings: Encodings, parameters = {}, ...beside: string[]): RtpParameters {
  const rtx = { mimeType: 'video/rtx', payloadType: PAYLOAD.vp9rtx, clockRate: 90_000 };
  const media = { mimeType, payloadType: PAYLOAD.vp9, clockRate: 90_000, parameters };
  return { codecs: [media, rtx, ...beside.map((each) => ({ ...rtx, mimeType: each }))], encodings };
}

/** As a client sends it: each encoding as a rendition of its own. */
function renditions({ codecs, encodings = [] }: RtpParameters): PublishedRendition[] {
  if (encodings.length === 0) return [{ layers: [0], rtpParameters: { codecs, encodings } }];
  return encodings.map((encoding, layer) => ({
    layers: encoding.scalabilityMode === 'L3T3' ? [0, 1, 2] : [layer],
    rtpParameters: { codecs, encodings: [encoding] },
  }));
}

function refusal(kind: SourceKind, parameters: RtpParameters): string | undefined {
  try {
    checkPublished(kind, renditions(parameters));
    return undefined;
  } catch (error) {
    return error instanceof HawserError ? error.code : String(error);
  }
}

const simulcast = CAMERA_ENCODINGS.map((_, layer) => ({ ssrc: 1 + layer, scalabilityMode: 'L1T3' }));
const one = (scalabilityMode: string) => [{ ssrc: 1, scalabilityMode }];

it.each([
  ['camera', 'video/VP8', simulcast, 'vp8', [0, 1, 2]],
  ['camera', 'video/VP8', one('L1T3'), 'vp8', [0]],
  ['camera', 'video/VP9', one('L3T3'), 'vp9', [0, 1, 2]],
  ['screen', 'video/VP9', one('L1T3'), 'vp9', [0]],
  ['screen', 'video/VP8', one('L1T3'), 'vp8', [0]],
] as const)('takes a %s in %s with %j', (kind, mimeType, encodings, codec, layers) => {
  expect(checkPublished(kind, renditions(published(mimeType, [...encodings])))).toEqual({ codec, layers });
});

it('takes a voice in Opus', () => {
  const opus = { mimeType: 'audio/opus', payloadType: PAYLOAD.opus, clockRate: 48_000, channels: 2 };
  const voice = renditions({ codecs: [opus], encodings: [{}] });
  expect(checkPublished('microphone', voice)).toEqual({ codec: 'opus', layers: [0] });
});

it.each([
  ['VP9 as simulcast', 'camera', published('video/VP9', simulcast)],
  ['VP9 whose layers do not build on each other', 'camera', published('video/VP9', one('L3T3_KEY'))],
  ['VP9 with fewer layers than it is announced with', 'camera', published('video/VP9', one('L1T3'))],
  ['VP9 without a mode', 'camera', published('video/VP9', [{}])],
  ['a screen in three layers', 'screen', published('video/VP9', one('L3T3'))],
  ['another profile of VP9', 'camera', published('video/VP9', one('L3T3'), { 'profile-id': 2 })],
  ['two codecs at once', 'camera', published('video/VP9', one('L3T3'), {}, 'video/VP8')],
  ['no encoding', 'camera', published('video/VP8', [])],
  ['a layer without an SSRC', 'camera', published('video/VP8', [{ scalabilityMode: 'L1T3' }])],
  ['a picture as a voice', 'microphone', published('video/VP8', [{}])],
  ['a voice as a picture', 'camera', published('audio/opus', [{}])],
  ['repair of nothing', 'camera', published('video/rtx', [{}])],
] as const)('refuses %s', (_, kind, parameters) => {
  expect(refusal(kind, parameters)).toBe('SFT_MEDIA_REFUSED');
});

it.each(['video/AV1', 'video/H264', 'video/H265'])('refuses a picture in %s with a code of its own', (mimeType) => {
  expect(refusal('camera', published(mimeType, one('L1T3')))).toBe('SFT_CODEC_REFUSED');
  expect(refusal('screen', published(mimeType, one('L1T3')))).toBe('SFT_CODEC_REFUSED');
});

it('refuses renditions of one source in two codecs', () => {
  const [low, middle, high] = renditions(published('video/VP8', simulcast));
  const other = renditions(published('video/VP9', one('L3T3')))[0];
  if (!low || !middle || !high || !other) throw new Error('no renditions');
  const code = () => checkPublished('camera', [low, { ...other, layers: [1, 2] }]);
  expect(code).toThrow(HawserError);
  expect(checkPublished('camera', [low, middle, high]).layers).toEqual([0, 1, 2]);
});

it.each([
  [[0], 1, [{ ssrc: 7, rtx: { ssrc: 8 } }]],
  [[2], 2, [{ ssrc: 7, rtx: { ssrc: 8 }, scalabilityMode: 'L1T3' }]],
  [[0, 1, 2], 1, [{ ssrc: 7, rtx: { ssrc: 8 }, scalabilityMode: 'L3T3' }]],
])('tells mediasoup of layers %j as %i streams, of which it manages what is not the lowest', (layers, count, first) => {
  const encodings = encodingsOf(layers, { ssrc: 7, rtx: { ssrc: 8 }, scalabilityMode: 'L1T3' });
  expect(encodings).toHaveLength(count);
  expect(encodings.slice(0, 1)).toEqual(first);
  expect(new Set(encodings.map(({ ssrc }) => ssrc)).size).toBe(count);
});
