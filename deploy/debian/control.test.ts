import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outcome } from '#cli/setup/program.ts';
import { controlFile, librariesIn, ownersIn } from './control.ts';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

test('dpkg is told what the package is and what it cannot do without', () => {
  const text = controlFile({ version: '1.2.3', architecture: 'amd64', depends: ['libuv1', 'systemd'], size: 42 });
  expect(text).toContain('\nVersion: 1.2.3\nArchitecture: amd64\n');
  expect(text).toContain('\nDepends: libuv1, systemd\n');
  expect(text).toContain('\nInstalled-Size: 42\n');
  // A field, or a line that goes on; and an end of the last one, which dpkg-deb insists on.
  for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^([A-Z][A-Za-z-]+: | )\S/);
  expect(text).toMatch(/\n$/);
});

test('libraries are those with a path, each once', () => {
  const ldd = [
    '/opt/node:',
    '\tlinux-vdso.so.1 (0x1)',
    '\tlibuv.so.1 => /lib/x86_64-linux-gnu/libuv.so.1 (0x2)',
    '/opt/worker:',
    '\tlibuv.so.1 => /lib/x86_64-linux-gnu/libuv.so.1 (0x3)',
    '\t/lib64/ld-linux-x86-64.so.2 (0x4)',
  ].join('\n');
  expect(librariesIn(ldd)).toEqual(['/lib/x86_64-linux-gnu/libuv.so.1']);
});

test('the package of a library is what stands before the colon, with or without an architecture', () => {
  expect(ownersIn('libuv1:amd64: /usr/lib/libuv.so.1\nlibstdc++6: /usr/lib/libstdc++.so.6')).toEqual([
    'libstdc++6',
    'libuv1',
  ]);
  expect(ownersIn('diversion by libc6 from: /lib/x\ndpkg-query: no path found matching pattern /lib/y')).toEqual([]);
});

test.each(SCRIPTS)('%s is a script of any shell, which ends at its first fault', async (name) => {
  const file = join(import.meta.dirname, name);
  expect(await outcome('sh', ['-n', file])).toMatchObject({ code: 0, tail: '' });
  expect(await readFile(file, 'utf8')).toMatch(/^#!\/bin\/sh\n(#.*\n)*set -e\n/);
});
