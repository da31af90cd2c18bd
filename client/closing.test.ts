/** What a program was in the middle of when it closed is no fault: it was not stored, and comes once more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { userIdOf } from '#signalling/ids.ts';
import { Account } from './account.ts';
import { Messenger } from './messenger.ts';
import { MemoryVault } from './vault/memory.ts';
import type { Changes } from './vault/vault.ts';

/** Where a write waits as long as it is told to. */
class SlowVault extends MemoryVault {
  waiting = 0;
  gate: Promise<void> | undefined;

  override async write(changes: Changes): Promise<void> {
    if (this.gate) {
      this.waiting += 1;
      await this.gate;
    }
    return super.write(changes);
  }
}

test.each([
  { closed: true, told: [] },
  { closed: false, told: ['MLS_NOT_SAVED'] },
])('storing ends in the middle, closed: $closed', async ({ closed, told }) => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations;
  if (!alpha) throw new Error('no organisation');
  await using open = new AsyncDisposableStack();
  const faults: unknown[] = [];
  const device = async (handle: string, vault: MemoryVault) => {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    const account = open.use(new Account(alpha.url));
    await account.signIn(handle, PASSWORD);
    const onFault = (error: unknown) => faults.push((error as { code?: unknown }).code);
    return open.use(await Messenger.open({ account, vault, deviceName: handle, onFault }));
  };
  const vault = new SlowVault();
  const [ann, ben] = [await device('ann', new MemoryVault()), await device('ben', vault)];
  const { conversation } = await ann.create('Slow', [userIdOf(alpha.domain, 'ben')]);
  const { group } = await ben.messages(conversation);
  await until(async () => (await group.loaded())?.isMember, 'ben is in');
  await ben.idle();
  const storage = Promise.withResolvers<void>();
  vault.gate = storage.promise;
  await ann.say(conversation, { kind: 'message', body: { kind: 'text', text: { format: 'plain', text: 'late' } } });
  await until(() => vault.waiting > 0, 'it is being stored');
  if (closed) ben.close();
  expect(faults).toEqual([]);
  storage.reject(new Error('the disk is gone'));
  // That nothing comes cannot be waited for.
  if (closed) await sleep(200);
  else await until(() => faults.length > 0, 'it is told');
  expect(faults).toEqual(told);
});
