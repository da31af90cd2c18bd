/** What is measured of calls that are encrypted from device to device. Every function starts what it needs, and all of it ends with the guard. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Guard } from '../guarded.ts';
import { Helper } from '../helper.ts';
import { populate } from '../messages/population.ts';
import { BenchServer } from '../messages/server.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import type { E2eeDevices, Login } from './devices.ts';

/** Of every person of a benchmark, whose homeservers are on loopback and gone with it. */
const PASSWORD = 'three anchors and a rope';

export interface Crowd {
  readonly devices: number;
  /** Who was in the call before. */
  readonly present: number;
  /** Within which they come, ms. */
  readonly withinMs: number;
  /** From the first one's click until all are in one epoch, ms. */
  readonly ms: number;
  /** That they made. */
  readonly epochs: number;
}

const PRESENT = 10;

/** Many people of two organisations come into an ongoing call at once. */
export async function crowd(count: number, guard: Guard): Promise<Crowd> {
  const { load, conversation } = await gathered(PRESENT + count, guard);
  const before = await load.call('enter', { conversation, from: 0, to: PRESENT, withinMs: 0, inCall: PRESENT });
  await wait(SETTLED_MS);
  const withinMs = 1_000;
  const all = PRESENT + count;
  const after = await load.call('enter', { conversation, from: PRESENT, to: all, withinMs, inCall: all });
  return { devices: count, present: PRESENT, withinMs, ms: Math.round(after.ms), epochs: after.epoch - before.epoch };
}

export interface Removal {
  readonly people: number;
  /** From the click until everybody else sends with keys that he does not have, ms. */
  readonly ms: readonly number[];
  readonly spread: Spread;
}

/** One after the other is taken out of a large conference. */
export async function removal(people: number, times: number, guard: Guard): Promise<Removal> {
  const { load, conversation } = await gathered(people, guard);
  await load.call('enter', { conversation, from: 0, to: people, withinMs: 2_000, inCall: people });
  const ms: number[] = [];
  for (let time = 0; time < times; time++) {
    await wait(SETTLED_MS);
    ms.push(Math.round(await load.call('remove', { conversation, index: people - 1 - time })));
  }
  return { people, ms, spread: spreadOf(ms) };
}

/** Longer than the longest tick of these groups. */
const SETTLED_MS = 1_500;

/** Half of the people at each of two organisations, all in one conversation. */
async function gathered(count: number, { undo, onDied }: Guard) {
  const servers = await BenchServer.federate(['alpha', 'beta'], 'sqlite', { undo, onDied });
  const logins: Login[] = [];
  for (const [at, server] of servers.entries()) {
    const own = at === 0 ? Math.ceil(count / 2) : Math.floor(count / 2);
    await populate(server.site, own, PASSWORD);
    const { home } = server;
    for (let index = 0; index < own; index++)
      logins[index * 2 + at] = { home, handle: `p${index}`, password: PASSWORD };
  }
  await Promise.all(servers.map((server) => server.start()));
  await Promise.all(servers.map((server) => server.startMedia()));
  const load = Helper.start<E2eeDevices>('devices', join(import.meta.dirname, 'devices.ts'), undo, onDied);
  const users = await load.call('open', logins);
  const conversation = await load.call('converse', users);
  await load.call('know', conversation);
  return { load, conversation };
}
