/** Two programs on Node in one conference: what one sends by frames, the other gets by frames, and whoever forwards them reads nothing. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Conference } from '../../conference/conference.ts';
import type { Epoch } from '../../sframe/epochs.ts';
import { MiniSft } from '../../testing/mini-sft.ts';
import { pictureOf } from '../../testing/picture.ts';
import { NodeEncryption, type RefusedFrame } from './encryption.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from './engine.ts';
import type { WholeFrame } from './frames.ts';

let sft: MiniSft;
beforeAll(async () => {
  sft = await MiniSft.start();
});
afterAll(() => sft.close());

async function join(name: string) {
  const refused: RefusedFrame[] = [];
  const encryption = new NodeEncryption((each) => refused.push(each));
  const engine = new NodeEngine({ encryption });
  const conference = new Conference<NodeSource, NodeStream, NodePublication>({ engine });
  onTestFinished(() => conference.close());
  const ticket = sft.ticket(name);
  await conference.join(ticket);
  return { conference, encryption, refused, participant: ticket.participant };
}

type Person = Awaited<ReturnType<typeof join>>;

function keys(people: readonly Person[], number: bigint): (leaf: number) => Epoch {
  const participants = new Map(people.map(({ participant }, index) => [index, participant]));
  return (leaf) => ({ number, baseKey: new Uint8Array(16).fill(Number(number) + 1), leafBits: 4, leaf, participants });
}

const mediaOf = ({ conference }: Person, kind: string) => {
  const { state } = conference;
  const sources = state.phase === 'joined' ? state.participants.flatMap((each) => each.sources) : [];
  return sources.find((each) => each.kind === kind)?.renditions[0]?.media;
};

test('pictures and sound come decrypted, and nothing is sent before there are keys', async () => {
  const [alice, bob] = [await join('alice'), await join('bob')];
  const wanted: number[] = [];
  const camera = await alice.conference.publish('camera', { onKeyFrameRequest: (layer) => void wanted.push(layer) });
  const microphone = await alice.conference.publish('microphone', {});
  if (!camera || !microphone) throw new Error('not published');
  let count = 0;
  const film = async (isKey: boolean) => {
    count += 1;
    await camera.sendFrame({ data: pictureOf(isKey, `picture ${count}`), isKey, timestamp: count * 3_000 });
    await microphone.sendFrame({ data: Buffer.from(`sound ${count}`), timestamp: count * 960, audioLevel: 30 });
  };
  await film(true);
  expect(wanted).toContain(0);
  expect([camera.sent[0]?.packets, microphone.sent[0]?.packets]).toEqual([0, 0]);
  expect(() => camera.sendRtp({ payload: Buffer.alloc(3), timestamp: 0, marker: true })).toThrow();

  const epoch = keys([alice, bob], 1n);
  for (const [leaf, { encryption }] of [alice, bob].entries()) {
    encryption.addEpoch(epoch(leaf));
    encryption.sendWith(1n);
  }
  const seen: WholeFrame[] = [];
  const heard: WholeFrame[] = [];
  const passed: Buffer[] = [];
  await expect
    .poll(
      async () => {
        await film(wanted.splice(0).length > 0 || seen.length === 0);
        const [picture, sound] = [mediaOf(bob, 'camera'), mediaOf(bob, 'microphone')];
        if (picture && !picture.onFrame) {
          picture.onFrame = (frame) => void seen.push(frame);
          picture.onRtp = (_, payload) => void passed.push(payload);
        }
        if (sound) sound.onFrame ??= (frame) => void heard.push(frame);
        return Math.min(seen.length, heard.length);
      },
      { interval: 33, timeout: 8_000 },
    )
    .toBeGreaterThan(10);
  const words = seen.map(({ data }) => Number(/picture (\d+)/.exec(Buffer.from(data).toString('latin1'))?.[1]));
  expect(words).toEqual(words.toSorted((a, b) => a - b));
  expect(new Set(words).size).toBe(words.length);
  expect(seen.every(({ data }) => Buffer.from(data).toString('latin1').includes('picture '))).toBe(true);
  expect(heard.every(({ data }) => /^sound \d+$/.test(Buffer.from(data).toString()))).toBe(true);
  expect(passed.length).toBeGreaterThan(10);
  expect(passed.some((payload) => payload.includes('picture '))).toBe(false);
  expect(bob.refused).toEqual([]);
}, 20_000);

test('whoever is not in the group gets nothing, and counts what was refused', async () => {
  const [alice, eve] = [await join('alice'), await join('eve')];
  const microphone = await alice.conference.publish('microphone', {});
  if (!microphone) throw new Error('not published');
  alice.encryption.addEpoch(keys([alice], 1n)(0));
  alice.encryption.sendWith(1n);
  eve.encryption.addEpoch({ ...keys([alice, eve], 1n)(1), baseKey: new Uint8Array(16).fill(99) });
  const heard: WholeFrame[] = [];
  let count = 0;
  await expect
    .poll(
      async () => {
        count += 1;
        await microphone.sendFrame({ data: Buffer.from('sound'), timestamp: count * 960 });
        const sound = mediaOf(eve, 'microphone');
        if (sound) sound.onFrame ??= (frame) => void heard.push(frame);
        return eve.refused.length;
      },
      { interval: 20, timeout: 8_000 },
    )
    .toBeGreaterThan(5);
  expect(new Set(eve.refused.map(({ refusal }) => refusal))).toEqual(new Set(['forged']));
  expect(heard).toEqual([]);
}, 20_000);
