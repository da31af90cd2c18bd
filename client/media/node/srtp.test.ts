import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeHeader } from './rtp.ts';
import { deriveKeys, SrtpReceiver, SrtpSender } from './srtp.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const master = { key: hex('e1f97a0d3e018be0d64fa32c06de4139'), salt: hex('0ec675ad498afeebb6960b3a') };

describe('SRTP with AEAD_AES_128_GCM', () => {
  it('derives keys as RFC 3711, appendix B.3', () => {
    const keys = deriveKeys({ ...master, salt: hex('0ec675ad498afeebb6960b3aabe6') });
    expect(keys.rtp.export().toString('hex')).toBe('c61e7a93744f39ee10734afe3ff7a087');
    // The appendix derives 14 bytes for AES-CM; this suite takes the first twelve of them.
    expect(keys.rtpSalt.toString('hex')).toBe('30cbbc08863d8c85d49db34a');
  });

  it('protects as RFC 7714, section 16.1.1', () => {
    const key = createSecretKey(hex('000102030405060708090a0b0c0d0e0f'));
    const salt = hex('517569642070726f2071756f');
    const keys = { rtp: key, rtpSalt: salt, rtcp: key, rtcpSalt: salt };
    const header = hex('8040f17b 8041f8d3 5501a0b2');
    const payload = Buffer.from('Gallia est omnis divisa in partes tres');
    const sealed = new SrtpSender(keys).protectRtp(header, payload);
    expect(sealed.toString('hex')).toBe(
      '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce',
    );
    expect(new SrtpReceiver(keys).openRtp(sealed, 12)).toEqual(payload);
  });

  it('opens what the other side protected, across the wrap of the sequence number and in disorder', () => {
    const sender = new SrtpSender(deriveKeys(master));
    const receiver = new SrtpReceiver(deriveKeys(master));
    const packets = [65_530, 65_534, 65_535, 0, 1, 40_000, 65_535, 3].map((sequence) => {
      const header = writeHeader({ payloadType: 101, marker: false, sequence, timestamp: 1, ssrc: 77 });
      return { header, sealed: sender.protectRtp(header, Buffer.from(`packet ${sequence}`)) };
    });
    const [a, b, c, d, ...rest] = packets;
    for (const packet of [a, b, d, c, ...rest]) {
      if (!packet) throw new Error('missing');
      const opened = receiver.openRtp(packet.sealed, packet.header.length);
      expect(opened?.toString()).toBe(`packet ${packet.header.readUInt16BE(2)}`);
    }
  });

  it('opens RTCP and nothing that was changed or made by somebody else', () => {
    const sender = new SrtpSender(deriveKeys(master));
    const receiver = new SrtpReceiver(deriveKeys(master));
    const stranger = new SrtpReceiver(deriveKeys({ ...master, key: hex('00'.repeat(16)) }));
    const report = hex('80c9000100000007');
    const sealed = sender.protectRtcp(report);
    expect(receiver.openRtcp(sealed)).toEqual(report);
    expect(stranger.openRtcp(sealed)).toBeUndefined();
    const header = writeHeader({ payloadType: 101, marker: true, sequence: 5, timestamp: 9, ssrc: 7 });
    const packet = sender.protectRtp(header, Buffer.from('picture'));
    fc.assert(
      fc.property(fc.nat(packet.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = Buffer.from(packet);
        broken[at] = (broken[at] ?? 0) ^ flip;
        expect(receiver.openRtp(broken, header.length)).toBeUndefined();
      }),
    );
    expect(receiver.openRtp(packet.subarray(0, 20), header.length)).toBeUndefined();
  });
});
