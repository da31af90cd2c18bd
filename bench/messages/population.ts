/**
 * People of a homeserver that does not run yet, each with a session: what a thousand of them would have after signing in, and
 * the 40 s of argon2id that this costs are not what is measured.
 */
import { mkdir } from 'node:fs/promises';
import { insertAccount } from '#homeserver/as/accounts.ts';
import { hashPassword, NO_PASSWORD } from '#homeserver/as/password.ts';
import { Sessions } from '#homeserver/as/sessions.ts';
import { placeOf } from '#homeserver/store/place.ts';
import { openStore } from '#homeserver/store/store.ts';
import { WORLD } from '#homeserver/world.ts';
import { type UserId, userIdOf } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';

/** Somebody who is signed in. */
export interface Seat {
  readonly user: UserId;
  readonly accessToken: string;
}

/**
 * @param count people, named p0, p1 and so on. Their tokens last for a quarter of an hour.
 * @param password of all of them, where they are to sign in by themselves
 */
export async function populate(site: Site, count: number, password?: string): Promise<Seat[]> {
  await mkdir(site.data, { recursive: true, mode: 0o700 });
  const store = await openStore(await placeOf(site));
  try {
    const hashed = password === undefined ? NO_PASSWORD : await hashPassword(password, WORLD);
    const sessions = new Sessions(store, site.domain, WORLD, () => undefined);
    return await store.transaction(async (tx) => {
      const seats: Seat[] = [];
      for (let index = 0; index < count; index++) {
        const user = userIdOf(site.domain, `p${index}`);
        const account = { user, name: `Person ${index}`, password: hashed, email: undefined };
        await insertAccount(tx, account, WORLD.now());
        seats.push({ user, accessToken: (await sessions.begin(tx, user)).access });
      }
      return seats;
    });
  } finally {
    await store.close();
  }
}
