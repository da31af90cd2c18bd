import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadSite } from '#site/load.ts';
import { Organisation } from './organisation.ts';
import { fixedPlaces } from './places.ts';

it('writes a site that is right, with a mail server and without', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  const places = fixedPlaces('alpha');
  const quiet = await Organisation.prepare({ name: 'alpha', folder, places });
  expect((await loadSite(quiet.config)).homeserver).toMatchObject({ registration: { mode: 'closed' } });
  const mail = 'smtp://127.0.0.1:2525';
  const writing = await Organisation.prepare({ name: 'alpha', folder, places, mail });
  expect((await loadSite(writing.config)).homeserver).toMatchObject({
    mail: { url: mail, from: 'hawser@alpha.localhost' },
    registration: { mode: 'open' },
  });
  await rm(folder, { recursive: true });
});
