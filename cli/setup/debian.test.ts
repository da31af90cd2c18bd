import { expect, test } from 'vitest';
import { parseRelease } from './debian.ts';
import { isAtLeast } from './meson.ts';

test('the release is read, quoted or not, and its relatives are known', () => {
  expect(
    parseRelease('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'),
  ).toEqual({
    id: 'debian',
    codename: 'bookworm',
    label: 'debian12',
    isDebianLike: true,
  });
  expect(parseRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\n').isDebianLike).toBe(true);
  expect(parseRelease('ID=fedora\nVERSION_ID=42\n')).toMatchObject({ label: 'fedora42', isDebianLike: false });
  expect(parseRelease('')).toMatchObject({ id: 'unknown', isDebianLike: false });
});

test('versions are compared number by number', () => {
  expect(isAtLeast('1.10.0', '1.1.0')).toBe(true);
  expect(isAtLeast('1.1', '1.1.0')).toBe(true);
  expect(isAtLeast('1.0.9', '1.1.0')).toBe(false);
  expect(isAtLeast('2', '1.1.0')).toBe(true);
  expect(isAtLeast('1.1.0.rc1', '1.1.0')).toBe(true);
  expect(isAtLeast('', '1.1.0')).toBe(false);
});
