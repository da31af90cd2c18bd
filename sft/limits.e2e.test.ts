import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ShedReason } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import type { PeerLimits } from '#trust/peers-schema.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { FarSide } from './testing-far-side.ts';
import { LossyPath } from './testing-lossy-path.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

async function start(announced?: readonly [string, string]): Promise<void> {
  [alpha, beta] = await Promise.all([
    TestSft.start(folder, 'alpha', { mode: 'layers', trunkIp: announced?.[0] }),
    TestSft.start(folder, 'beta', { mode: 'layers', trunkIp: announced?.[1] }),
  ]);
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
  for (const [from, to] of [
    [alpha, beta],
    [beta, alpha],
  ] as const)
    (await from.dialLink(to))[Symbol.dispose]();
}
const stop = () => Promise.all([alpha, beta].map((sft) => sft?.close()));

// A test that fails says what the servers had to say.
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(`${alpha.log}\n${beta.log}`);
});

const limit = (of: TestSft, to: TestSft, limits: PeerLimits) => of.allow({ of: to.test, limits });
const peerAt = async (sft: TestSft, peer: TestSft) =>
  (await sft.state()).peers.find((each) => each.peer === peer.domain);
/** What an SFT says that is left out, as `direction by reason layer`. */
const shedAt = async (sft: TestSft, peer: TestSft) =>
  ((await peerAt(sft, peer))?.shed ?? []).map(
    ({ direction, by, reason, layer }) => `${direction} ${by} ${reason} ${layer}`,
  );
const noticesOf = ({ conference: { state } }: TestPerson) =>
  state.phase === 'joined' ? state.notices.map(({ code }) => code) : [];

/** Alice films and speaks at alpha, Bob at beta watches her large picture. */
async function call() {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  const alice = await TestPerson.join(alpha, conference);
  const bob = await TestPerson.join(beta, conference, alpha);
  await Promise.all([alice.film(), alice.speak()]);
  await bob.watch(alice, 720);
  await Promise.all([bob.sees(alice, 720), bob.hears(alice)]);
  return {
    alice,
    bob,
    conference,
    async [Symbol.asyncDispose]() {
      alice[Symbol.dispose]();
      bob[Symbol.dispose]();
      await Promise.all([alpha.idle(), beta.idle()]);
    },
  };
}

/** Layer 2 is left out for the reason, everybody concerned sees it, and voices go on; then it comes back by itself. */
async function seenAndOver(
  { alice, bob }: Awaited<ReturnType<typeof call>>,
  [here, there]: readonly [TestSft, TestSft],
  reason: ShedReason,
  release: () => Promise<void> | void,
) {
  const sent = here === alpha;
  const ours = `${sent ? 'out' : 'in'} us ${reason} 2`;
  const theirs = `${sent ? 'in' : 'out'} peer ${reason} 2`;
  await until(async () => (await shedAt(here, there)).includes(ours), `${ours} at ${here.domain}`, 20_000);
  await until(async () => (await shedAt(there, here)).includes(theirs), `${theirs} at ${there.domain}`);
  const code = reason === 'loss' || reason === 'delay' ? 'SFT_PICTURES_BRAKED' : 'SFT_PICTURES_LIMITED';
  await until(() => noticesOf(bob).includes(code), 'the notice');
  expect(noticesOf(alice)).not.toContain(code);
  const labels = `peer="${there.domain}",direction="${sent ? 'out' : 'in'}",reason="${reason}"`;
  expect(await here.metric('hawser_sft_shed_layers', labels)).toBeGreaterThan(0);
  expect(await here.metric('hawser_sft_shed_layers_total', labels)).toBeGreaterThan(0);
  for (const sft of [here, there]) expect(sft.log).toContain(reason);
  // A path that loses whatever is sent is relieved of the small picture too.
  if (code === 'SFT_PICTURES_LIMITED') await bob.sees(alice, 180);
  await bob.hears(alice);
  const links = (await here.state()).links.length;
  expect(links).toBe(1);
  await release();
  await until(() => !noticesOf(bob).includes(code), 'the end of the notice', 90_000);
  await bob.sees(alice, 720);
  await until(async () => (await shedAt(here, there)).length + (await shedAt(there, here)).length === 0, 'all back');
}

