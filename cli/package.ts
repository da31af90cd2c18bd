/** `hawser package`: builds the Debian package of this copy. */
import { resolve } from 'node:path';
import { buildDebianPackage } from '#deploy/debian/build.ts';
import { command } from './command.ts';

export const packageDebian = command({
  name: 'package',
  summary: 'Build the Debian package of this copy, with Node and the media worker in it',
  usage: '',
  about: [
    'The package fits the release of Debian and the processor on which it was built.',
    'docs/guides/install.md goes from there to the first call.',
  ],
  flags: { out: { type: 'string', value: 'FOLDER', default: '.', summary: 'Where the package is put' } },
  async run({ flags, out }) {
    out(await buildDebianPackage(resolve(flags.out)));
    return 0;
  },
});
