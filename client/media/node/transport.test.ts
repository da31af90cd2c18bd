import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { classes, DtlsClient, isDtls, Message, methods, parseMessage, RTCDtlsTransport, type Transport } from 'werift';
import { until } from '#signalling/testing-until.ts';
import type { TransportOffer } from '#signalling/webrtc.ts';
import { AEAD_AES_128_GCM } from './srtp.ts';
import { NodeTransport } from './transport.ts';

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

const PASSWORD = 'the password of the other end';

/** A port on this machine. @param hear each packet that comes there */
async function port(hear: (packet: Buffer, from: RemoteInfo) => void) {
  const socket = createSocket('udp4', hear);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  undo.defer(() => void socket.close());
  return socket;
}

/** Stands for an SFT: its words of DTLS, each said once, begin with the first check of ICE and come before the answer to it. */
async function sftThatSaysNothingTwice({ silentMs = 0 } = {}) {
  const begun = performance.now();
  const certificate = await RTCDtlsTransport.SetupCertificate();
  const said = new Set<string>();
  let hasSpoken = false;
  const path: Transport & { to?: RemoteInfo } = {
    type: 'udp',
    address: { address: '127.0.0.1', family: 'IPv4', port: 0 },
    closed: false,
    onData: () => undefined,
    send: async (packet) => {
      const word = packet.toString('hex');
      if (path.to && !said.has(word)) socket.send(packet, path.to.port, path.to.address);
      said.add(word);
    },
    close: async () => undefined,
  };
  const dtls = new DtlsClient({
    transport: path,
    cert: certificate.certPem,
    key: certificate.privateKey,
    signatureHash: certificate.signatureHash,
    srtpProfiles: [AEAD_AES_128_GCM],
    extendedMasterSecret: true,
  });
  const socket = await port((packet, from) => {
    if (isDtls(packet)) return path.onData(packet, [from.address, from.port]);
    const check = parseMessage(packet);
    if (!check || performance.now() - begun < silentMs) return;
    path.to = from;
    if (!hasSpoken) void dtls.connect();
    hasSpoken = true;
    const answer = new Message(methods.BINDING, classes.RESPONSE, check.transactionId);
    answer.setAttribute('XOR-MAPPED-ADDRESS', [from.address, from.port]);
    answer.addMessageIntegrity(Buffer.from(PASSWORD));
    answer.addFingerprint();
    setImmediate(() => socket.send(answer.bytes, from.port, from.address));
  });
  return { offer: offerOf(socket.address().port, certificate.getFingerprints()), said };
}

function offerOf(at: number, fingerprints: readonly { algorithm: string; value: string }[]): TransportOffer {
  const candidate = { foundation: 'one', priority: 1, address: '127.0.0.1', ip: '127.0.0.1', port: at };
  return {
    id: 'transport',
    iceParameters: { usernameFragment: 'fragment', password: PASSWORD, iceLite: true },
    iceCandidates: [{ ...candidate, protocol: 'udp', type: 'host' }],
    dtlsParameters: {
      role: 'auto',
      fingerprints: fingerprints.map(({ value }) => ({ algorithm: 'sha-256' as const, value })),
    },
  };
}

function eventsOf(lost: string[]) {
  return { onRtp: () => undefined, onRtcp: () => undefined, onLost: () => void lost.push('lost') };
}

describe('a path to the SFT', () => {
  it('answers what was said before ICE was done, and needs nothing said twice', async () => {
    const { offer, said } = await sftThatSaysNothingTwice();
    const lost: string[] = [];
    const path = await NodeTransport.open(offer, eventsOf(lost), 5_000);
    undo.defer(() => path.close());
    await path.connect();
    expect(path.isConnected).toBe(true);
    expect(lost).toEqual([]);
    expect(said.size).toBeGreaterThan(2);
  });

  it('goes on asking where the SFT is silent for a while', async () => {
    const { offer, said } = await sftThatSaysNothingTwice({ silentMs: 2_000 });
    const lost: string[] = [];
    const path = await NodeTransport.open(offer, eventsOf(lost), 8_000);
    undo.defer(() => path.close());
    await path.connect();
    expect(lost).toEqual([]);
    expect(said.size).toBeGreaterThan(2);
  }, 20_000);

  it('is lost where nobody answers', async () => {
    let checks = 0;
    const silent = await port(() => {
      checks += 1;
    });
    const lost: string[] = [];
    const offer = offerOf(silent.address().port, [{ algorithm: 'sha-256', value: 'AB:'.repeat(31).concat('AB') }]);
    const path = await NodeTransport.open(offer, eventsOf(lost), 300);
    undo.defer(() => path.close());
    await expect(path.connect()).rejects.toMatchObject({ code: 'SIG_TIMEOUT' });
    expect(path.isConnected).toBe(false);
    expect(lost).toEqual(['lost']);
    await until(() => checks > 0, 'it was asked');
  });
});