describe('a limit in Mbit/s', () => {
  beforeAll(() => start(), 30_000);
  afterAll(stop);

  it('of the sender leaves out the top layer, is seen by both administrators, and everything comes back', async () => {
    await using at = await call();
    await limit(alpha, beta, { sendMbit: 0.6 });
    await seenAndOver(at, [alpha, beta], 'send-limit', () => alpha.allow({ of: beta.test }));
  }, 60_000);

  it('of the receiver does the same', async () => {
    await using at = await call();
    await limit(beta, alpha, { receiveMbit: 0.6 });
    await seenAndOver(at, [beta, alpha], 'receive-limit', () => beta.allow({ of: alpha.test }));
  }, 60_000);

  it('of nothing at all leaves the voices', async () => {
    await using at = await call();
    const { alice, bob } = at;
    await limit(alpha, beta, { sendMbit: 0 });
    await until(async () => (await shedAt(alpha, beta)).length === 2, 'both layers left out');
    const pictures = (await bob.received(alice, 'camera'))?.framesDecoded ?? 0;
    const before = (await bob.received(alice, 'microphone'))?.packets ?? 0;
    await until(async () => ((await bob.received(alice, 'microphone'))?.packets ?? 0) > before + 100, 'the voice');
    expect(((await bob.received(alice, 'camera'))?.framesDecoded ?? 0) - pictures).toBeLessThan(30);
    await alpha.allow({ of: beta.test });
    await bob.sees(alice, 720);
  }, 60_000);
});

describe('a path in trouble', () => {
  let path: LossyPath;
  beforeAll(async () => {
    const announced = ['127.0.0.2', '127.0.0.3'] as const;
    await start(announced);
    path = await LossyPath.open(
      { announcedIp: announced[0], ports: alpha.site.sft.trunk.ports },
      { announcedIp: announced[1], ports: beta.site.sft.trunk.ports },
    );
  }, 30_000);
  afterAll(async () => {
    await stop();
    await path?.close();
  });

  it('that loses more than 3 % is relieved in the same order, and everything comes back', async () => {
    await using at = await call();
    path.trouble({ loss: 0.08 });
    await seenAndOver(at, [alpha, beta], 'loss', () => {
      path.trouble({});
    });
  }, 150_000);

  it('whose round trip grows is relieved in the same order, and everything comes back', async () => {
    await using at = await call();
    await until(
      async () => {
        const trunks = (await alpha.state()).links.flatMap((link) => link.trunks);
        return trunks.some(({ streams }) => streams.some(({ rttMs }) => rttMs > 0));
      },
      'a round trip',
      15_000,
    );
    path.trouble({ delayMs: 120 });
    await seenAndOver(at, [alpha, beta], 'delay', () => {
      path.trouble({});
    });
  }, 150_000);
});

describe('a limit in numbers', () => {
  beforeAll(() => start(), 30_000);
  afterAll(stop);

  it('of participants leaves out the surplus, which both administrators see, and takes it in when there is room', async () => {
    const conference = newConferenceId();
    beta.federate(conference, alpha);
    using alice = await TestPerson.join(alpha, conference);
    await limit(alpha, beta, { participants: 1 });
    const people = [];
    for (let i = 0; i < 3; i++) people.push(await TestPerson.join(beta, conference, alpha));
    await until(async () => (await peerAt(alpha, beta))?.surplus.us.participants === 2, 'the surplus at alpha');
    await until(async () => (await peerAt(beta, alpha))?.surplus.peer.participants === 2, 'the surplus at beta');
    await until(() => noticesOf(alice).includes('SFT_LINK_LIMIT'), 'the notice');
    expect(alice.others.map(({ participant }) => participant)).toEqual([people[0]?.participant]);
    expect(await alpha.metric('hawser_sft_surplus', `peer="${beta.domain}",what="participants"`)).toBe(2);
    expect(alpha.log).toContain('above the limit are left out');
    await alpha.allow({ of: beta.test });
    await until(() => alice.others.length === 3, 'everybody');
    await until(() => !noticesOf(alice).includes('SFT_LINK_LIMIT'), 'the end of the notice');
    for (const person of people) person[Symbol.dispose]();
  }, 30_000);

  it('of sources leaves out the surplus', async () => {
    const conference = newConferenceId();
    beta.federate(conference, alpha);
    using alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    await limit(alpha, beta, { sources: 1 });
    await until(async () => (await peerAt(alpha, beta))?.limits.sources === 1, 'the limit');
    await bob.speak();
    await alice.hears(bob);
    await bob.film();
    await until(async () => (await peerAt(alpha, beta))?.surplus.us.sources === 1, 'the surplus');
    expect(alice.source(bob, 'camera')).toBeUndefined();
    await alpha.allow({ of: beta.test });
    await until(() => alice.source(bob, 'camera') !== undefined, 'the camera');
  }, 30_000);

  it('of conferences refuses one more, and lets those that go on be', async () => {
    await limit(alpha, beta, { conferences: 1 });
    await until(async () => {
      using far = await FarSide.join(beta, alpha, newConferenceId());
      const join = async () => {
        const conference = newConferenceId();
        const grant = await alpha.grant({ conference, domain: beta.domain });
        return far.link.rpc.request('join', { conference, grant, worker: 0 }).then(
          () => 'taken',
          (error) => error.code,
        );
      };
      const answer = await join();
      return answer === 'SFT_LINK_LIMIT' && far.link.rpc.isOpen && (await alpha.state()).conferences.length === 1;
    }, 'the refusal');
    await alpha.allow({ of: beta.test });
    await alpha.idle();
  }, 30_000);
});
