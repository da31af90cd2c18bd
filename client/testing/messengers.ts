/** Alice of alpha and Bob of beta, whose homeservers are real, and messengers of their devices. */
import { onTestFinished } from 'vitest';
import { type Organisation, organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import { Account } from '../account.ts';
import { Messenger, type MessengerOptions } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';

export interface AliceAndBob extends AsyncDisposable {
  readonly alpha: Organisation;
  readonly beta: Organisation;
}

export async function aliceAndBob(): Promise<AliceAndBob> {
  const world = await organise('alpha.example', 'beta.example');
  const [alpha, beta] = world.organisations as [Organisation, Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await beta.homeserver.createAccount({ handle: 'bob', name: 'Bob', password: PASSWORD });
  return { alpha, beta, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/**
 * A new device, which ends with the test.
 * @param who a handle, or how the account is come by
 */
export async function messengerAt(
  { url }: Organisation,
  who: string | ((account: Account) => Promise<unknown>),
  options: Pick<MessengerOptions, 'keyPackages'> = {},
): Promise<Messenger> {
  const account = new Account(url);
  await (typeof who === 'string' ? account.signIn(who, PASSWORD) : who(account));
  const vault = new MemoryVault();
  const messenger = await Messenger.open({ account, vault, deviceName: 'Test', engine: nodeEngine, ...options });
  onTestFinished(() => {
    messenger.close();
    account[Symbol.dispose]();
  });
  await until(() => messenger.home.store.state.connected, 'it is connected');
  return messenger;
}
