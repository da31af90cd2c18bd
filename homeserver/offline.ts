/** The administrator's acts on the database of a homeserver that is not running. */
import { mkdir } from 'node:fs/promises';
import type { Site } from '#site/schema.ts';
import { CUT_OFF } from './as/abroad.ts';
import type { Administration } from './as/administration.ts';
import { dropDevices } from './as/devices.ts';
import { makePeople } from './as/people.ts';
import { Sessions } from './as/sessions.ts';
import { Audit } from './audit/audit.ts';
import { Postman } from './mail/postman.ts';
import { smtpTransport } from './mail/transport.ts';
import { readSecrets } from './secrets.ts';
import { placeOf } from './store/place.ts';
import { openStore } from './store/store.ts';
import { Writer } from './store/writer.ts';
import { WORLD } from './world.ts';

export interface OfflineAdministration extends AsyncDisposable {
  readonly administration: Administration;
}

/**
 * Makes the database where it is missing, so that accounts can be there before the first start. An e-mail that the mail
 * server does not take at once stays in the database for the homeserver.
 */
export async function openAdministration(site: Site): Promise<OfflineAdministration> {
  await using opened = new AsyncDisposableStack();
  const secrets = await readSecrets(site.certificates.tickets.privateKey);
  await mkdir(site.data, { recursive: true, mode: 0o700 });
  const store = await openStore(await placeOf(site));
  opened.defer(() => store.close());
  const { mail: settings, client } = site.homeserver;
  const mail =
    settings &&
    new Postman({
      db: store.db,
      key: secrets.mail,
      sender: { domain: site.domain, url: new URL(client.url).origin },
      transport: await smtpTransport(settings),
      world: WORLD,
      onFailed: () => undefined,
      onFault: (error) => {
        throw error;
      },
    });
  opened.defer(() => mail?.close());
  const writer = new Writer(store);
  const audit = await Audit.open({
    ...{ store, writer, world: WORLD, folder: site.data },
    onFault: (error) => {
      throw error;
    },
  });
  opened.defer(() => audit.close());
  const sessions = new Sessions(store, site.domain, WORLD, () => undefined);
  const people = makePeople({
    site,
    store,
    world: WORLD,
    secrets,
    sessions,
    mail,
    audit,
    // When it starts, the homeserver takes their keys out of the groups, lists their certificates as revoked, and lets whoever is
    // deleted leave his conversations.
    hooks: {
      onPasswordChanged: async (user, keep, tx) => void (await dropDevices(tx, user, keep, WORLD.now())),
      onRemoved: async (user, tx) => void (await dropDevices(tx, user, undefined, WORLD.now())),
    },
    abroad: CUT_OFF,
    areTogether: async () => false,
    onConnection: () => undefined,
  });
  const running = opened.move();
  return {
    administration: people.administration,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
