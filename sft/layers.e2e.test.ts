import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers' });
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

function federated() {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  return conference;
}

/** Packets that an SFT has sent of each camera layer on its trunks to a peer. */
async function sent(from: TestSft, to: TestSft): Promise<number[]> {
  const trunks = (await from.state()).links.filter(({ peer }) => peer === to.domain).flatMap((link) => link.trunks);
  const streams = trunks
    .flatMap((trunk) => trunk.streams)
    .filter(({ kind, direction }) => kind === 'camera' && direction === 'out');
  return [0, 1, 2].map((layer) =>
    streams.filter((each) => each.layer === layer).reduce((sum, { packets }) => sum + packets, 0),
  );
}

/** Which layers flow: those whose count rises while another frame or more is sent of the voice beside. */
async function flowing(from: TestSft, to: TestSft, voice: () => Promise<number>): Promise<number[]> {
  const before = await sent(from, to);
  const heard = await voice();
  await until(async () => (await voice()) > heard + 20, 'voice packets');
  const after = await sent(from, to);
  return [0, 1, 2].filter((layer) => (after[layer] ?? 0) > (before[layer] ?? 0));
}

it('sends a picture only while somebody over there watches it, and in that layer with the lowest beside it', async () => {
  const conference = federated();
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  await Promise.all([alice.film(), alice.speak()]);
  await bob.hears(alice);
  const voice = async () => (await bob.received(alice, 'microphone'))?.packets ?? 0;
  const layers = () => flowing(alpha, beta, voice);
  const settlesAt = (wanted: number[]) =>
    until(async () => JSON.stringify(await layers()) === JSON.stringify(wanted), `layers ${wanted}`, 10_000);

  await settlesAt([]);
  expect(await sent(alpha, beta)).toEqual([0, 0, 0]);
  await bob.watch(alice, 180);
  await bob.sees(alice, 180);
  await settlesAt([0]);
  await bob.watch(alice, 720);
  await bob.sees(alice, 720);
  await settlesAt([0, 2]);
  await bob.watch(alice, 360);
  await bob.sees(alice, 360);
  await settlesAt([0, 1]);
  await bob.watch(alice, 'none');
  await settlesAt([]);
}, 40_000);

it('asks a third organisation only for what somebody behind the anchor watches', async () => {
  const conference = federated();
  using bob = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  await Promise.all([bob.film(), bob.speak()]);
  await carol.hears(bob);
  expect(await sent(beta, alpha)).toEqual([0, 0, 0]);
  await carol.watch(bob, 180);
  await carol.sees(bob, 180);
  const [low, middle, high] = await sent(beta, alpha);
  expect(low).toBeGreaterThan(0);
  expect([middle, high]).toEqual([0, 0]);
}, 30_000);

it('brings a picture to those here and over there whose publisher let the first requests for a key frame go by', async () => {
  const conference = federated();
  using alice = await TestPerson.join(alpha, conference);
  using anna = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  // As somebody who waits for his keys: what he is asked for meanwhile is never sent, and what builds on it neither.
  const begun = new Set([0, 1, 2]);
  let hasKeys = false;
  const asked = (layer: number) => hasKeys && begun.add(layer);
  const [camera, voice] = await Promise.all([alice.film((layer) => begun.has(layer), asked), alice.speak()]);
  await until(() => camera.sent.every(({ packets }) => packets > 0), 'a first picture, before anybody looks');
  begun.clear();
  await Promise.all([anna, bob].map((each) => each.watch(alice, 180)));
  await Promise.all([anna.hears(alice), bob.hears(alice)]);
  const [before, spoken] = [camera.sent[0]?.packets, () => voice.sent[0]?.packets ?? 0];
  const then = spoken() + 200;
  await until(() => spoken() > then, 'four seconds of voice', 10_000);
  expect(camera.sent[0]?.packets).toBe(before);
  hasKeys = true;
  await Promise.all([anna.sees(alice, 180), bob.sees(alice, 180)]);
}, 60_000);
