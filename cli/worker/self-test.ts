/**
 * Whether a media worker really carries media: one round trip over DTLS and SRTP with a WebRTC stack that is not its own, and
 * one over the SRTP of two plain transports, as a trunk is made of. Takes about a second.
 *
 * As a program: `node cli/worker/self-test.ts WORKER` ends with 0, or with 1 and a line that says what failed. A worker
 * that crashes, or hangs for 20 s, fails too.
 */
import { once } from 'node:events';
import process from 'node:process';
import { createWorker, type types } from 'mediasoup';
import {
  IceCandidate,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport,
  RtpHeader,
  RtpPacket,
} from 'werift';

const LOOPBACK = { protocol: 'udp', ip: '127.0.0.1' } as const;
const SSRC = 0x11223344;
const PAYLOAD_TYPE = 100;

const opus = { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 } as const;
const codec: types.RouterRtpCodecCapability = { ...opus, preferredPayloadType: PAYLOAD_TYPE };
const rtpParameters: types.RtpParameters = {
  codecs: [{ mimeType: opus.mimeType, clockRate: opus.clockRate, channels: opus.channels, payloadType: PAYLOAD_TYPE }],
  encodings: [{ ssrc: SSRC }],
};

/** @throws Error saying which round trip failed, and how */
export async function selfTest(workerBin: string, timeoutMs = 20_000): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const worker = await step('the worker starts', signal, createWorker({ workerBin, logLevel: 'none' }));
  const death = once(worker, 'died').then(() => {
    throw new Error('the worker crashed');
  });
  death.catch(() => undefined);
  try {
    const router = await worker.createRouter({ mediaCodecs: [codec] });
    const guarded = (what: string, work: Promise<void>) => step(what, signal, Promise.race([work, death]));
    await guarded('a round trip over DTLS and SRTP', dtlsRoundTrip(router, signal));
    await guarded('a round trip over plain SRTP', trunkRoundTrip(router, signal));
  } finally {
    worker.close();
  }
}

async function step<T>(what: string, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new Error('nothing came in time'));
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    throw new Error(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** werift sends a packet in, the worker sends it back on the same transport, and the payload has to be the same. */
async function dtlsRoundTrip(router: types.Router, signal: AbortSignal): Promise<void> {
  const transport = await router.createWebRtcTransport({ listenInfos: [LOOPBACK] });
  const ice = new RTCIceTransport(new RTCIceGatherer({ useIpv4: true, useIpv6: false, stunServer: undefined }));
  await RTCDtlsTransport.SetupCertificate();
  // 1 and 7 are AES_CM_128_HMAC_SHA1_80 and AEAD_AES_128_GCM of RFC 5764 and RFC 7714.
  const dtls = new RTCDtlsTransport({}, ice, RTCDtlsTransport.localCertificate, [1, 7]);
  try {
    await ice.gather();
    ice.setRemoteParams(new RTCIceParameters({ ...transport.iceParameters, iceLite: true }));
    for (const { foundation, ip, port, priority, protocol, type } of transport.iceCandidates) {
      await ice.addRemoteCandidate(new IceCandidate(1, foundation, ip, port, priority, protocol, type));
    }
    await ice.addRemoteCandidate(undefined);
    ice.connection.iceControlling = true;
    // The worker is the DTLS server: that is the side whose handshake crashed without patch.ts.
    dtls.role = 'client';
    const { fingerprints } = transport.dtlsParameters;
    dtls.setRemoteParams(
      new RTCDtlsParameters(
        fingerprints.map(({ algorithm, value }) => new RTCDtlsFingerprint(algorithm, value)),
        'server',
      ),
    );
    await transport.connect({
      dtlsParameters: {
        role: 'client',
        fingerprints: dtls.localParameters.fingerprints.flatMap(({ algorithm, value }) =>
          algorithm === 'sha-256' ? [{ algorithm, value }] : [],
        ),
      },
    });
    await ice.start();
    await dtls.start();

    const producer = await transport.produce({ kind: opus.kind, rtpParameters });
    const consumer = await transport.consume({
      producerId: producer.id,
      rtpCapabilities: router.rtpCapabilities,
    });
    const sent = Buffer.from('sent over DTLS and SRTP');
    const back = new Promise<Buffer>((resolve) => {
      dtls.onRtp.subscribe((packet) => {
        if (packet.header.ssrc === consumer.rtpParameters.encodings?.[0]?.ssrc) resolve(packet.payload);
      });
    });
    await repeatUntil(
      back,
      (sequence) => {
        const header = new RtpHeader({ ssrc: SSRC, payloadType: PAYLOAD_TYPE, sequenceNumber: sequence });
        void dtls.sendRtp(sent, header);
      },
      signal,
    );
    assertSame(sent, await back);
  } finally {
    await dtls.stop();
    await ice.stop();
    transport.close();
  }
}

/** A packet injected on one side of an SRTP trunk has to come out on the other. */
async function trunkRoundTrip(router: types.Router, signal: AbortSignal): Promise<void> {
  const options: types.PlainTransportOptions = {
    listenInfo: LOOPBACK,
    rtcpMux: true,
    comedia: false,
    enableSrtp: true,
    srtpCryptoSuite: 'AEAD_AES_256_GCM',
  };
  const near = await router.createPlainTransport(options);
  const far = await router.createPlainTransport(options);
  await near.connect(remoteOf(far));
  await far.connect(remoteOf(near));

  const source = await router.createDirectTransport();
  const sink = await router.createDirectTransport();
  const injected = await source.produce({ kind: opus.kind, rtpParameters });
  const crossing = await near.consume({ producerId: injected.id, rtpCapabilities: router.rtpCapabilities });
  const arrived = await far.produce({ kind: opus.kind, rtpParameters: crossing.rtpParameters });
  const received = await sink.consume({ producerId: arrived.id, rtpCapabilities: router.rtpCapabilities });

  const sent = Buffer.from('sent over a trunk');
  const through = new Promise<Buffer>((resolve) => {
    received.on('rtp', (packet) => resolve(RtpPacket.deSerialize(packet).payload));
  });
  await repeatUntil(
    through,
    (sequence) => {
      const header = new RtpHeader({ ssrc: SSRC, payloadType: PAYLOAD_TYPE, sequenceNumber: sequence });
      injected.send(new RtpPacket(header, sent).serialize());
    },
    signal,
  );
  assertSame(sent, await through);
}

function remoteOf(transport: types.PlainTransport) {
  if (transport.srtpParameters === undefined) throw new Error('the worker gave no SRTP key');
  return { ip: LOOPBACK.ip, port: transport.tuple.localPort, srtpParameters: transport.srtpParameters };
}

/** UDP may lose a packet, even here; the next one 20 ms later is as good. */
async function repeatUntil(done: Promise<unknown>, send: (sequence: number) => void, signal: AbortSignal) {
  let sequence = 1;
  const timer = setInterval(() => send(sequence++), 20);
  const stop = () => clearInterval(timer);
  signal.addEventListener('abort', stop);
  try {
    send(sequence++);
    await Promise.race([done, once(signal, 'abort')]);
  } finally {
    stop();
    signal.removeEventListener('abort', stop);
  }
}

function assertSame(sent: Buffer, received: Buffer): void {
  if (!sent.equals(received)) throw new Error(`'${sent}' came back as '${received.toString('latin1')}'`);
}

if (import.meta.main) {
  const worker = process.argv[2];
  if (worker === undefined) throw new Error('usage: node cli/worker/self-test.ts WORKER');
  try {
    await selfTest(worker);
    process.exit(0);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
