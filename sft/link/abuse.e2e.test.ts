import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ErrorCode } from '#signalling/errors.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from '../testing.ts';
import { FarSide, nack, pli } from '../testing-far-side.ts';
import { TestPerson } from '../testing-people.ts';

const folder = temporaryFolder();
const M = 1_000_000;
let alpha: TestSft;
let gamma: TestSft;
let alice: TestPerson;
let carol: TestPerson;
let conference: ReturnType<typeof newConferenceId>;
let hostiles = 0;

beforeAll(async () => {
  [alpha, gamma] = (await Promise.all(
    ['alpha', 'gamma'].map((name) => TestSft.start(folder, name, { mode: 'layers' })),
  )) as [TestSft, TestSft];
  await alpha.allow({ of: gamma.test });
  await gamma.allow({ of: alpha.test });
  conference = newConferenceId();
  gamma.federate(conference, alpha);
  alice = await TestPerson.join(alpha, conference);
  carol = await TestPerson.join(gamma, conference, alpha);
  await Promise.all([alice.film(), alice.speak(), carol.film(), carol.speak()]);
  await Promise.all([alice.watch(carol, 360), carol.watch(alice, 360)]);
  await Promise.all([alice.sees(carol, 360), carol.sees(alice, 360), carol.hears(alice), alice.hears(carol)]);
}, 60_000);
afterAll(async () => {
  for (const person of [alice, carol]) person?.[Symbol.dispose]();
  await Promise.all([alpha, gamma].map((sft) => sft?.close()));
});

/** A domain of its own for each test, since whoever was cut off stays away for a while. */
async function hostile() {
  hostiles += 1;
  const sft = await TestSft.start(folder, `hostile${hostiles}`);
  await alpha.allow({ of: gamma.test }, { of: sft.test });
  await sft.allow({ of: alpha.test });
  const far = await FarSide.join(sft, alpha, conference);
  return {
    sft,
    far,
    async [Symbol.asyncDispose]() {
      far[Symbol.dispose]();
      await sft.close();
    },
  };
}

const stateOf = async (sft: TestSft) => (await alpha.state()).peers.find(({ peer }) => peer === sft.domain);

/** The cut of a peer is seen by both sides and the administrator, and the peer is refused for a while. */
async function isCut({ sft, far }: Awaited<ReturnType<typeof hostile>>, code: ErrorCode): Promise<void> {
  expect(await far.link.closed).toBe(code);
  // At once, and both together: it may come back after five seconds.
  const [again, state] = await Promise.all([sft.dialLink(alpha), stateOf(sft)]);
  expect(await again.closed).toBe(code);
  again[Symbol.dispose]();
  expect(state).toMatchObject({ refused: { code } });
  expect(await alpha.metric('hawser_sft_cut_links_total', `peer="${sft.domain}",code="${code}"`)).toBe(1);
  expect(alpha.log).toContain(`"code":"${code}","backOffMs":5000`);
}

/** Whether one goes on to get the other's pictures, to be asked at the end: two thirds of those sent until then come. */
async function goesOn(from: TestPerson, to: TestPerson): Promise<() => Promise<unknown>> {
  const missing = async () => {
    const counters = await to.received(from, 'camera');
    return from.filmed - (counters?.framesDecoded ?? 0);
  };
  const [lost, sent] = [await missing(), from.filmed];
  return () => {
    const most = lost + (from.filmed - sent) / 3;
    // The last ones may be on their way. Those that are sent while they come are missing only until they come as well.
    return until(async () => (await missing()) <= most, 'the pictures that were sent meanwhile');
  };
}

/** Pictures between the two others go on while something happens. */
async function untouched<T>(work: Promise<T>): Promise<T> {
  const checks = await Promise.all([goesOn(alice, carol), goesOn(carol, alice)]);
  const result = await work;
  await Promise.all(checks.map((check) => check()));
  expect((await stateOf(gamma))?.refused).toBeUndefined();
  return result;
}

