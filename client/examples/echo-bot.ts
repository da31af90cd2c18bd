/** Answers every text with the same text. How it is started, and what it is made of: docs/guides/bots.md. */
import { Account } from '#client/account.ts';
import { Following } from '#client/following.ts';
import { Messenger } from '#client/messenger.ts';
import { FileVault } from '#client/vault/sqlite.ts';

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name} in the environment.`);
  return value;
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

using account = new Account(setting('HAWSER_URL'));
const vault = await FileVault.open({
  path: setting('BOT_VAULT'),
  passphrase: setting('BOT_PASSPHRASE'),
  ifMissing: 'create',
});
await account.signIn(setting('BOT_HANDLE'), setting('BOT_PASSWORD'));
const messenger = await Messenger.open({ account, vault, deviceName: 'Echo bot', hears: true });
// Lets this device into conversations that are older than it.
const following = new Following(messenger, console.error);
account.store.subscribe(({ phase }) => phase === 'signedOut' && stop.abort());

for await (const { body, answer } of messenger.heard(stop.signal)) {
  if (body.kind === 'text') await answer({ kind: 'message', body });
}
following.close();
messenger.close();
await account.signOut().catch(() => undefined);
await vault.close();
