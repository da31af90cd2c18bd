/** An SFT that is to end, as its homeserver sees it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SFT_HOME, SFT_HOME_V1 } from '#signalling/sft-home.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { FakeSft } from '../testing/sft.ts';
import { until } from '../testing/world.ts';

let world: World;
let alpha: Organisation;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  [alice, bob] = await Promise.all([alpha.person('alice'), alpha.person('bob')]);
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

const END = Date.UTC(2026, 6, 1, 12, 30);
const message = expect.stringContaining('at 2026-07-01T12:30:00.000Z at the latest');
const refused = { code: 'SFT_DRAINING', problem: expect.objectContaining({ message }) };
const isTold = () =>
  until(() => alpha.logged.join('').includes('the SFT takes no new calls'), 'the homeserver is told');

test('starting a call is refused before it rings, joining one that goes on is not, and the next SFT takes new ones', async () => {
  const [going, quiet] = [await alice.create('Going', bob.id), await alice.create('Quiet', bob.id)];
  const { call } = await alice.call(going.conversation);
  alpha.sft.draining(END);
  await isTold();
  await expect(alice.call(quiet.conversation)).rejects.toMatchObject(refused);
  expect((await bob.conversation(quiet.conversation)).call).toBeUndefined();
  expect((await bob.ticket(going.conversation)).call.conference).toBe(call.conference);
  // Whoever presses the button of a call that goes on meanwhile joins it.
  expect((await bob.call(going.conversation)).call.conference).toBe(call.conference);

  alpha.sft.close();
  await alpha.connectSft();
  expect((await alice.call(quiet.conversation)).call.conference).toBeDefined();
});

test('an SFT of before is served as ever', async () => {
  const before = { ...SFT_HOME, protocol: SFT_HOME_V1, earlier: [] };
  const old = await FakeSft.connect(alpha.site.sft.homeserver, alpha.certificates, before);
  const { conversation } = await alice.create('Old', bob.id);
  const { conference } = (await alice.call(conversation)).call;
  const { participant } = await alice.ticket(conversation);
  old.presence(conference, [participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 1, 'she is in');
  await alice.endCall(conversation);
  await until(() => old.ended.includes(conference), 'it is told of the end');
  old.close();
});
