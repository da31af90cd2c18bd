import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadClips } from '#bench/media/clips.ts';
import { packetise } from '#client/media/node/vp8.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { FarSide } from './testing-far-side.ts';
import { TestPerson } from './testing-people.ts';

/** `HAWSER_ROUNDS=200` for the long run. */
const ROUNDS = Number(process.env.HAWSER_ROUNDS ?? 12);
/** VP8 payload descriptor with a picture id of 15 bits (RFC 7741, section 4.2). */
const DESCRIPTOR_BYTES = 4;
const LAYERS = [0, 1, 2];

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

const chance = (of: number) => Math.random() < of;
const some = () => LAYERS.filter(() => chance(0.6));

/** Which layer of the clips a payload is a piece of; the same piece is in no two layers. */
async function layersByPayload(): Promise<(payload: Buffer) => number | undefined> {
  const { camera } = await loadClips();
  const key = (data: Buffer) => `${data.length} ${data.subarray(0, 48).toString('base64')}`;
  const known = new Map<string, number>();
  for (const [layer, { frames }] of camera.entries()) {
    for (const { data } of frames) {
      for (const payload of packetise(data, 0)) known.set(key(payload.subarray(DESCRIPTOR_BYTES)), layer);
    }
  }
  return (payload) => known.get(key(payload.subarray(DESCRIPTOR_BYTES)));
}

it(
  'never sends a packet of one layer under the SSRC of another, whatever stops and starts',
  async () => {
    const conference = newConferenceId();
    const layerOf = await layersByPayload();
    using alice = await TestPerson.join(alpha, conference);
    let published: readonly number[] = LAYERS;
    await alice.film((layer) => published.includes(layer));
    using far = await FarSide.join(beta, alpha, conference);
    await until(async () => (await far.offered('camera')).length === 3, 'three layers on offer');
    const streams = await far.offered('camera');
    const stated = new Map(streams.map(({ ssrc, layers }) => [ssrc, layers[0]]));
    const right = new Map(LAYERS.map((layer) => [layer, 0]));
    const wrong: string[] = [];
    far.onRtp = (ssrc, payload) => {
      const [expected, layer] = [stated.get(ssrc), layerOf(payload)];
      if (expected === undefined) return; // a repair
      if (layer === expected) right.set(layer, (right.get(layer) ?? 0) + 1);
      else wrong.push(`a packet of layer ${layer} under the SSRC of layer ${expected}`);
    };
    const source = streams[0]?.source;
    if (!source) throw new Error('no source');
    for (let round = 0; round < ROUNDS; round++) {
      if (chance(0.7)) far.demand({ source, layers: some() });
      if (chance(0.5)) published = some();
      // A layer counts as dead 1.5 s after its last packet: most rounds are shorter than that, some longer.
      await new Promise((resolve) => setTimeout(resolve, chance(0.15) ? 2_000 : 50 + Math.random() * 350));
    }
    published = LAYERS;
    far.demand({ source, layers: LAYERS });
    const before = new Map(right);
    const all = () => LAYERS.every((layer) => (right.get(layer) ?? 0) > (before.get(layer) ?? 0) + 20);
    await until(all, 'all layers in the end', 15_000).catch((error: unknown) => {
      throw new Error(`${error}: ${JSON.stringify([[...before], [...right]])}`);
    });
    expect(wrong).toEqual([]);
  },
  60_000 + ROUNDS * 1_500,
);
