/** `hawser backup`: saves a homeserver in one file, while it runs. */
import { makeBackup } from '#homeserver/backup/backup.ts';
import { asProblem, siteOf, steps } from './backup/common.ts';
import { command } from './command.ts';
import { configFlag } from './flags.ts';

export const backup = command({
  name: 'backup',
  summary: 'Save a homeserver in one file, while it runs',
  usage: 'FILE',
  words: { min: 1, max: 1 },
  about: [
    'Saves the database, on SQLite or PostgreSQL, and the folder `data` as they are at this moment. FILE must not be there yet; only',
    'its owner may read it. It holds what people wrote to whom and when, if not what: keep it as you keep the server.',
    '',
    'Example:  hawser backup /backups/alpha-$(date +%F).hawser',
  ],
  flags: {
    config: configFlag('The site'),
    'with-keys': { type: 'boolean', summary: 'Certificates and private keys of the servers too' },
  },
  async run({ flags, args: [file = ''], out, err, signal }) {
    const site = await siteOf(flags.config, ['homeserver']);
    const progress = steps({ database: 'saving the database', files: 'saving files' });
    const options = { site, file, withKeys: flags['with-keys'], now: Date.now(), onProgress: progress.report, signal };
    const made = await makeBackup(options).catch(asProblem).finally(progress.end);
    for (const name of made.strange) err(`hawser: ${name} was left out: it is neither a file nor a folder.`);
    if (made.keys.length > 0) err(`hawser: left out, because they may be keys (--with-keys): ${made.keys.join(', ')}`);
    const size = `${(made.size / 1e6).toFixed(1)} MB`;
    out(`${file} holds ${site.domain}: its database and ${made.files} file${made.files === 1 ? '' : 's'}, ${size}.`);
    return 0;
  },
});
