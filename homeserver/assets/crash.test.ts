/** A homeserver that is killed, without a word, while a file comes and goes. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Account } from '#client/account.ts';
import { downloadFile } from '#client/assets/download.ts';
import { planUpload } from '#client/assets/plan.ts';
import { upload } from '#client/assets/upload.ts';
import { type Organisation, organise, PASSWORD, type World } from '../testing/organisation.ts';
import { HomeserverProcess } from '../testing/process.ts';

let world: World;
let alpha: Organisation;
let running: Promise<HomeserverProcess>;
let account: Account;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await alpha.stop();
  running = HomeserverProcess.start(alpha.site, world.folder);
  await running;
  account = new Account(alpha.url);
  await account.signIn('alice', PASSWORD);
}, 30_000);
afterAll(async () => {
  account[Symbol.dispose]();
  await (await running).kill();
  await world[Symbol.asyncDispose]();
});

/** Kills what runs and starts another; whoever waits for `running` waits until it is up. */
function restart(): void {
  running = running.then(async (old) => {
    await old.kill();
    return HomeserverProcess.start(alpha.site, world.folder);
  });
}

const wait = async () => {
  await running;
};

it('loses nothing that it has counted, at whichever step of an upload or download it dies', async () => {
  const bytes = new Uint8Array(randomBytes(12_000_000));
  const plan = await planUpload(new Blob([bytes]), { name: 'a', contentType: 'image/png' });
  const deaths = [0, 0.15, 0.4, 0.7, 0.95, 1];
  let counted = 0;
  let kills = 0;
  // And right after each request that makes a file of it was sent: before, while and after it is done.
  const completions = [0, 5, 15, 40];
  const dying: Pick<Account, 'call' | 'callRaw'> = {
    call: async (call) => {
      const delay = call.path.endsWith('/complete') ? completions.shift() : undefined;
      if (delay !== undefined) {
        kills += 1;
        setTimeout(restart, delay);
      }
      const answer = await account.call(call);
      // Smaller parts than the server takes, so that there are many moments to die at.
      if (call.path === 'assets/policy') Object.assign(answer as object, { maxPartBytes: 500_000 });
      return answer;
    },
    callRaw: (call) => account.callRaw(call),
  };
  const attachment = await upload(plan, {
    account: dying,
    wait,
    onProgress: ({ done, total }) => {
      expect(done).toBeGreaterThanOrEqual(counted);
      counted = done;
      if (done / total < (deaths[0] ?? 2)) return;
      deaths.shift();
      kills += 1;
      restart();
    },
  });
  expect(deaths).toEqual([]);
  expect(kills).toBeGreaterThan(6);
  const falls = [0.2, 0.8];
  const file = await downloadFile(attachment, {
    account,
    wait,
    onProgress: ({ done, total }) => {
      if (done / total < (falls[0] ?? 2)) return;
      falls.shift();
      restart();
    },
  });
  expect(Buffer.compare(new Uint8Array(await file.arrayBuffer()), bytes)).toBe(0);
}, 120_000);
