/** Word to the owner of an account of what somebody else may have done to it. */
import type { Device } from '#signalling/devices.ts';
import type { UserId } from '#signalling/ids.ts';
import { addressFor } from '../as/accounts.ts';
import type { Db } from '../store/store.ts';
import { newDevice } from './letters.ts';
import type { Postman } from './postman.ts';

/**
 * Of a new device, the first one too: an account that an administrator made may have been found by somebody else before its
 * owner. In the transaction that makes the device; a full queue keeps nobody from signing in.
 * @param mail undefined where the site names no mail server
 */
export async function alertOf(tx: Db, mail: Postman | undefined, user: UserId, device: Device): Promise<void> {
  const email = mail && (await addressFor(tx, user));
  if (!email) return;
  const { name, lastAddress: address, createdAt: at } = device;
  await mail.enqueue(tx, { to: email, letter: newDevice(mail.sender, user, { name, address, at }), owner: user });
}
