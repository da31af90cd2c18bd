/**
 * The key with which this homeserver signs wake-ups (VAPID, RFC 8292). Browsers bind their endpoints to it, so that it is made
 * once and kept in the database, encrypted under a key that is not in it: a copy of the database alone wakes nobody.
 */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { VapidKeys } from 'web-push';
import { seal, unseal } from '../mail/seal.ts';
import type { Db } from '../store/store.ts';
import type { World } from '../world.ts';

const validator = Compile(Type.Object({ publicKey: Type.String(), privateKey: Type.String() }));

/** @param key one of the homeserver's secrets; where it has changed, a new pair is made and browsers subscribe anew */
export async function openPushKey(db: Db, key: Buffer, world: World): Promise<VapidKeys> {
  const stored = () => db.selectFrom('properties').select('value').where('name', '=', 'push').executeTakeFirst();
  const before = await stored();
  const known = before && read(key, before.value);
  if (known) return known;
  const { default: webPush } = await import('web-push');
  const value = seal(key, JSON.stringify(webPush.generateVAPIDKeys()), world);
  await db
    .insertInto('properties')
    .values({ name: 'push', value })
    .onConflict((c) => (before ? c.column('name').doUpdateSet({ value }) : c.column('name').doNothing()))
    .execute();
  // Another process may have been quicker.
  const made = read(key, (await stored())?.value ?? '');
  if (!made) throw new Error('the key for wake-ups cannot be read back');
  return made;
}

function read(key: Buffer, sealed: string): VapidKeys | undefined {
  const text = unseal(key, sealed);
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  return validator.Check(value) ? value : undefined;
}
