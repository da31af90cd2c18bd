/** A layer that nobody anywhere watches is not sent by its publisher either. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodePublication } from '#client/media/node/engine.ts';
import type { ConferenceId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers' });
  [alpha, beta] = (await Promise.all(['alpha', 'beta'].map(start))) as [TestSft, TestSft];
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
});

const packetsOf = ({ sent }: NodePublication) => sent.map(({ packets }) => packets);

/** Resolves when exactly these layers leave the publisher while a second of its voice goes by. */
async function sends(picture: NodePublication, voice: NodePublication, wanted: number[]): Promise<void> {
  const flowing = async () => {
    const before = packetsOf(picture);
    const heard = packetsOf(voice)[0] ?? 0;
    await until(() => (packetsOf(voice)[0] ?? 0) > heard + 50, 'a second of voice');
    const after = packetsOf(picture);
    return after.flatMap((packets, layer) => (packets > (before[layer] ?? 0) ? [layer] : []));
  };
  await until(async () => (await flowing()).join() === wanted.join(), `a publisher who sends ${wanted}`, 20_000);
}

async function published(sft: TestSft, conference: ConferenceId, kind: string) {
  const { conferences } = await sft.state();
  const one = conferences.find((each) => each.conference === conference);
  return one?.publishing.find((each) => each.kind === kind)?.layers;
}

it('sends of a camera what viewers of other organisations watch, and nothing where nobody watches', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  const [camera, voice] = await Promise.all([alice.film(), alice.speak()]);
  expect(await published(alpha, conference, 'camera')).toEqual([0, 1, 2]);

  await sends(camera, voice, []);
  expect(await published(alpha, conference, 'camera')).toEqual([]);
  expect(await alpha.metric('hawser_sft_published_layers', 'kind="camera",layer="0"')).toBe(0);

  using bob = await TestPerson.join(beta, conference, alpha);
  using anna = await TestPerson.join(alpha, conference);
  await anna.watch(alice, 180);
  await anna.sees(alice, 180);
  await anna.watch(alice, 'none');
  await bob.watch(alice, 180);
  await bob.sees(alice, 180);
  await sends(camera, voice, [0]);
  expect(await published(alpha, conference, 'camera')).toEqual([0]);

  await bob.watch(alice, 720);
  await bob.sees(alice, 720);
  await sends(camera, voice, [0, 2]);
  expect(await alpha.metric('hawser_sft_published_layers', 'kind="camera",layer="2"')).toBe(1);

  await bob.watch(alice, 'none');
  await sends(camera, voice, []);
  // Whoever had a picture before has it again.
  const framesOf = async (who: TestPerson) => (await who.received(alice, 'camera'))?.framesDecoded ?? 0;
  const seen = await Promise.all([anna, bob].map(framesOf));
  await Promise.all([anna, bob].map((each) => each.watch(alice, 180)));
  for (const [index, each] of [anna, bob].entries()) {
    await until(async () => (await framesOf(each)) > (seen[index] ?? 0), 'the picture again');
  }
  await Promise.all([anna.leave(), bob.leave()]);
  await sends(camera, voice, []);
}, 80_000);

it.concurrent('sends of a camera the union of what both organisations watch, also while it is muted and after', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using anna = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  const [camera, voice] = await Promise.all([alice.film(), alice.speak()]);
  await Promise.all([anna.watch(alice, 360), bob.watch(alice, 180)]);
  await Promise.all([anna.sees(alice, 360), bob.sees(alice, 180)]);
  await sends(camera, voice, [0, 1]);
  await alice.conference.setMuted('camera', true);
  await anna.watch(alice, 720);
  await sends(camera, voice, []);
  await alice.conference.setMuted('camera', false);
  await sends(camera, voice, [0, 2]);
  await anna.sees(alice, 720);
}, 60_000);

it.concurrent('sends a screen whole while anybody watches it', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  const [screen, voice] = await Promise.all([alice.share(), alice.speak()]);
  await sends(screen, voice, []);
  using bob = await TestPerson.join(beta, conference, alpha);
  await bob.watch(alice, 180, 'screen');
  await bob.sees(alice, 360, 'screen');
  await sends(screen, voice, [0]);
  await bob.watch(alice, 'none', 'screen');
  await sends(screen, voice, []);
  await bob.watch(alice, 180, 'screen');
  await sends(screen, voice, [0]);
  await bob.leave();
  await sends(screen, voice, []);
}, 60_000);

it.concurrent('never lets a layer cross twice while others of the same camera stop and start', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using berta = await TestPerson.join(beta, conference, alpha);
  const [camera, voice] = await Promise.all([alice.film(), alice.speak()]);
  const source = await camera.source;
  const crossed = async () => {
    const { links } = await alpha.state();
    const streams = links.flatMap(({ trunks }) => trunks).flatMap((trunk) => trunk.streams);
    return [0, 1, 2].map((layer) =>
      streams
        .filter((each) => each.source === source && each.direction === 'out' && each.layer === layer)
        .reduce((sum, { packets }) => sum + packets, 0),
    );
  };
  await bob.watch(alice, 360);
  await bob.sees(alice, 360);
  for (let round = 0; round < 2; round++) {
    await sends(camera, voice, [0, 1]);
    // In this order, so that what leaves meanwhile counts as sent.
    const stopped = packetsOf(camera);
    const quiet = await crossed();
    await berta.watch(alice, 720);
    await berta.sees(alice, 720);
    await berta.watch(alice, 'none');
    await sends(camera, voice, [0, 1]);
    // Layer 2 carried nothing but what its publisher sent of it, and the other way round.
    const [now, sent] = [await crossed(), packetsOf(camera)];
    for (const layer of [0, 1, 2]) {
      const gained = (now[layer] ?? 0) - (quiet[layer] ?? 0);
      expect(gained).toBeGreaterThan(0);
      expect(gained).toBeLessThanOrEqual((sent[layer] ?? 0) - (stopped[layer] ?? 0) + 20);
    }
    // Bob's picture never stood still for it.
    expect((await bob.received(alice, 'camera'))?.packetsLost).toBe(0);
  }
}, 80_000);
