/**
 * How long a device takes to join a large group by itself, and to follow a commit in it: `node bench/mls/member.ts [members...]`. Half of the
 * members have renewed their keys. With what its store is asked to keep, and with all of its checks.
 */
import process from 'node:process';
import { Credentials } from '#mls/credentials.ts';
import { Group } from '#mls/group.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import { Crowd } from '#mls/testing/crowd.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { GROUP, MemoryStore, request } from '#mls/testing/world.ts';

const COMMITS = 15;

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [500, 1000]) {
  const hub = await TestHub.make();
  const crowd = await Crowd.gather(hub, size, Math.ceil(size / 2));
  await crowd.change();
  for (const engine of [undefined, nodeEngine]) {
    const device = await hub.world.device(`joiner${engine === undefined ? 1 : 2}/one`);
    const credentials = new Credentials((domain) => hub.world.domains.get(domain)?.authority, engine);
    const environment = { ...hub.world.environment, credentials, engine };
    const parts = { group: GROUP, ...(await crowd.parts()), device: device.keys, id: request() };
    const [join, group] = await timed(() => Group.joinExternally(parts, new MemoryStore(), environment));
    const { id = '', commit = new Uint8Array() } = group.pending ?? {};
    await group.accepted(id);
    await crowd.take(commit);
    const commits: number[] = [];
    for (let count = 0; count < COMMITS; count++) {
      const made = await crowd.change();
      commits.push((await timed(() => group.receive(made.commit)))[0]);
    }
    commits.sort((a, b) => a - b);
    const on = engine === undefined ? 'WebCrypto' : 'node:crypto';
    const median = commits[Math.floor(COMMITS / 2)] ?? Number.NaN;
    console.log(`${size} members, ${on}: join ${join.toFixed(0)} ms, commit ${median.toFixed(1)} ms`);
  }
}

/** Time of the processor, all threads, and not of the clock: the machine may do other things too. ms */
async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(began);
  return [(user + system) / 1000, result];
}