it('refuses a source of which more is sent than its kind may have, and cuts off whoever goes on', async () => {
  await using peer = await hostile();
  const { far, sft } = peer;
  const source = far.announce('camera', 4_000);
  far.send(4_000, 2 * M);
  await untouched(
    until(() => alpha.log.includes('refused sources') && alpha.log.includes(source), 'the refusal', 30_000),
  );
  expect(await alpha.metric('hawser_sft_refused_sources_total', `peer="${sft.domain}"`)).toBe(1);
  expect(far.link.rpc.isOpen).toBe(true);
  await untouched(isCut(peer, 'SFT_LINK_EXCESS'));
});

it('counts as a source also what comes on the stream beside it that is to stay silent', async () => {
  await using peer = await hostile();
  const { far } = peer;
  const source = far.announce('camera', 5_000, 2);
  far.send(5_000, 0.02 * M);
  far.send((5_000 ^ 0x8000_0000) >>> 0, 8 * M);
  await untouched(
    until(() => alpha.log.includes('refused sources') && alpha.log.includes(source), 'the refusal', 30_000),
  );
  await untouched(isCut(peer, 'SFT_LINK_EXCESS'));
});

it('cuts off whoever sends under SSRCs that nobody announced', async () => {
  await using peer = await hostile();
  for (let ssrc = 9_000; ssrc < 9_100; ssrc++) peer.far.send(ssrc, 0.02 * M);
  await untouched(isCut(peer, 'SFT_LINK_UNKNOWN_STREAMS'));
});

it.each([
  ['key-frame requests', (ssrc: number) => pli(ssrc), 200],
  ['NACKs', (ssrc: number, highest: number) => nack(ssrc, highest - 17), 500],
])('rests the streams of a flood of %s, and cuts off whoever goes on', async (_, packet, perSecond) => {
  await using peer = await hostile();
  const { far, sft } = peer;
  const [stream] = await far.offered('camera');
  if (!stream) throw new Error('nothing was offered');
  far.demand({ source: stream.source, layers: [0] });
  await until(() => (far.received.get(stream.ssrc)?.packets ?? 0) > 50, 'pictures');
  far.repeat(perSecond, () => packet(stream.ssrc, far.received.get(stream.ssrc)?.highest ?? 0));
  await untouched(
    until(
      async () => (await stateOf(sft))?.shed.some(({ reason }) => reason === 'feedback') === true,
      'the rest',
      30_000,
    ),
  );
  expect(far.link.rpc.isOpen).toBe(true);
  await untouched(isCut(peer, 'SFT_LINK_FEEDBACK_FLOOD'));
});

it('takes demand at most every 20 ms, and cuts off whoever changes it a hundred times a second', async () => {
  await using peer = await hostile();
  const { far, sft } = peer;
  const [stream] = await far.offered('camera');
  if (!stream) throw new Error('nothing was offered');
  const begin = performance.now();
  let said = 0;
  const timer = setInterval(() => {
    // As many as are due: timers of a busy process come late.
    for (const due = (performance.now() - begin) / 10; said < due; said++) {
      far.demand({ source: stream.source, layers: said % 2 === 0 ? [0] : [] });
    }
  }, 5);
  try {
    await untouched(isCut(peer, 'SFT_LINK_FLAPPING'));
  } finally {
    clearInterval(timer);
  }
  await until(async () => (await stateOf(sft))?.shed.length === 0, 'nothing of it in the state');
});

it('lets a peer that was cut off come back after the pause', async () => {
  await using peer = await hostile();
  for (let i = 0; i < 100; i++) peer.far.send(9_000 + i, 0.02 * M);
  expect(await peer.far.link.closed).toBe('SFT_LINK_UNKNOWN_STREAMS');
  peer.far[Symbol.dispose]();
  let again: FarSide | undefined;
  const back = async () => {
    again = await FarSide.join(peer.sft, alpha, conference).catch(() => undefined);
    return again !== undefined;
  };
  await until(back, 'the way back', 20_000);
  expect((await stateOf(peer.sft))?.refused).toBeUndefined();
  again?.[Symbol.dispose]();
});
