/**
 * A client's transport on this SFT. Browsers come by WebRTC. Load tests may come by plain RTP, where the configuration allows
 * it, which it does on loopback only.
 */
import type { types } from 'mediasoup';
import type { DtlsParameters, TransportOffer } from '#signalling/webrtc.ts';
import { SOCKET_BUFFER } from './socket-buffer.ts';
import type { MediaWorker } from './worker.ts';

export type Entrance = 'webrtc' | 'plain';

/** Called when the network path of a client is gone. */
export type Lost = (protocol: 'ice' | 'dtls') => void;

export interface ClientTransport {
  readonly media: types.Transport;
  readonly offer: TransportOffer;
  connect(dtlsParameters: DtlsParameters): Promise<void>;
  /** Bits a second that the client may send. */
  limitIncoming(bitrate: number): Promise<void>;
  statistics(): Promise<TransportStatistics>;
  close(): void;
}

export interface TransportStatistics {
  readonly protocol: 'udp' | 'tcp' | undefined;
  /** bit/s */
  readonly received: number;
  readonly sent: number;
  /** Shares of packets, 0 to 1. */
  readonly lossReceived: number | undefined;
  readonly lossSent: number | undefined;
}

/** What a new viewer is thought to be able to receive until the estimate says more, bit/s. */
const INITIAL_OUTGOING_BITRATE = 2_000_000;

export function openTransport(worker: MediaWorker, entrance: Entrance, onLost: Lost): Promise<ClientTransport> {
  return entrance === 'plain' ? openPlain(worker) : openWebRtc(worker, onLost);
}

async function openWebRtc({ router, server }: MediaWorker, onLost: Lost): Promise<ClientTransport> {
  const media = await router.createWebRtcTransport({
    webRtcServer: server,
    enableUdp: true,
    enableTcp: true,
    preferUdp: true,
    initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BITRATE,
    iceConsentTimeout: 20,
  });
  media.on('icestatechange', (state) => state === 'disconnected' && onLost('ice'));
  media.on('dtlsstatechange', (state) => (state === 'failed' || state === 'closed') && onLost('dtls'));
  const { id, iceParameters, iceCandidates, dtlsParameters } = media;
  return {
    media,
    offer: { id, iceParameters, iceCandidates: iceCandidates.map(candidateOf), dtlsParameters },
    connect: (theirs) => media.connect({ dtlsParameters: theirs }),
    limitIncoming: (bitrate) => media.setMaxIncomingBitrate(bitrate),
    statistics: () => statisticsOf(media, media.iceSelectedTuple?.protocol),
    close: () => media.close(),
  };
}

function candidateOf({ foundation, priority, address, ip, protocol, port, type, tcpType }: types.IceCandidate) {
  const common = { foundation, priority, address, ip, protocol, port, type };
  return tcpType === 'passive' ? { ...common, tcpType } : common;
}

/**
 * From among those that Linux gives to sockets which ask for none in particular. By itself mediasoup begins at 10,000, where other
 * servers are to listen.
 */
const PORTS = { min: 32_768, max: 60_999 } as const;

/** The far end is learnt from its first packet: anybody on this machine could be it, which is why this is for tests. */
async function openPlain({ router, listenIp }: MediaWorker): Promise<ClientTransport> {
  const media = await router.createPlainTransport({
    listenInfo: { protocol: 'udp', ip: listenIp, portRange: PORTS, ...SOCKET_BUFFER },
    rtcpMux: true,
    comedia: true,
    enableSctp: false,
    enableSrtp: false,
  });
  const { localPort: port } = media.tuple;
  const candidate = { foundation: 'plain', priority: 1, address: listenIp, ip: listenIp, port };
  return {
    media,
    offer: {
      id: media.id,
      iceParameters: { usernameFragment: 'plain', password: 'plain', iceLite: true },
      iceCandidates: [{ ...candidate, protocol: 'udp', type: 'host' }],
      dtlsParameters: { role: 'server', fingerprints: [{ algorithm: 'sha-256', value: '00' }] },
    },
    connect: async () => undefined,
    limitIncoming: async () => undefined,
    statistics: () => statisticsOf(media, 'udp'),
    close: () => media.close(),
  };
}

async function statisticsOf(
  media: types.WebRtcTransport | types.PlainTransport,
  protocol: 'udp' | 'tcp' | undefined,
): Promise<TransportStatistics> {
  const [stat] = await media.getStats();
  return {
    protocol,
    received: stat?.recvBitrate ?? 0,
    sent: stat?.sendBitrate ?? 0,
    lossReceived: stat?.rtpPacketLossReceived,
    lossSent: stat?.rtpPacketLossSent,
  };
}
