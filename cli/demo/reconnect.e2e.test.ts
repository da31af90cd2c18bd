/** Two organisations with servers of their own: a media server that ends in the middle of a call, and comes back. */
import process from 'node:process';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Dial, dialWebSocket } from '#client/dial.ts';
import { Caller } from '#client/testing/caller.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import type { Organisation } from './organisation.ts';
import type { ServerProcess } from './server-process.ts';
import { testPlaces } from './testing-places.ts';
import { type Person, startTrial, type Trial } from './trial.ts';

let trial: Trial;
const died: string[] = [];

beforeAll(async () => {
  const places = await testPlaces('alpha', 'beta');
  trial = await startTrial({ places, say: () => undefined, onDied: (sentence) => died.push(sentence) });
});
afterAll(() => trial?.stop());

/** Names below localhost are known to browsers but not to every system's resolver. */
const dial: Dial = (url, ...rest) => dialWebSocket(url.replace(/\/\/[^:/]+/, '//127.0.0.1'), ...rest);

async function callerOf({ handle, password, organisation }: Person): Promise<Caller> {
  const url = `http://127.0.0.1:${organisation.places.home}`;
  const conversation = trial.conversation as ConversationId;
  const caller = await Caller.join({ url, handle, password, conversation, name: handle, dial });
  onTestFinished(() => caller[Symbol.dispose]());
  return caller;
}

function standing({ call }: Caller): string {
  const { state } = call.conference;
  return state.phase === 'joined' && state.rejoining ? 'rejoining' : state.phase;
}
const isRejoining = (caller: Caller) => standing(caller) === 'rejoining';
const isIn = (caller: Caller) => standing(caller) === 'joined';

const bothWays = (one: Caller, other: Caller) => Promise.all([one.hears(other), other.hears(one)]);

function sftOf({ processes }: Organisation): ServerProcess {
  const sft = processes.findLast(({ name }) => name.includes('SFT'));
  if (!sft) throw new Error('no SFT');
  return sft;
}

/** Everything of the SFT's process is gone at once, as when its machine fails. */
async function kill(organisation: Organisation): Promise<void> {
  const sft = sftOf(organisation);
  const before = died.length;
  process.kill(sft.pid, 'SIGKILL');
  await until(() => died.length > before, 'it is gone');
}

it('goes on by itself after a media server has failed, or was stopped, and the other side hears and sees as before', async () => {
  const alice = await callerOf(trial.alice);
  const bob = await callerOf(trial.bob);
  await bothWays(alice, bob);
  const { participant } = alice;
  const keys = [alice.epochs.length, bob.epochs.length];
  const start = (at: Organisation) => at.startServer('sft', (sentence) => died.push(sentence));

  // The anchor of the call, by force.
  await kill(trial.alpha);
  await until(() => isRejoining(alice), 'alice knows');
  expect(isIn(bob)).toBe(true);
  await start(trial.alpha);
  await until(() => isIn(alice), 'alice is back', 30_000);
  await bothWays(alice, bob);

  // Both at once, as for an update.
  await Promise.all([sftOf(trial.alpha), sftOf(trial.beta)].map((running) => running.stop()));
  await until(() => isRejoining(alice) && isRejoining(bob), 'both know');
  await Promise.all([start(trial.alpha), start(trial.beta)]);
  const both = () => `both are back, and not ${standing(alice)} and ${standing(bob)}`;
  await until(() => isIn(alice) && isIn(bob), both, 60_000);
  await bothWays(alice, bob);

  // Whoever comes back is who he was, with the keys that he had.
  const { state } = alice.call.conference;
  expect(state.phase === 'joined' && state.me).toBe(participant);
  expect([alice.epochs.length, bob.epochs.length]).toEqual(keys);

  // A media worker alone: she is taken for gone, and comes into the keys anew.
  const [worker] = (await trial.alpha.sftState()).workers;
  if (!worker) throw new Error('no worker');
  process.kill(worker.pid, 'SIGKILL');
  await until(() => isRejoining(alice), 'alice knows again');
  await until(() => isIn(alice), 'alice is back again', 30_000);
  await bothWays(alice, bob);

  expect(alice.garbage).toEqual([]);
  expect(bob.garbage).toEqual([]);

  // Whoever calls next begins a call of his own.
  for (const { call } of [alice, bob]) call.close();
  const { store } = alice.messenger.home;
  await until(() => store.state.conversations.every(({ call }) => call === undefined), 'the end of the call');
  await until(async () => (await trial.alpha.sftState()).conferences.length === 0, 'nothing of it at the anchor');
}, 240_000);

it('goes on with nobody else there, and ends with the reason where the call was ended meanwhile', async () => {
  const alice = await callerOf(trial.alice);
  const [worker] = (await trial.alpha.sftState()).workers;
  process.kill(worker?.pid ?? 0, 'SIGKILL');
  await until(() => isRejoining(alice), 'she knows');
  await until(() => isIn(alice), 'she is back', 30_000);
  await kill(trial.alpha);
  await until(() => isRejoining(alice), 'she knows again');
  await alice.messenger.home.endCall(trial.conversation as ConversationId);
  await trial.alpha.startServer('sft', (sentence) => died.push(sentence));
  const left = await alice.call.conference.store.when(({ phase }) => phase === 'left');
  expect(left).toMatchObject({ reason: { code: 'HOME_NO_CALL', sentence: 'The call has ended.' } });
}, 60_000);
