import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

test.each([
  ...['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.0', '192.167.255.255', '100.63.255.255', '223.255.255.255'],
  ...['2a00:1450:4001:80f::200e', '2606:4700::1111', '2620:fe::fe'],
])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

test.each([
  ...[
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
  ],
  ...[
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1'],
  ...[
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%lo',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
  ],
  ...['', 'localhost', '127.1', '0x7f000001', '2130706433', '8.8.8.8.', '[::1]', '1.1.1.1:443'],
])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));

test('no address of a private network is, however it is written', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const inside = fc.oneof(
    fc.tuple(fc.constant(10), byte, byte, byte),
    fc.tuple(fc.constant(127), byte, byte, byte),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
    fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  );
  fc.assert(
    fc.property(inside, (bytes) => {
      const hex = Buffer.from(bytes)
        .toString('hex')
        .replace(/(.{4})(.{4})/, '$1:$2');
      const written = [bytes.join('.'), `::ffff:${bytes.join('.')}`, `::${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`];
      return written.every((address) => !isPublicAddress(address));
    }),
  );
});
