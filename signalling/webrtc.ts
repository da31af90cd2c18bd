/** Schemas of the ORTC-like objects that a client and its SFT exchange; bounded, because clients are strangers. */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';

const Text = (maxLength: number) => Type.String({ maxLength });
const Kind = Word('audio', 'video');
const Ssrc = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });
const PayloadType = Type.Integer({ minimum: 0, maximum: 127 });
const ExtensionId = Type.Integer({ minimum: 1, maximum: 255 });
const Parameters = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_-]{1,40}$' }),
  Type.Union([Text(200), Type.Number()]),
  {
    maxProperties: 20,
  },
);
const RtcpFeedback = Type.Array(Closed({ type: Text(30), parameter: Type.Optional(Text(30)) }), { maxItems: 12 });

export const RtpParameters = Closed({
  mid: Type.Optional(Text(16)),
  msid: Type.Optional(Text(100)),
  codecs: Type.Array(
    Closed({
      mimeType: Text(40),
      payloadType: PayloadType,
      clockRate: Type.Integer({ minimum: 1, maximum: 192_000 }),
      channels: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
      parameters: Type.Optional(Parameters),
      rtcpFeedback: Type.Optional(RtcpFeedback),
    }),
    { minItems: 1, maxItems: 4 },
  ),
  headerExtensions: Type.Optional(
    Type.Array(
      Closed({
        uri: Text(200),
        id: ExtensionId,
        encrypt: Type.Optional(Type.Boolean()),
        parameters: Type.Optional(Parameters),
      }),
      { maxItems: 20 },
    ),
  ),
  encodings: Type.Optional(
    Type.Array(
      Closed({
        ssrc: Type.Optional(Ssrc),
        rid: Type.Optional(Text(16)),
        codecPayloadType: Type.Optional(PayloadType),
        rtx: Type.Optional(Closed({ ssrc: Ssrc })),
        dtx: Type.Optional(Type.Boolean()),
        active: Type.Optional(Type.Boolean()),
        scalabilityMode: Type.Optional(Text(16)),
        scaleResolutionDownBy: Type.Optional(Type.Number({ minimum: 1, maximum: 64 })),
        maxBitrate: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000 })),
        maxFramerate: Type.Optional(Type.Number({ minimum: 0, maximum: 240 })),
        priority: Type.Optional(Text(16)),
        networkPriority: Type.Optional(Text(16)),
        adaptivePtime: Type.Optional(Type.Boolean()),
      }),
      { maxItems: 3 },
    ),
  ),
  rtcp: Type.Optional(
    Closed({
      cname: Type.Optional(Text(100)),
      reducedSize: Type.Optional(Type.Boolean()),
      mux: Type.Optional(Type.Boolean()),
    }),
  ),
});
export type RtpParameters = Static<typeof RtpParameters>;

export const RtpCapabilities = Closed({
  codecs: Type.Array(
    Closed({
      kind: Kind,
      mimeType: Text(40),
      preferredPayloadType: PayloadType,
      clockRate: Type.Integer({ minimum: 1, maximum: 192_000 }),
      channels: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
      parameters: Type.Optional(Parameters),
      rtcpFeedback: Type.Optional(RtcpFeedback),
    }),
    { maxItems: 40 },
  ),
  headerExtensions: Type.Array(
    Closed({
      kind: Kind,
      uri: Text(200),
      preferredId: ExtensionId,
      preferredEncrypt: Type.Optional(Type.Boolean()),
      direction: Type.Optional(Word('sendrecv', 'sendonly', 'recvonly', 'inactive')),
    }),
    { maxItems: 40 },
  ),
});
export type RtpCapabilities = Static<typeof RtpCapabilities>;

export const DtlsParameters = Closed({
  role: Type.Optional(Word('auto', 'client', 'server')),
  fingerprints: Type.Array(
    Closed({
      algorithm: Word('sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'),
      value: Type.String({ pattern: '^[0-9A-Fa-f:]{1,200}$' }),
    }),
    { minItems: 1, maxItems: 6 },
  ),
});
export type DtlsParameters = Static<typeof DtlsParameters>;

/** What a client needs to connect to one transport of its SFT. */
export const TransportOffer = Closed({
  id: Text(64),
  iceParameters: Closed({
    usernameFragment: Text(100),
    password: Text(100),
    iceLite: Type.Optional(Type.Boolean()),
  }),
  iceCandidates: Type.Array(
    Closed({
      foundation: Text(40),
      priority: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
      address: Text(100),
      ip: Text(100),
      protocol: Word('udp', 'tcp'),
      port: Type.Integer({ minimum: 0, maximum: 65_535 }),
      type: Word('host', 'srflx', 'prflx', 'relay'),
      tcpType: Type.Optional(Word('passive')),
    }),
    { maxItems: 16 },
  ),
  dtlsParameters: DtlsParameters,
});
export type TransportOffer = Static<typeof TransportOffer>;
