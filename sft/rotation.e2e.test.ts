/** A trunk is replaced while people talk over it: the figures of the requirement, at listeners on both sides and behind the anchor. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { type Ledger, MarkedPerson } from './testing-marks.ts';
import { RETIRE_MS } from './trunk/rotation.ts';

const FRAME_MS = 20;
const ROTATIONS = Number(process.env.HAWSER_ROTATIONS ?? 2);
const MOST_GAP_MS = 100;
const MOST_LATE_MS = 200;
/** Sound or picture that came over both trunks. */
const MOST_DOUBLED_MS = 1_000;

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers', entrance: 'plain' });
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

const trunksTo = async (sft: TestSft, peer: TestSft) =>
  (await sft.state()).links.filter((link) => link.peer === peer.domain).flatMap(({ trunks }) => trunks);

/** What arrived at one listener of one source: which frames, how often, and the longest silence in between. */
class Heard {
  readonly frames = new Map<number, number>();
  longestMs = 0;
  #last: number | undefined;

  take(frame: number): void {
    const now = performance.now();
    if (this.#last !== undefined) this.longestMs = Math.max(this.longestMs, now - this.#last);
    this.#last = now;
    this.frames.set(frame, (this.frames.get(frame) ?? 0) + 1);
  }

  get missing(): number {
    const all = [...this.frames.keys()].sort((a, b) => a - b);
    return (all.at(-1) ?? 0) - (all[0] ?? 0) + 1 - all.length;
  }

  get doubled(): number {
    return [...this.frames.values()].filter((times) => times > 1).length;
  }
}

it(`gets new keys and ports while people talk, without a lost picture and with hardly a gap in the sound`, async () => {
  const ledger: Ledger = { faults: [], sources: new Map(), packets: 0 };
  const conferences = [newConferenceId(), newConferenceId()];
  const people: MarkedPerson[] = [];
  for (const conference of conferences) {
    for (const sft of [beta, gamma]) sft.federate(conference, alpha);
    for (const sft of [alpha, beta, gamma]) people.push(await MarkedPerson.join(sft, conference, alpha, ledger));
  }
  let sent = performance.now();
  const sending = setInterval(() => {
    // What a moment without the processor kept from being sent at once would be more than a socket holds.
    if (performance.now() - sent > MOST_LATE_MS) sent = performance.now();
    for (; sent + FRAME_MS <= performance.now(); sent += FRAME_MS) for (const person of people) person.send(FRAME_MS);
  }, 5);
  try {
    for (const person of people) for (const kind of ['microphone', 'camera'] as const) await person.publish(kind);
    const complete = (person: MarkedPerson) => person.others.flatMap(({ sources }) => sources).length === 4;
    await until(() => people.every(complete), 'all rosters', 10_000);
    for (const [i, person] of people.entries()) person.watch(i < 3 ? 720 : 180);
    await until(() => people.every(({ got }) => got.size === 4), 'everybody heard and seen', 20_000);

    const [before] = await trunksTo(alpha, beta);
    const ids = new Set<unknown>([before?.trunk]);
    let port = before?.address.port;
    for (let i = 0; i < ROTATIONS; i++) {
      const heard = new Map<string, Heard>();
      for (const person of people) {
        person.onPacket = ({ sender, kind, layer, frame }) => {
          const key = `${kind}${layer > 0 ? ' large' : ''} ${person.sft.domain} from ${people.find(({ participant }) => participant === sender)?.sft.domain} ${person.id}`;
          const one = heard.get(key) ?? new Heard();
          heard.set(key, one);
          one.take(frame);
        };
      }
      const frames = () => Math.min(...[...heard.values()].map((each) => each.frames.size));
      await until(() => heard.size === 30 && frames() > 10, 'all of them flowing', 10_000);
      // By turns on command of the side that dialled and of the side that was dialled.
      const asks: readonly [TestSft, TestSft] = i % 2 === 0 ? [beta, alpha] : [alpha, beta];
      // A trunk that was opened just now is not replaced.
      await until(async () => (await asks[0].rotate(asks[1])).rotated === 1, 'the command taken');
      const moved = async () => {
        const [trunks, far] = await Promise.all([trunksTo(alpha, beta), trunksTo(beta, alpha)]);
        return trunks.length === 1 && far.length === 1 && !ids.has(trunks[0]?.trunk) && !ids.has(far[0]?.trunk);
      };
      // Well before the time after which it would be closed anyway.
      await until(moved, 'the old trunk closed', RETIRE_MS / 2);
      const settled = frames();
      await until(() => frames() > settled + 25, 'all of them flowing on', 10_000);
      const [trunk] = await trunksTo(alpha, beta);
      ids.add(trunk?.trunk);
      expect(trunk?.address.port).not.toBe(port);
      port = trunk?.address.port;
      for (const person of people) person.onPacket = undefined;
      for (const [key, { missing, doubled, longestMs }] of heard) {
        if (process.env.HAWSER_ROTATIONS) console.info(i, key, { missing, doubled, longestMs: Math.round(longestMs) });
        if (key.startsWith('camera')) expect([key, missing]).toEqual([key, 0]);
        else expect(missing * FRAME_MS, key).toBeLessThan(MOST_GAP_MS);
        expect(doubled * FRAME_MS, key).toBeLessThan(MOST_DOUBLED_MS);
      }
    }
    expect(ids.size).toBe(ROTATIONS + 1);
    expect(ledger.faults).toEqual([]);
  } finally {
    clearInterval(sending);
    for (const person of people) person[Symbol.dispose]();
  }
  await Promise.all([alpha.idle(), beta.idle(), gamma.idle()]);
  for (const sft of [alpha, beta, gamma]) expect(await sft.metric('hawser_sft_faults_total')).toBe(0);
});

it('comes by itself after so many streams, on whichever side they were sent', async () => {
  const limits = { rotation: { streams: 12, ageMs: 3_600_000 } };
  await using delta = await TestSft.start(folder, 'delta', { mode: 'layers', entrance: 'plain', options: limits });
  await alpha.allow({ of: beta.test }, { of: gamma.test }, { of: delta.test });
  await delta.allow({ of: alpha.test });
  const ledger: Ledger = { faults: [], sources: new Map(), packets: 0 };
  for (const [anchor, other] of [
    [alpha, delta],
    [delta, alpha],
  ] as const) {
    const conference = newConferenceId();
    other.federate(conference, anchor);
    using there = await MarkedPerson.join(delta, conference, anchor, ledger);
    using here = await MarkedPerson.join(alpha, conference, anchor, ledger);
    await until(() => here.others.length + there.others.length === 2, 'both', 10_000);
    const trunks = async () => (await trunksTo(delta, alpha)).map(({ trunk }) => trunk);
    await until(async () => (await trunks()).length === 1, 'the trunk');
    const first = await trunks();
    // A camera is six streams, with those for repair.
    for (let i = 0; i < 3; i++) {
      await there.publish('camera');
      await until(() => here.others.some(({ sources }) => sources.length === 1), 'the camera');
      await there.unpublish('camera');
      await until(() => here.others.every(({ sources }) => sources.length === 0), 'its end');
    }
    await until(async () => !(await trunks()).some((each) => first.includes(each)), 'another trunk', 10_000);
  }
});
