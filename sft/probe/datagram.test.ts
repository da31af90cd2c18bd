import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeDatagram, encodeDatagram, KINDS, SMALLEST } from './datagram.ts';

const key = Buffer.alloc(32, 7);
const datagram = fc.record({
  kind: fc.constantFrom(...KINDS),
  pair: fc.nat(65_535),
  number: fc.nat(2 ** 31),
  size: fc.integer({ min: SMALLEST, max: 1_400 }),
});

it('comes back as it was, with the key that signed it and no other', () => {
  fc.assert(
    fc.property(datagram, (sent) => {
      const bytes = encodeDatagram(sent, key);
      expect(bytes).toHaveLength(sent.size);
      expect(decodeDatagram(bytes, key)).toEqual(sent);
      expect(decodeDatagram(bytes, Buffer.alloc(32, 8))).toBeUndefined();
    }),
  );
});

it('is none where anything of its head was changed, or its end was cut off', () => {
  fc.assert(
    fc.property(datagram, fc.nat(SMALLEST - 1), fc.integer({ min: 1, max: 255 }), (sent, at, by) => {
      const bytes = encodeDatagram(sent, key);
      expect(decodeDatagram(bytes.subarray(0, -1), key)).toBeUndefined();
      bytes[at] = (bytes[at] ?? 0) ^ by;
      expect(decodeDatagram(bytes, key)).toBeUndefined();
    }),
  );
});

it('begins like no packet that a media port knows', () => {
  // RFC 7983: STUN 0 to 3, ZRTP 16 to 19, DTLS 20 to 63, TURN channels 64 to 79, RTP and RTCP 128 to 191.
  expect(encodeDatagram({ kind: 'volley', pair: 0, number: 0, size: 64 }, key)[0]).toBeGreaterThan(191);
});
