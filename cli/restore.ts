/** `hawser restore`: puts back what `hawser backup` saved. */
import { restoreBackup } from '#homeserver/backup/restore.ts';
import { asProblem, siteOf, steps } from './backup/common.ts';
import { command } from './command.ts';
import { configFlag } from './flags.ts';

export const restore = command({
  name: 'restore',
  summary: 'Put back what hawser backup saved',
  usage: 'FILE',
  words: { min: 1, max: 1 },
  about: [
    'The homeserver must not run. A backup of SQLite can be put into PostgreSQL and the other way round: what counts is',
    '`homeserver.database` in the configuration. A file that is damaged or of another domain changes nothing.',
    'People who wrote after the backup was taken miss that; their devices say so where it matters.',
  ],
  flags: {
    config: configFlag('The site'),
    replace: { type: 'boolean', summary: 'Take the place of what is in the folder `data` and in the database' },
    'with-keys': { type: 'boolean', summary: 'Put certificates and private keys back too' },
  },
  async run({ flags, args: [file = ''], out, signal }) {
    // What the servers need to run may still be missing on a new machine.
    const site = await siteOf(flags.config, []);
    const progress = steps({ unpacking: 'unpacking', database: 'filling the database' });
    const options = { site, file, replace: flags.replace, withKeys: flags['with-keys'] };
    const { manifest, files, keys } = await restoreBackup({ ...options, onProgress: progress.report, signal })
      .catch(asProblem)
      .finally(progress.end);
    out(`${site.domain} is as it was at ${manifest.created}: its database and ${files} file${files === 1 ? '' : 's'}.`);
    for (const path of keys) out(`${path} is the saved one.`);
    if (manifest.keys && !flags['with-keys'])
      out('The keys in the backup were left in it; --with-keys puts them back.');
    out('Start the homeserver now.');
    return 0;
  },
});
