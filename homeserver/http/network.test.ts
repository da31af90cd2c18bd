import fc from 'fast-check';
import { expect, test } from 'vitest';
import { networkOf } from './network.ts';

test('IPv4 addresses count each for itself, IPv6 addresses by the 64 bits that a line has', () => {
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
  expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(networkOf('2001:db8:0:1::1')).toBe('2001:db8:0:1::/64');
  expect(networkOf('2001:0DB8::1:0:0:0:1')).toBe('2001:db8:0:1::/64');
  expect(networkOf('2001:db8:0:2::1')).not.toBe(networkOf('2001:db8:0:1::1'));
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(networkOf('::1')).toBe('0:0:0:0::/64');
  expect(networkOf('no address')).toBe('no address');
});

test('however an address is written, it is of one network', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, fc.nat(7), fc.nat(8), (all, from, length) => {
      const long = all.map((group) => group.toString(16).padStart(4, '0')).join(':');
      const network = networkOf(long);
      expect(network).toBe(
        `${all
          .slice(0, 4)
          .map((group) => group.toString(16))
          .join(':')}::/64`,
      );
      const zeros = all.map((group, index) => (index >= from && index < from + length ? 0 : group));
      const plain = zeros.map((group) => group.toString(16));
      if (length === 0 || from + length > 8) return;
      const short = `${plain.slice(0, from).join(':')}::${plain.slice(from + length).join(':')}`;
      expect(networkOf(short)).toBe(networkOf(plain.join(':')));
    }),
  );
});
