import { expect, test } from 'vitest';
import { postgresEnvironment, unpackedRoot } from './postgres.ts';

test('programs that were unpacked find their libraries beside them, and installed ones need nothing', () => {
  expect(unpackedRoot('/usr/lib/postgresql/15/bin')).toBeUndefined();
  expect(unpackedRoot('/opt/pgsql/bin')).toBeUndefined();
  expect(postgresEnvironment('/usr/lib/postgresql/15/bin')).toEqual({});
  const unpacked = '/home/a/.cache/hawser/postgres/debian12/usr/lib/postgresql/15/bin';
  expect(unpackedRoot(unpacked)).toBe('/home/a/.cache/hawser/postgres/debian12');
  expect(postgresEnvironment(unpacked).LD_LIBRARY_PATH).toMatch(/^\/home\/a\/.*debian12\/usr\/lib\/\w+-linux-gnu:/);
});
