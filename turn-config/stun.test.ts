import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Attribute,
  decodeAddress,
  decodeError,
  decodeStun,
  encodeAddress,
  encodeStun,
  isSignedWith,
  longTermKey,
} from './stun.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

describe('the vector of RFC 5769, section 2.4', () => {
  // Request with long-term authentication: user マトリックス, password TheMatrIX, realm example.org.
  const request = hex(`
    00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
    00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 41
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66`);
  const key = longTermKey('マトリックス', 'example.org', 'TheMatrIX');

  it('is read', () => {
    const message = decodeStun(request);
    expect(message?.method).toBe('binding');
    expect(message?.attributes.get('realm')?.toString()).toBe('example.org');
    expect(message?.attributes.get('nonce')?.toString()).toBe('f//499k954d6OL34oL9FSTvy64sA');
  });

  it('is signed with the key that comes of its password, and of no other', () => {
    expect(isSignedWith(request, key)).toBe(true);
    expect(isSignedWith(request, longTermKey('マトリックス', 'example.org', 'thematrix'))).toBe(false);
  });
});

describe('an address', () => {
  const transaction = hex('b7e7a701bc34d686fa87dfae');
  // RFC 5769, sections 2.2 and 2.3.
  it.each([
    ['192.0.2.1', '0001a147e112a643'],
    ['2001:db8:1234:5678:11:2233:4455:6677', '0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9'],
  ])('%s is written as in RFC 5769', (ip, bytes) => {
    expect(encodeAddress({ ip, port: 32_853 }, transaction)).toEqual(hex(bytes));
    expect(decodeAddress(hex(bytes), transaction)).toEqual({ ip, port: 32_853 });
  });
  it.each(['::', '::1', '::ffff:7f00:1', 'fe80::1', '1:2:3:4:5:6:7:8'])('%s comes back', (ip) => {
    expect(decodeAddress(encodeAddress({ ip, port: 1 }, transaction), transaction)).toEqual({ ip, port: 1 });
  });
});

it('says why something was refused without the zeros behind it', () => {
  const value = Buffer.from('\0\0\x04\x25Mismatched allocation\0\0\0', 'latin1');
  expect(decodeError(value)).toEqual({ code: 437, reason: 'Mismatched allocation' });
  expect(decodeError(Buffer.alloc(3))).toEqual({ code: 0, reason: '' });
});

it('reads what it wrote', () => {
  const names: Attribute[] = ['username', 'data', 'nonce', 'lifetime'];
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), fc.uint8Array({ maxLength: 200 }), (id, data) => {
      const attributes = new Map(names.map((name) => [name, Buffer.from(data)]));
      const transaction = Buffer.from(id);
      const bytes = encodeStun({ method: 'send', class: 'indication', transaction, attributes }, Buffer.from('key'));
      const message = decodeStun(bytes);
      expect(message?.transaction).toEqual(transaction);
      for (const name of names) expect(message?.attributes.get(name)).toEqual(Buffer.from(data));
      expect(isSignedWith(bytes, Buffer.from('key'))).toBe(true);
    }),
  );
});

it('never throws, whatever comes', () => {
  const begin = hex('010300082112a442');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isAlike) => {
      const whole = isAlike ? Buffer.concat([begin, bytes]) : Buffer.from(bytes);
      decodeStun(whole);
      isSignedWith(whole, Buffer.from('key'));
    }),
  );
});
