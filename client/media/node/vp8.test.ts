import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RtpHeader, RtpPacket, Vp8RtpPayload } from 'werift';
import { loadClips } from '#bench/media/clips.ts';
import { MAX_PACKET, packetise, parsePayload, vp8Start } from './vp8.ts';

const frame = fc.uint8Array({ minLength: 1, maxLength: 60_000 }).map((bytes) => Buffer.from(bytes));

it('gives every frame back whole, in packets that fit, the first marked as the start', () => {
  fc.assert(
    fc.property(frame, fc.integer({ min: 0, max: 0xffff }), (original, pictureId) => {
      const payloads = packetise(original, pictureId);
      const parsed = payloads.map(parsePayload);
      expect(Buffer.concat(parsed.map((each) => each?.data ?? Buffer.alloc(0))).equals(original)).toBe(true);
      expect(parsed.map((each) => each?.isStart)).toEqual(payloads.map((_, index) => index === 0));
      expect(new Set(parsed.map((each) => each?.pictureId))).toEqual(new Set([pictureId & 0x7fff]));
      for (const payload of payloads) expect(12 + payload.length).toBeLessThanOrEqual(MAX_PACKET);
    }),
  );
});

it('makes packets of one frame nearly alike', () => {
  fc.assert(
    fc.property(frame, (original) => {
      const sizes = packetise(original, 0).map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

it('is understood by another reader of RFC 7741', async () => {
  const { camera } = await loadClips();
  for (const clip of camera) {
    clip.frames.slice(0, 3).forEach((original, index) => {
      const payloads = packetise(original.data, 32_766 + index);
      const packets = payloads.map(
        (payload, at) =>
          new RtpPacket(
            new RtpHeader({ marker: at === payloads.length - 1, sequenceNumber: at, timestamp: 1 }),
            payload,
          ),
      );
      const fragments = packets.map(({ payload }) => Vp8RtpPayload.deSerialize(payload));
      expect(Buffer.concat(fragments.map((each) => each.payload)).equals(original.data)).toBe(true);
      expect(fragments[0]?.isKeyframe).toBe(original.isKey);
      expect(fragments[0]?.pictureId).toBe((32_766 + index) & 0x7fff);
    });
    expect(vp8Start(packetise(clip.frames[0]?.data ?? Buffer.alloc(1), 0)[0] ?? Buffer.alloc(0))).toEqual({
      isKeyFrame: true,
      width: clip.width,
      height: clip.height,
    });
  }
});

it.each([[[]], [[0x80]], [[0x90, 0x80, 0x81]], [[0x10]]])('takes %j for no payload', (bytes) =>
  expect(parsePayload(Buffer.from(bytes))).toBeUndefined(),
);
