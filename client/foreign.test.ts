/** A conversation with people of another organisation, which messages do not reach yet. */
import { expect, test } from 'vitest';
import { organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { Claimed } from '#signalling/devices.ts';
import { type DomainName, userIdOf } from '#signalling/ids.ts';
import { Account } from './account.ts';
import type { Content } from './content/content.ts';
import { Messenger } from './messenger.ts';
import { MemoryVault } from './vault/memory.ts';

const hello: Content = { kind: 'message', body: { kind: 'text', text: { format: 'plain', text: 'hello' } } };

test('it is made for calls, and whoever writes in it is told that it reaches nobody, in each of the organisations', {
  timeout: 30_000,
}, async () => {
  await using world = await organise('alpha.example', 'beta.example');
  const [alpha, beta] = world.organisations;
  if (!alpha || !beta) throw new Error('no organisations');
  await using open = new AsyncDisposableStack();
  const device = async (organisation: typeof alpha, handle: string) => {
    await organisation.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    const account = new Account(organisation.url);
    await account.signIn(handle, PASSWORD);
    const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: handle });
    open.use(messenger);
    await until(() => messenger.home.store.state.connected, `${handle} is connected`);
    return { account, messenger };
  };
  const [alice, carol] = [await device(alpha, 'alice'), await device(alpha, 'carol')];
  const bob = await device(beta, 'bob');
  const idOf = (domain: DomainName, handle: string) => userIdOf(domain, handle);
  const { conversation } = await alice.messenger.create('Mixed', [idOf(beta.domain, 'bob')]);
  const fails = async ({ messenger }: typeof alice, where = conversation) => {
    const said = await messenger.say(where, hello);
    const { timeline } = await messenger.messages(where);
    const code = await until(() => {
      const sending = timeline.message(said)?.sending;
      return sending?.state === 'failed' && sending.code;
    }, 'it failed');
    expect(code).toBe('HOME_LOCAL_ONLY');
  };
  await fails(alice);
  await until(() => bob.messenger.home.store.state.conversations.length === 1, 'he is in it');
  await fails(bob);

  // Also where people wrote before somebody of another organisation came.
  const own = await alice.messenger.create('Own', [idOf(alpha.domain, 'carol')]);
  await alice.messenger.say(own.conversation, hello);
  const { timeline } = await carol.messenger.messages(own.conversation);
  await until(() => timeline.items().length > 0, 'she hears');
  await alice.messenger.addMember(own.conversation, idOf(beta.domain, 'bob'));
  await until(
    () => carol.messenger.home.store.state.conversations.some(({ members }) => members.length === 3),
    'he is',
  );
  await fails(alice, own.conversation);
  await fails(carol, own.conversation);

  const claim = alice.account.call({
    ...{ method: 'POST', path: 'key-packages/claim', answer: Claimed },
    body: { user: idOf(beta.domain, 'bob') },
  });
  await expect(claim).rejects.toMatchObject({ code: 'HOME_LOCAL_ONLY' });
});
